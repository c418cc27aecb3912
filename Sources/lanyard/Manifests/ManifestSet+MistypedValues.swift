internal import JSON
internal import PodInjection
internal import WorkloadIdentity

extension ManifestSet {
    /// A problem for each annotation and label that is no string, as `inject: false` is without quotes. The API server refuses
    /// the object, and here the value would be lost in silence.
    func mistypedValues(of object: Object) -> [Problem] {
        let kind = WorkloadKind(rawValue: object.kind)
        let pod = kind?.podValue(in: object.value)?["metadata"]
        var problems = [Problem].mistyped(in: pod, of: "the pod", annotations: .annotations, labels: .podLabels)
        if kind != .pod {
            problems += [Problem].mistyped(
                in: object.value["metadata"], of: kind == nil ? title(of: object) : "the \(object.kind)",
                annotations: .ownAnnotations, labels: .ownLabels)
        }
        return problems
    }
}

extension [Problem] {
    fileprivate static func mistyped(
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
