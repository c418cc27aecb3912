public import JSON
public import KubernetesClient
public import KubernetesModel
public import WorkloadIdentity

extension KubernetesClient {
    /// The discovery document of the API server.
    public func discoveryDocument() async throws -> JSONValue {
        try await json(.nonResource("/.well-known/openid-configuration"))
    }

    /// The keys that one API server shows.
    public func issuerKeys() async throws -> IssuerKeySet {
        let request = KubernetesRequest.nonResource("/openid/v1/jwks")
        guard let set = IssuerKeySet(document: try await json(request)) else {
            throw KubernetesError(
                .invalidResponse, operation: request.operation, message: "the answer is no JSON Web Key Set")
        }
        return set
    }

    /// What is noted of keys that were uploaded.
    ///
    /// - Parameter namespace: Lanyard's own.
    public func uploadedKeys(in namespace: String) async throws -> UploadedKeys {
        UploadedKeys(try await getIfPresent(ConfigMap.self, UploadedKeys.key(in: namespace))?.data ?? [:])
    }
}

extension UploadedKeys {
    public static func key(in namespace: String) -> ObjectKey { ObjectKey(namespace: namespace, name: configMap) }
}
