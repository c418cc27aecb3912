internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import WorkloadIdentity

/// What trying the trust of one ServiceAccount takes of its cluster, with the caller's own rights.
struct ClusterTokens: Sendable {
    let client: KubernetesClient
    let subject: Subject

    /// A token that lives as short as the API server lets it.
    ///
    /// - Parameters:
    ///   - audience: `nil`: that of the API server itself.
    ///   - isBound: whether it is to name a pod of the ServiceAccount.
    /// - Returns: `nil` if there is no such pod.
    func token(for audience: String?, boundToPod isBound: Bool) async throws -> SecretText? {
        var specification: JSONValue = [
            "audiences": .array(audience.map { [.string($0)] } ?? []), "expirationSeconds": 600,
        ]
        if isBound {
            guard let pod = try await pod() else { return nil }
            specification["boundObjectRef"] = [
                "apiVersion": "v1", "kind": "Pod", "name": .string(pod.name), "uid": .string(pod.uid),
            ]
        }
        let answer = try await client.json(
            .create(
                "token", of: ServiceAccount.resourceType, subject.key,
                ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": specification]))
        guard let token = answer["status"]?["token"]?.string else {
            throw StartFailure(description: "the API server answered a TokenRequest without a token")
        }
        return SecretText(token)
    }

    /// One that has not ended.
    private func pod() async throws -> ObjectMetadata? {
        let fields = [
            "spec.serviceAccountName=\(subject.serviceAccount)", "status.phase!=Succeeded", "status.phase!=Failed",
        ]
        var found: ObjectMetadata?
        _ = try await client.listPage(
            PartialObjectMetadata<Pod>.self, in: subject.namespace,
            ListOptions(fieldSelector: fields.joined(separator: ","), limit: 1)
        ) { found = $0.metadata }
        return found
    }

    /// What a provider answers.
    func answer(
        to request: ExchangeRequest, of step: Exchange, by exchange: TokenExchange
    ) async throws -> ExchangeAnswer {
        var authority: [UInt8]?
        if let secret = step.caSecret { authority = try await self.authority(in: secret) }
        return try await exchange.answer(to: request, trusting: authority)
    }

    /// The `ca.crt` of a Secret in the ServiceAccount's namespace.
    ///
    /// - Throws: an ``ExchangeFailure`` if there is none.
    private func authority(in secret: String) async throws -> [UInt8] {
        let key = ObjectKey(namespace: subject.namespace, name: secret)
        guard let certificates = try await client.getIfPresent(Secret.self, key)?.data["ca.crt"] else {
            throw ExchangeFailure(
                .failed("SecretMissing", "there is no Secret \(key) with ca.crt, which vault.caSecret names"))
        }
        return certificates
    }
}
