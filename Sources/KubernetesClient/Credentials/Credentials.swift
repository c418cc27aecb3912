/// By what an API server is to know this program. A plug-in's answer goes before the rest.
public struct Credentials: Hashable, Sendable {
    public var token: BearerToken?
    public var clientCertificate: ClientCertificate?
    public var plugin: CredentialPlugin?

    public init(
        token: BearerToken? = nil, clientCertificate: ClientCertificate? = nil, plugin: CredentialPlugin? = nil
    ) {
        self.token = token
        self.clientCertificate = clientCertificate
        self.plugin = plugin
    }
}

public enum BearerToken: Hashable, Sendable {
    case fixed(String)

    /// In a file that somebody else renews; it is read again at most once a minute.
    case file(String)
}

extension BearerToken: CustomStringConvertible {
    /// Never the token.
    public var description: String {
        switch self {
        case .fixed: "a token"
        case .file(let path): "the token in \(path)"
        }
    }
}

/// A certificate by which a client is known, both parts in PEM.
public struct ClientCertificate: Hashable, Sendable {
    /// The client's own certificate first.
    public var certificateChain: [UInt8]
    public var privateKey: [UInt8]

    public init(certificateChain: [UInt8], privateKey: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}

extension ClientCertificate: CustomStringConvertible {
    /// Never the key.
    public var description: String { "a client certificate" }
}

/// A program that prints credentials when it is run (`client.authentication.k8s.io`).
public struct CredentialPlugin: Hashable, Sendable {
    /// The versions of the protocol that are spoken.
    public static let apiVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

    public var apiVersion: String

    /// A name to be looked up in `PATH`, or an absolute path.
    public var command: String
    public var arguments: [String] = []

    /// Is added to this program's own environment.
    public var environment: [String: String] = [:]

    /// Whether the plug-in is told which cluster it is for.
    public var providesClusterInformation = false

    /// What to tell a user who does not have the plug-in.
    public var installHint = ""

    public init(apiVersion: String, command: String) {
        self.apiVersion = apiVersion
        self.command = command
    }
}

extension CredentialPlugin: CustomStringConvertible {
    /// Not the environment, in which there may be secrets.
    public var description: String { "the credential plug-in \(command)" }
}
