internal import KubernetesModel
internal import WorkloadIdentity

/// Whether errors are refused, or only told: what `lanyard.dev/policy` says on the Namespace, and on the workload.
///
/// Either may be strict. A workload cannot take back what its Namespace says.
struct AdmissionPolicy {
    static let key = AnnotationKey.lanyardPrefix + "policy"
    private static let enforce = "enforce"

    /// Why errors are refused; `nil` if they are not.
    private(set) var enforcement: String?

    /// What is wrong with the policy on the Namespace.
    private(set) var findings: [Finding] = []

    /// What is wrong with the policy on the workload.
    private(set) var ownFindings: [Finding] = []

    init(of object: JudgedObject, in namespace: ObjectMetadata?) {
        let name = "Namespace \(object.namespace)"
        if let value = namespace?.labels[Self.key] {
            if value == Self.enforce {
                enforcement = "\(name) is labelled \(Self.key)=\(value)"
            } else {
                findings.append(Finding(object: name, problem: .meaningless(value, "label")))
            }
        } else if namespace?.annotations[Self.key] != nil {
            findings.append(Finding(object: name, problem: .notLabel(of: object.namespace)))
        }
        guard case .workload = object.content else { return }
        // People know the key as a label from Namespaces, and all others as annotations.
        for (place, values) in [("label", object.labels), ("annotation", object.annotations)] {
            guard let value = values[Self.key] else { continue }
            if value == Self.enforce {
                enforcement = enforcement ?? "it has the \(place) \(Self.key)=\(value)"
            } else {
                ownFindings.append(Finding(object: "\(object)", problem: .meaningless(value, place)))
            }
        }
    }
}

extension Problem {
    fileprivate static func meaningless(_ value: String, _ place: String) -> Problem {
        .warning(
            .invalidValue,
            "the \(place) \(AdmissionPolicy.key) is \"\(value.prefix(63))\" and has no effect; write \"enforce\"",
            field: AdmissionPolicy.key)
    }

    fileprivate static func notLabel(of namespace: String) -> Problem {
        .warning(
            .misplacedKey,
            """
            \(AdmissionPolicy.key) has no effect as an annotation; make it a label: kubectl label namespace \
            \(namespace) \(AdmissionPolicy.key)=enforce
            """,
            field: AdmissionPolicy.key)
    }
}
