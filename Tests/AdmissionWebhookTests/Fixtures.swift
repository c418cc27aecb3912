import FoundationEssentials
import JSON
import MetricsTestKit

@testable import AdmissionWebhook

/// A review as an API server sends it, with a member replaced or, by `nil`, left out.
func review(
    _ replaced: (path: [String], value: JSONValue?)...,
    object: JSONValue = ["apiVersion": "v1", "kind": "Pod", "spec": ["containers": []]]
) -> [UInt8] {
    var json: JSONValue = [
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": [
            "uid": "8c3a8f6e-2f5c-4f1e-9d0b-3b1a5d6c7e8f",
            "kind": ["group": "", "version": "v1", "kind": "Pod"],
            "resource": ["group": "", "version": "v1", "resource": "pods"],
            "requestKind": ["group": "", "version": "v1", "kind": "Pod"],
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": [
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:authenticated"],
            ],
            "object": object,
            "oldObject": .null,
            "dryRun": false,
            "options": ["kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"],
        ],
    ]
    for (path, value) in replaced { json.set(path[...], value) }
    return json.serialized()
}

extension JSONValue {
    fileprivate mutating func set(_ path: ArraySlice<String>, _ value: JSONValue?) {
        guard let key = path.first, var members = object else { return }
        if path.count == 1 {
            members[key] = value
        } else if var member = members[key] {
            member.set(path.dropFirst(), value)
            members[key] = member
        }
        self = .object(members)
    }
}

/// A handler that is a function, or two.
struct TestHandler<Object: ReviewedObject>: AdmissionHandler {
    private let promptJudge: @Sendable (AdmissionRequest) throws -> AdmissionResponse?
    private let judge: @Sendable (AdmissionRequest) async throws -> AdmissionResponse

    init(
        _ judge: @escaping @Sendable (AdmissionRequest) async throws -> AdmissionResponse,
        prompt: @escaping @Sendable (AdmissionRequest) throws -> AdmissionResponse? = { _ in nil }
    ) {
        promptJudge = prompt
        self.judge = judge
    }

    func review(
        _ request: AdmissionRequest, of object: Object?, replacing oldObject: Object?
    ) async throws -> AdmissionResponse {
        try await judge(request)
    }

    func promptReview(
        _ request: AdmissionRequest, of object: Object?, replacing oldObject: Object?
    ) throws -> AdmissionResponse? {
        try promptJudge(request)
    }
}

/// All of an object.
struct WholeObject: ReviewedObject {
    let value: JSONValue
    let isLaborious = false

    init(from json: inout JSONReader) throws {
        value = try json.value()
    }
}

struct TestError: Error, CustomStringConvertible {
    var description: String { "the store is on fire" }
}

extension Date {
    /// 2026-11-21T00:00:00Z
    static let today = Date(timeIntervalSince1970: 1_795_219_200)

    func days(_ count: Double) -> Date { addingTimeInterval(count * .day) }

    func hours(_ count: Double) -> Date { addingTimeInterval(count * .hour) }
}

extension ServingNames {
    static let test = ServingNames(service: "webhook", namespace: "lanyard", extraHosts: ["127.0.0.1"])
}
