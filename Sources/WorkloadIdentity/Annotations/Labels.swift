/// Lanyard's own labels: a slip in one of them must not pass for its absence.
enum Labels {
    /// What is wrong with the labels of a pod and of its namespace.
    static func problems(of pod: PodContext, in namespace: String, labelled labels: [String: String]) -> [Problem] {
        problems(
            with: pod.labels, of: "the pod", in: .podLabels,
            knowing: [Plan.injectKey: ["true", "false", "required"]])
            + problems(
                with: labels, of: "Namespace \(namespace)", in: .ownLabels,
                // What the policy may be is AdmissionPolicy's to say.
                knowing: [Plan.injectKey: ["true", "false"], AdmissionPolicy.key: nil])
    }

    /// - Parameter known: the values that each label may have; `nil` for any.
    private static func problems(
        with labels: [String: String], of object: String, in place: Problem.Place, knowing known: [String: [String]?]
    ) -> [Problem] {
        let own = labels.filter { $0.key.hasPrefix(AnnotationKey.lanyardPrefix) }.sorted { $0.key < $1.key }
        // A pod may have thousands, and comparing names is slow.
        return own.prefix(100).compactMap { name, value in
            guard let values = known[name] else {
                let meant = Spelling.nearest(to: name, among: known.keys.sorted())
                return .warning(
                    .unknownKey,
                    """
                    \(object): \(name.shortened) is no label that Lanyard knows; \
                    \(meant.map { "did you mean \($0)?" } ?? "remove it, or make it an annotation")
                    """,
                    field: name, in: place)
            }
            guard let values, !values.contains(value) else { return nil }
            return .error(
                .invalidValue,
                "\(object): the label \(name) is \"\(value.shortened)\"; write \(ValueSyntax.oneOf(values).expected)",
                field: name, in: place)
        }
    }
}
