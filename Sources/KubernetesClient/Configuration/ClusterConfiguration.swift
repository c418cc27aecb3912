/// Where an API server is, how it is known, and how to be let in.
///
/// It comes from the pod that this program runs in (``inCluster(environment:directory:)``), or from a kubeconfig
/// (``init(kubeconfig:path:context:)``).
public struct ClusterConfiguration: Hashable, Sendable {
    /// `https://HOST:PORT`, with a path if the server is behind another; without a slash at the end.
    public var server: String

    /// The certificates, in PEM, that the server's must lead to. `nil`: those that the system trusts.
    public var certificateAuthority: [UInt8]?

    /// The file that they come from, if it is renewed while this program runs.
    public var certificateAuthorityFile: String?

    /// The name in the server's certificate, if it is not the host of ``server``.
    public var tlsServerName: String?

    /// Whether anybody may pretend to be the server. Only if somebody has asked for it in as many words.
    public var skipsTLSVerification = false
    public var credentials: Credentials

    /// The namespace that this program, or the kubeconfig's context, is in.
    public var namespace: String?

    public init(
        server: String, certificateAuthority: [UInt8]? = nil, tlsServerName: String? = nil,
        credentials: Credentials = Credentials(), namespace: String? = nil
    ) {
        self.server = server
        self.certificateAuthority = certificateAuthority
        self.tlsServerName = tlsServerName
        self.credentials = credentials
        self.namespace = namespace
    }
}

/// Why there is no ``ClusterConfiguration``: which file or variable, which field of it, what is wrong, what to write.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file, or what else the configuration comes from.
    public var source: String

    /// The path of the field inside the file: `users["dev"].user.token`. Empty if it is the file as a whole.
    public var field: String
    public var message: String

    public init(source: String, field: String = "", message: String) {
        self.source = source
        self.field = field
        self.message = message
    }

    public var description: String {
        field.isEmpty ? "\(source): \(message)" : "\(source): \(field): \(message)"
    }
}
