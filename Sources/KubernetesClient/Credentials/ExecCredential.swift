internal import JSON
internal import KubernetesModel

/// What a credential plug-in is told, and what it prints (`client.authentication.k8s.io ExecCredential`).
struct ExecCredential {
    var token: String?
    var clientCertificate: ClientCertificate?

    /// `nil`: good for as long as the server takes it.
    var expiration: Timestamp?

    /// Credentials count as expired so many seconds before they are, so that they last until the server sees them.
    private static let margin: Int64 = 10

    func isValid(at now: Timestamp) -> Bool {
        guard let expiration else { return true }
        return now.seconds < expiration.seconds - Self.margin
    }
}

extension ExecCredential {
    /// What stands in `KUBERNETES_EXEC_INFO`.
    static func request(to plugin: CredentialPlugin, for cluster: ClusterConfiguration) -> JSONValue {
        var specification: JSONValue = ["interactive": false]
        if plugin.providesClusterInformation {
            var information: JSONValue = ["server": .string(cluster.server)]
            if let authority = cluster.certificateAuthority {
                information["certificate-authority-data"] = .string(Base64.encode(authority))
            }
            if let name = cluster.tlsServerName { information["tls-server-name"] = .string(name) }
            if cluster.skipsTLSVerification { information["insecure-skip-tls-verify"] = true }
            specification["cluster"] = information
        }
        return ["apiVersion": .string(plugin.apiVersion), "kind": "ExecCredential", "spec": specification]
    }

    /// - Throws: a ``CredentialPluginFailure``, which never quotes the output.
    init(output: [UInt8], of plugin: CredentialPlugin) throws(CredentialPluginFailure) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: output)
        } catch {
            throw CredentialPluginFailure(plugin, "printed something that is not JSON")
        }
        guard json["kind"]?.string == "ExecCredential", json["apiVersion"]?.string == plugin.apiVersion else {
            throw CredentialPluginFailure(plugin, "did not print an ExecCredential of \(plugin.apiVersion)")
        }
        let status = json["status"]
        token = status?["token"]?.string
        switch (status?["clientCertificateData"]?.string, status?["clientKeyData"]?.string) {
        case (let chain?, let key?):
            clientCertificate = ClientCertificate(certificateChain: Array(chain.utf8), privateKey: Array(key.utf8))
        case (nil, nil):
            break
        default:
            throw CredentialPluginFailure(plugin, "printed a client certificate without its key, or the reverse")
        }
        guard token != nil || clientCertificate != nil else {
            throw CredentialPluginFailure(plugin, "printed neither a token nor a client certificate")
        }
        if let text = status?["expirationTimestamp"]?.string {
            guard let time = Timestamp(text) else {
                throw CredentialPluginFailure(plugin, "printed an expirationTimestamp that is not RFC 3339")
            }
            expiration = time
        }
    }
}

/// Why a credential plug-in gave nothing.
struct CredentialPluginFailure: Error, Hashable, CustomStringConvertible {
    var message: String

    init(_ plugin: CredentialPlugin, _ problem: String) {
        message = "\(plugin) \(problem)"
    }

    var description: String { message }
}
