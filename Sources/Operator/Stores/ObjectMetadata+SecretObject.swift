internal import KubernetesModel
internal import KubernetesRuntime
internal import WorkloadIdentity

extension ObjectMetadata {
    private static let stampsOfSecretObjects = Mechanism.bySecretObject.map { "=\($0)" }

    /// Whether a pod, by its stamp, was given a reference to an object that Lanyard keeps.
    var refersToSecretObject: Bool {
        guard let stamp = annotations[AnnotationKey.injected.name] else { return false }
        return stamp.split(separator: ",").contains { entry in
            Self.stampsOfSecretObjects.contains { entry.hasSuffix($0) }
        }
    }
}

extension StoreIndex<PartialObjectMetadata<Pod>> {
    /// The pods of a namespace that refer to objects that Lanyard keeps.
    static var secretObjects: StoreIndex {
        StoreIndex("secretObjects") { $0.metadata.refersToSecretObject ? [$0.metadata.namespace ?? ""] : [] }
    }
}
