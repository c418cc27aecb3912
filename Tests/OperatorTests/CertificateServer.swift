import AdmissionWebhook
import JSON
import KubernetesClient
import KubernetesModel
import NIOCore
import Synchronization

/// Keeps the certificates' Secret and the registrations as an API server does: with versions, and conflicts.
final class CertificateServer: KubernetesTransport {
    private struct State {
        var isDown = false
        var version = 0
        var secret: JSONValue?
        /// The `caBundle` of each registration, in Base64, by name; and its version.
        var registrations: [String: (caBundle: String, version: Int)] = [:]
        var registrationPatches = 0
        var secretWrites = 0
    }

    private let state = Mutex(State())

    /// Called after each change of a registration, with what it trusts.
    private let onTrust: @Sendable ([UInt8]) -> Void

    init(onTrust: @escaping @Sendable ([UInt8]) -> Void = { _ in }) {
        self.onTrust = onTrust
    }

    /// What is in the Secret.
    var bundle: CertificateBundle {
        get throws {
            let stored = try Secret(parsing: (state.withLock { $0.secret } ?? .null).serialized())
            return try CertificateBundle(secretData: stored.data)
        }
    }

    func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }

    var registrationPatches: Int { state.withLock { $0.registrationPatches } }
    var writes: Int { state.withLock { $0.registrationPatches + $0.secretWrites } }

    func deleteSecret() { state.withLock { $0.secret = nil } }

    /// What somebody else has written.
    func setSecret(_ bundle: CertificateBundle) throws {
        var data = JSONObject()
        for (key, content) in try bundle.secretData { data[key] = .string(Base64.encode(content)) }
        state.withLock { [data] state in
            state.version += 1
            state.secret = [
                "metadata": ["name": "s", "resourceVersion": .string("\(state.version)")],
                "data": .object(data),
            ]
        }
    }

    func register(_ name: String, trusting caBundle: [UInt8]) {
        state.withLock { state in
            state.version += 1
            state.registrations[name] = (Base64.encode(caBundle), state.version)
        }
    }

    /// As a watch tells it.
    func registration<Kind>(_ name: String) throws -> WebhookConfiguration<Kind>? {
        let json = state.withLock { $0.registrations[name].map { Self.json(name, $0) } }
        return try json.map { try WebhookConfiguration(parsing: $0.serialized()) }
    }

    private static func json(_ name: String, _ registration: (caBundle: String, version: Int)) -> JSONValue {
        [
            "metadata": ["name": .string(name), "resourceVersion": .string("\(registration.version)")],
            "webhooks": [["name": .string(name), "clientConfig": ["caBundle": .string(registration.caBundle)]]],
        ]
    }

    // MARK: Requests

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        // Others come in between.
        for _ in 0..<Int.random(in: 0...3) { await Task.yield() }
        guard !state.withLock({ $0.isDown }) else {
            throw KubernetesError(.connectionFailed, operation: request.operation, message: "nobody answers")
        }
        let sent = request.body.isEmpty ? JSONValue.null : try JSONValue(parsing: request.body)
        let (code, answer, trusted) = state.withLock { Self.answer(request, sent, &$0) }
        if let trusted { onTrust(trusted) }
        var chunks = [ByteBuffer(bytes: answer.serialized())]
        var response = KubernetesResponse(statusCode: code, retryAfter: nil) { chunks.popLast() }
        return try await body(&response)
    }

    private static func answer(
        _ request: KubernetesRequest, _ sent: JSONValue, _ state: inout State
    ) -> (Int, JSONValue, [UInt8]?) {
        let notFound: (Int, JSONValue, [UInt8]?) = (404, ["code": 404, "reason": "NotFound"], nil)
        let conflict: (Int, JSONValue, [UInt8]?) = (409, ["code": 409, "reason": "Conflict"], nil)
        let precondition = sent["metadata"]?["resourceVersion"]?.string
        guard request.path.contains("/secrets") else {
            let name = String(request.path.split(separator: "/").last ?? "")
            guard let present = state.registrations[name] else {
                // What a test has only put into a store takes every patch.
                guard request.method == .patch else { return notFound }
                state.registrationPatches += 1
                return (200, [:], nil)
            }
            guard request.method == .patch else { return (200, json(name, present), nil) }
            guard precondition == "\(present.version)" else { return conflict }
            state.version += 1
            state.registrationPatches += 1
            let caBundle = sent["webhooks"]?.array?.first?["clientConfig"]?["caBundle"]?.string ?? ""
            state.registrations[name] = (caBundle, state.version)
            return (200, json(name, (caBundle, state.version)), Base64.decode(caBundle))
        }
        switch request.method {
        case .get:
            return state.secret.map { (200, $0, nil) } ?? notFound
        case .post where state.secret != nil:
            return (409, ["code": 409, "reason": "AlreadyExists"], nil)
        case .patch where state.secret == nil:
            return notFound
        case .patch where state.secret?["metadata"]?["resourceVersion"]?.string != precondition:
            return conflict
        default:
            state.version += 1
            state.secretWrites += 1
            var secret = sent
            secret["metadata"] = ["name": "s", "resourceVersion": .string("\(state.version)")]
            state.secret = secret
            return (200, secret, nil)
        }
    }
}
