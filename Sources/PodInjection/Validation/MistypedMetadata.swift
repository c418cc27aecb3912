public import JSON
public import WorkloadIdentity

/// Annotations and labels that are no strings, as `inject: false` is without quotes. The API server denies the object before
/// any webhook sees it; in a file the value would be lost in silence.
public enum MistypedMetadata {
    /// - Parameters:
    ///   - title: what the object is called.
    ///   - pod: where the pod, or the template of the pods, stands in it; `nil` for an object from which no pods come.
    public static func problems(of object: JSONValue, title: String, pod: JSONPointer?) -> [Problem] {
        let isPod = pod?.tokens.isEmpty == true
        let template = pod.flatMap { $0.tokens.reduce(object) { place, token in place?[token] } }
        let problems = Self.problems(
            in: template?["metadata"], of: "the pod", annotations: .annotations, labels: .podLabels)
        guard !isPod else { return problems }
        let owner = pod == nil ? title : "the \(object["kind"]?.string ?? "object")"
        return problems
            + Self.problems(in: object["metadata"], of: owner, annotations: .ownAnnotations, labels: .ownLabels)
    }

    private static func problems(
        in metadata: JSONValue?, of owner: String, annotations: Problem.Place, labels: Problem.Place
    ) -> [Problem] {
        [("annotation", annotations), ("label", labels)].flatMap { word, place in
            (metadata?["\(word)s"]?.object ?? [:]).compactMap { name, value in
                value.typeFault(word).map { fault in
                    Problem(
                        value.isNull ? .warning : .error, .invalidValue, "\(owner): the \(word) \(name) \(fault)",
                        field: name, in: place)
                }
            }
        }
    }
}

extension JSONValue {
    /// What is wrong with this as an annotation or a label, as the end of a sentence.
    fileprivate func typeFault(_ word: String) -> String? {
        switch self {
        case .string: nil
        case .null: "has no value and counts as absent; write one, or remove it"
        case .bool, .number: "is \(kind), and \(word)s are strings; write \"\(self)\", with the quotes"
        case .array, .object: "is \(kind), and \(word)s are strings"
        }
    }
}
