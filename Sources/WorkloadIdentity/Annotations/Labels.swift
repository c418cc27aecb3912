/// Lanyard's own labels: a slip in one of them must not pass for its absence.
public enum Labels {
    /// The vendors' own labels by which pods ask for an identity, each with the value that does.
    public static let asking: [String: String] = Dictionary(
        Provider.builtIn.compactMap(\.requestLabel).map { ($0.name, $0.value) }
    ) { first, _ in first }

    /// By which the API server's own policy marks pods that require injection and have it: they need not wait for a replica.
    public static let injectedBy = "lanyard.dev/injected-by"

    /// What is wrong with the labels of a pod, or of the template of a workload's pods.
    static func problems(of pod: PodContext) -> [Problem] {
        problems(
            with: pod.labels, knowing: [Plan.injectKey: ["true", "false", "required"], injectedBy: ["policy"]],
            of: "the pod: ", in: .podLabels, .error)
    }

    /// What is wrong with the labels of a Namespace, and with annotations that should be labels. What the policy may be is
    /// ``AdmissionPolicy``'s to say, and what healing may be ``HealingRequest``'s.
    public static func problems(
        ofNamespace name: String, labels: [String: String], annotations: [String: String]
    ) -> [Problem] {
        var problems = problems(
            with: labels,
            knowing: [
                Plan.injectKey: ["true", "false"], AdmissionPolicy.key: nil,
                HealingRequest.key: nil,
            ], of: "",
            in: .ownLabels,
            .warning)
        if let value = annotations[Plan.injectKey] {
            problems.append(
                .warning(
                    .misplacedKey,
                    """
                    \(Plan.injectKey) has no effect as an annotation; make it a label: kubectl label namespace \(name) \
                    \(Plan.injectKey)=\(value == "true" ? "true" : "false")
                    """,
                    field: Plan.injectKey, in: .ownAnnotations))
        }
        return problems
    }

    /// - Parameters:
    ///   - known: the values that each label may have; `nil` for any.
    ///   - object: the beginning of a message.
    private static func problems(
        with labels: [String: String], knowing known: [String: [String]?], of object: String, in place: Problem.Place,
        _ severity: Problem.Severity
    ) -> [Problem] {
        let own = labels.filter { $0.key.hasPrefix(AnnotationKey.lanyardPrefix) }.sorted { $0.key < $1.key }
        // A pod may have thousands, and comparing names is slow.
        return own.prefix(100).compactMap { name, value in
            guard let values = known[name] else {
                let meant = Spelling.nearest(to: name, among: known.keys.sorted())
                return .warning(
                    .unknownKey,
                    """
                    \(object)\(name.shortened) is not a label that Lanyard knows; \
                    \(meant.map { "did you mean \($0)?" } ?? "remove it, or make it an annotation")
                    """,
                    field: name, in: place)
            }
            guard let values, !values.contains(value) else { return nil }
            return Problem(
                severity, .invalidValue,
                "\(object)the label \(name) \(ValueSyntax.oneOf(values).refusal(of: value))",
                field: name, in: place)
        }
    }
}
