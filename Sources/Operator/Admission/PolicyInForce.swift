internal import KubernetesModel
internal import WorkloadIdentity

/// The policy that an object is under: its Namespace's, and a workload's own.
struct PolicyInForce {
    /// Why errors are refused; `nil` if they are not.
    let enforcement: String?

    /// What is wrong with the policy, and with other labels, on the Namespace.
    let findings: [Finding]

    /// What is wrong with the policy on the workload.
    private(set) var ownFindings: [Finding] = []

    init(of object: JudgedObject, in namespace: ObjectMetadata?) {
        let (labels, annotations) = (namespace?.labels ?? [:], namespace?.annotations ?? [:])
        let policy = AdmissionPolicy(ofNamespace: object.namespace, labels: labels, annotations: annotations)
        let problems =
            policy.problems
            + Labels.problems(ofNamespace: object.namespace, labels: labels, annotations: annotations)
        findings = problems.map { Finding(object: "Namespace \(object.namespace)", problem: $0) }
        guard case .workload = object.content else {
            enforcement = policy.enforcement
            return
        }
        let own = AdmissionPolicy(ofWorkload: object.labels, annotations: object.annotations)
        enforcement = policy.enforcement ?? own.enforcement
        ownFindings = own.problems.map { Finding(object: "\(object)", problem: $0) }
    }
}
