import AdmissionWebhook
import JSON
import KubernetesModel
import PodInjection
import WorkloadIdentity

@testable import Operator

/// What the API server asks about an object that is applied.
struct Application: Sendable {
    var request: AdmissionRequest
    var object: JSONValue?
    var oldObject: JSONValue?

    /// - Parameters:
    ///   - kind: of the workload; `nil` for a ServiceAccount.
    ///   - old: what is updated; `nil` for a creation.
    static func applying(_ object: JSONValue, _ kind: WorkloadKind?, replacing old: JSONValue? = nil) -> Application {
        let validated = ValidatedResource.all.first { $0.kind == kind }
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "", kind: ""),
            resource: .init(
                group: validated?.type.group ?? "", version: validated?.versions[0] ?? "",
                resource: validated?.type.plural ?? ""),
            namespace: "ai", operation: old == nil ? .create : .update)
        return Application(request: request, object: object, oldObject: old)
    }

    /// A Deployment, or what has no `spec`: a ServiceAccount.
    static func applying(_ object: JSONValue, replacing old: JSONValue? = nil) -> Application {
        applying(object, object["kind"] == "ServiceAccount" ? nil : .deployment, replacing: old)
    }
}

extension AdmissionRequest {
    func asked(by user: String) -> AdmissionRequest {
        AdmissionRequest(
            uid: uid, kind: kind, resource: resource, subResource: subResource, name: name, namespace: namespace,
            operation: operation, dryRun: dryRun, username: user)
    }
}

/// A suite about what is said of objects as they are applied, on EKS.
protocol ReviewsApplications {
    var cluster: FakeCluster { get }
}

extension ReviewsApplications {
    static var role: [String: String] { ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"] }
    static var good: [String: String] { role.merging(["lanyard.dev/aws-region": "eu-central-1"]) { $1 } }
    static var bad: [String: String] { ["eks.amazonaws.com/role-arn": "bedrock"] }
    static var enforce: [String: String] { ["lanyard.dev/policy": "enforce"] }

    func review(
        _ application: Application, configuration: Configuration = Configuration()
    ) async throws -> AdmissionResponse {
        try await WorkloadValidator(planner: cluster.planner(on: .eks, configuration), client: cluster.client)
            .review(application)
    }
}

extension WorkloadValidator {
    func review(_ application: Application) async throws -> AdmissionResponse {
        func read(_ object: JSONValue?) throws -> WorkloadManifest? {
            try object.map { try WorkloadManifest(parsing: $0.serialized()) }
        }
        return try await review(
            application.request, of: try read(application.object), replacing: try read(application.oldObject))
    }
}

extension JSONValue {
    static func serviceAccount(_ annotations: [String: String]) -> JSONValue {
        [
            "kind": "ServiceAccount",
            "metadata": ["name": "llm", "namespace": "ai", "annotations": .object(JSONObject(annotations))],
        ]
    }

    static func workload(
        _ kind: WorkloadKind, serviceAccount: String? = "llm", metadata: [String: String] = [:],
        metadataLabels: [String: String] = [:], template: [String: String] = [:], labels: [String: String] = [:],
        containers: [JSONValue] = [["name": "app", "image": "app:1"]]
    ) -> JSONValue {
        var pod: JSONValue = [
            "metadata": ["annotations": .object(JSONObject(template)), "labels": .object(JSONObject(labels))],
            "spec": ["containers": .array(containers)],
        ]
        if let serviceAccount { pod.set("spec", "serviceAccountName", .string(serviceAccount)) }
        for step in kind.podPointer.tokens.reversed() { pod = [step: pod] }
        pod["metadata"] = [
            "name": "app", "namespace": "ai", "annotations": .object(JSONObject(metadata)),
            "labels": .object(JSONObject(metadataLabels)),
        ]
        return pod
    }

    mutating func set(_ field: String, _ member: String, _ value: JSONValue) {
        var object = self[field] ?? [:]
        object[member] = value
        self[field] = object
    }

    mutating func own(by apiVersion: String, _ kind: String) {
        set(
            "metadata", "ownerReferences",
            [
                [
                    "apiVersion": .string(apiVersion), "kind": .string(kind), "name": "owner", "uid": "1",
                    "controller": true,
                ]
            ])
    }

    /// This value with each of its parts, and then itself, replaced.
    func replacingEach(with value: JSONValue) -> [JSONValue] {
        var variants: [JSONValue] = [value]
        if let members = object {
            for (key, member) in members {
                for variant in member.replacingEach(with: value) {
                    var copy = members
                    copy[key] = variant
                    variants.append(.object(copy))
                }
            }
        } else if let elements = array {
            for index in elements.indices {
                for variant in elements[index].replacingEach(with: value) {
                    var copy = elements
                    copy[index] = variant
                    variants.append(.array(copy))
                }
            }
        }
        return variants
    }
}
