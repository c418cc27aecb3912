/// The metadata of a workload, as against that of its pods: nothing that stands there reaches a pod.
public enum WorkloadMetadata {
    /// A problem for each key that means something elsewhere.
    ///
    /// - Parameter kind: the workload's, such as `Deployment`.
    public static func problems(
        of kind: String, annotations: [String: String], labels: [String: String], subject: Subject,
        configuration: Configuration
    ) -> [Problem] {
        let keys = AnnotationKey.common + Provider.all(configuration).flatMap(\.keys)
        var problems: [Problem] = []
        for name in annotations.keys.sorted() {
            guard let key = keys.first(where: { $0.name == name }), !key.isWrittenByLanyard else { continue }
            let places = [
                key.places.contains(.pod) ? "spec.template.metadata.annotations" : nil,
                key.places.contains(.serviceAccount) ? "\(subject)" : nil,
            ]
            let place = places.compactMap { $0 }.joined(separator: ", or on ")
            problems.append(
                .warning(
                    .misplacedKey, "\(name) has no effect on the \(kind) itself; put it on \(place)",
                    field: name, in: .ownAnnotations, provider: key.asksFor))
        }
        if labels[Plan.injectKey] != nil {
            problems.append(
                .warning(
                    .misplacedKey,
                    """
                    the label \(Plan.injectKey) has no effect on the \(kind) itself; put it on \
                    spec.template.metadata.labels
                    """,
                    field: Plan.injectKey, in: .ownLabels))
        }
        return problems
    }
}
