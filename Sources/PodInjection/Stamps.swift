public import JSON
internal import WorkloadIdentity

extension PodDraft {
    /// Marks the pod with what it got. What it brings itself is never believed: it is replaced, or emptied.
    ///
    /// - Parameter plan: the plan's hash; `nil` if nothing could be injected. A pod in which the user's own values stand
    ///   everywhere carries the plan alone.
    mutating func stamp(plan: String?, injected: [(provider: ProviderName, mechanism: Mechanism)]) {
        mark(.plan, plan ?? "")
        mark(.injected, injected.map { "\($0.provider)=\($0.mechanism)" }.joined(separator: ","))
    }

    private mutating func mark(_ key: AnnotationKey, _ value: String) {
        if !value.isEmpty || annotation(key.name) != nil { annotate(key.name, value) }
    }
}

extension JSONPatch {
    /// Empties the stamps of a pod that gets nothing. Most pods have none, and the patch is empty.
    public static func emptyingStamps(of pod: PodManifest) -> JSONPatch {
        var draft = PodDraft(pod)
        draft.stamp(plan: nil, injected: [])
        return draft.patch(at: JSONPointer())
    }
}
