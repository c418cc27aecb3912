internal import KubernetesModel
internal import WorkloadIdentity

/// The policy that an object is under: its Namespace's, and a workload's own.
struct PolicyInForce {
    /// Why errors are refused; `nil` if they are not.
    let enforcement: String?

    /// What is wrong with the policy on the Namespace.
    let findings: [Finding]

    /// What is wrong with the policy on the workload.
    private(set) var ownFindings: [Finding] = []

    init(of object: JudgedObject, in namespace: ObjectMetadata?) {
        let policy = AdmissionPolicy(
            ofNamespace: object.namespace, labels: namespace?.labels ?? [:], annotations: namespace?.annotations ?? [:])
        findings = policy.problems.map { Finding(object: "Namespace \(object.namespace)", problem: $0) }
        guard case .workload = object.content else {
            enforcement = policy.enforcement
            return
        }
        let own = AdmissionPolicy(ofWorkload: object.labels, annotations: object.annotations)
        enforcement = policy.enforcement ?? own.enforcement
        ownFindings = own.problems.map { Finding(object: "\(object)", problem: $0) }
    }
}
