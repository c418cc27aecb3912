/// Whether errors are refused, or only told, as `lanyard.dev/policy` says on one object.
///
/// A Namespace says it for all that is in it, and a workload for itself. A workload cannot take back what its Namespace says.
public struct AdmissionPolicy: Hashable, Sendable {
    public static let key = AnnotationKey.lanyardPrefix + "policy"
    private static let enforce = "enforce"

    /// Why errors are refused; `nil` if they are not.
    public private(set) var enforcement: String?

    /// What is wrong with what is written.
    public private(set) var problems: [Problem] = []

    /// A Namespace's policy is a label.
    public init(ofNamespace name: String, labels: [String: String], annotations: [String: String]) {
        if let value = labels[Self.key] {
            read(value, of: "label", in: .ownLabels, enforcedBy: "Namespace \(name) is labelled")
        } else if annotations[Self.key] != nil {
            problems = [.notLabel(ofNamespace: name)]
        }
    }

    /// A workload's is either: people know the key as a label from Namespaces, and all others as annotations.
    public init(ofWorkload labels: [String: String], annotations: [String: String]) {
        if let value = labels[Self.key] {
            read(value, of: "label", in: .ownLabels, enforcedBy: "it has the label")
        }
        if let value = annotations[Self.key] {
            read(value, of: "annotation", in: .ownAnnotations, enforcedBy: "it has the annotation")
        }
    }

    private mutating func read(_ value: String, of kind: String, in place: Problem.Place, enforcedBy object: String) {
        if value == Self.enforce {
            enforcement = enforcement ?? "\(object) \(Self.key)=\(value)"
        } else {
            problems.append(.meaningless(value, kind, place))
        }
    }
}

extension Problem {
    fileprivate static func meaningless(_ value: String, _ kind: String, _ place: Place) -> Problem {
        .warning(
            .invalidValue,
            "the \(kind) \(AdmissionPolicy.key) is \"\(value.prefix(63))\" and has no effect; write \"enforce\"",
            field: AdmissionPolicy.key, in: place)
    }

    fileprivate static func notLabel(ofNamespace name: String) -> Problem {
        .warning(
            .misplacedKey,
            """
            \(AdmissionPolicy.key) has no effect as an annotation; make it a label: kubectl label namespace \(name) \
            \(AdmissionPolicy.key)=enforce
            """,
            field: AdmissionPolicy.key, in: .ownAnnotations)
    }
}
