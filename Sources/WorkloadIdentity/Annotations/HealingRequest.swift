/// Which pods of a workload may be replaced by themselves.
public enum HealingMode: String, CaseIterable, Hashable, Sendable {
    /// Those that were created without injection.
    case restart
    /// Those, and those that carry an earlier plan.
    case restartStale = "restart-stale"
}

/// Whether a workload's pods may be replaced, as `lanyard.dev/heal` says: a label on the Namespace, or an annotation on the
/// workload, which wins.
public struct HealingRequest: Hashable, Sendable {
    public static let key = AnnotationKey.lanyardPrefix + "heal"
    /// What a workload says in a Namespace whose others are to be healed.
    private static let never = "false"

    /// `nil`: no pod may be replaced.
    public private(set) var mode: HealingMode?

    /// What is wrong with what is written.
    public private(set) var problems: [Problem] = []

    /// A Namespace's request is a label.
    public init(ofNamespace name: String, labels: [String: String], annotations: [String: String]) {
        if let value = labels[Self.key] {
            read(value, of: "label", in: .ownLabels)
        } else if annotations[Self.key] != nil {
            problems = [.notLabel(ofNamespace: name)]
        }
    }

    /// A workload's request is an annotation.
    ///
    /// - Parameter inherited: what its Namespace says, where it says nothing that can be used itself.
    public init(
        ofWorkload labels: [String: String], annotations: [String: String], inherited: HealingMode? = nil
    ) {
        mode = inherited
        if let value = annotations[Self.key] {
            read(value, of: "annotation", in: .ownAnnotations)
        } else if labels[Self.key] != nil {
            problems = [.notAnnotation]
        }
    }

    private mutating func read(_ value: String, of kind: String, in place: Problem.Place) {
        if let asked = HealingMode(rawValue: value) {
            mode = asked
        } else if value == Self.never {
            mode = nil
        } else {
            let known = HealingMode.allCases.map(\.rawValue) + [Self.never]
            problems.append(
                .warning(
                    .invalidValue,
                    "the \(kind) \(Self.key) \(ValueSyntax.oneOf(known).refusal(of: value))", field: Self.key, in: place
                ))
        }
    }
}

extension Problem {
    fileprivate static func notLabel(ofNamespace name: String) -> Problem {
        .warning(
            .misplacedKey,
            """
            \(HealingRequest.key) has no effect as an annotation; make it a label: kubectl label namespace \(name) \
            \(HealingRequest.key)=restart
            """,
            field: HealingRequest.key, in: .ownAnnotations)
    }

    fileprivate static var notAnnotation: Problem {
        .warning(
            .misplacedKey, "the label \(HealingRequest.key) has no effect on a workload; make it an annotation",
            field: HealingRequest.key, in: .ownLabels)
    }
}
