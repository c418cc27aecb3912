public import JSON

/// An object by which another operator gets a stored key to a pod.
///
/// Its name is a function of its content: when an annotation changes, pods that still refer to the old object keep it,
/// and new ones never start with the old key.
public struct SecretObject: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// https://secrets-store-csi-driver.sigs.k8s.io/concepts#secretproviderclass
        case secretProviderClass = "SecretProviderClass"
        /// https://external-secrets.io/latest/api/externalsecret/
        case externalSecret = "ExternalSecret"

        /// The version of the API that Lanyard makes objects of.
        public var version: String { "v1" }
    }

    public var kind: Kind
    public var name: String
    public var spec: JSONValue

    public init(kind: Kind, name: String, spec: JSONValue) {
        self.kind = kind
        self.name = name
        self.spec = spec
    }

    /// - Parameter identity: what the content is made of.
    static func name(for request: BindingRequest, _ identity: [(name: String, value: String)]) -> String {
        let fingerprint = Fingerprint.of(
            [.string(request.subject.claim)] + identity.map { [.string($0.name), .string($0.value)] })
        // An object's name has 253 characters at most, and each of its parts ends with a letter or a digit.
        var account = request.subject.serviceAccount.prefix(160)
        while account.last == "." || account.last == "-" { account.removeLast() }
        return "lanyard-\(account)-\(request.provider)-\(fingerprint)"
    }
}

extension SecretObject.Kind: CustomStringConvertible {
    public var description: String { rawValue }
}
