import KubernetesModel
import WorkloadIdentity

@testable import Operator

/// Plans and pods of one ServiceAccount, for tests of what is reported.
enum StatusFixture {
    static let subject = Subject(namespace: "ai", serviceAccount: "llm")
    static let role = "arn:aws:iam::111122223333:role/bedrock"
    static let aws = ["eks.amazonaws.com/role-arn": role]
    static let azure = [
        "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
        "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    ]
    static func aws(and more: [String: String]) -> [String: String] { aws.merging(more) { $1 } }

    /// Reaches Alibaba Cloud's own programming interfaces, and no model.
    static let alibaba = [
        "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
        "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1",
    ]
    static let facts = PlatformFacts(
        platform: .eks, issuer: Issuer(url: "https://oidc.eks.eu-west-1.amazonaws.com/id/A", reach: .public),
        evidence: "configuration")

    static func plan(
        _ annotations: [String: String], pod: PodContext = PodContext(), facts: PlatformFacts = facts,
        _ configuration: Configuration = Configuration()
    ) -> Plan {
        Plan(
            for: subject, serviceAccount: annotations, pod: pod, facts: facts, configuration: configuration)
    }

    /// - Parameters:
    ///   - plan: what `lanyard.dev/plan` says.
    ///   - owner: what made it.
    static func pod(
        _ name: String = "p", plan: String? = nil, injected: String? = nil, problems: [String] = [],
        of owner: (kind: String, name: String)? = nil
    ) -> ObjectMetadata {
        var pod = ObjectMetadata(name: name, namespace: "ai")
        pod.uid = "uid-\(name)"
        pod.annotations["lanyard.dev/plan"] = plan
        pod.annotations["lanyard.dev/injected"] = injected
        if !problems.isEmpty { pod.annotations["lanyard.dev/problems"] = problems.joined(separator: "\n") }
        if let owner {
            let group = ["Job", "CronJob"].contains(owner.kind) ? "batch/v1" : "apps/v1"
            pod.ownerReferences = [
                OwnerReference(
                    apiVersion: group, kind: owner.kind, name: owner.name, uid: "uid-\(owner.name)", isController: true)
            ]
        }
        return pod
    }

    static func report(
        _ pods: [ObjectMetadata], _ plan: Plan, isForged: (ObjectMetadata) -> Bool = { _ in false }
    ) -> PodReport {
        PodReport(pods.map { ($0, plan) }, isForged: isForged, origin: \.controller)
    }

    static func status(_ annotations: [String: String], pods: [ObjectMetadata] = []) -> WorkloadIdentityStatus {
        let plan = plan(annotations)
        return WorkloadIdentityStatus(
            of: subject, facts: facts, plans: [plan],
            workloads: ReportedWorkload.all(asking: [], pods: pods, origin: \.controller), pods: report(pods, plan))
    }
}
