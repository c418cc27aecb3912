import Crypto

/// What the API server asks: may this operation on this object go ahead, and is there anything to change about it?
///
/// The fields that handlers need of `AdmissionRequest` in `admission.k8s.io/v1`, but for the object itself, which each
/// handler has as a type of its own:
/// <https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/#admission-k8s-io-v1-AdmissionRequest>.
public struct AdmissionRequest: Sendable {
    public enum Operation: String, Sendable, Hashable, CaseIterable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }

    /// `apps/v1`, `Deployment`. The core group is the empty string.
    public struct Kind: Sendable, Hashable {
        public var group: String
        public var version: String
        public var kind: String

        public init(group: String = "", version: String, kind: String) {
            self.group = group
            self.version = version
            self.kind = kind
        }
    }

    /// `apps/v1`, `deployments`. The core group is the empty string.
    public struct Resource: Sendable, Hashable {
        public var group: String
        public var version: String
        public var resource: String

        public init(group: String = "", version: String, resource: String) {
            self.group = group
            self.version = version
            self.resource = resource
        }
    }

    /// Names this review; the API server takes an answer only if it carries the same.
    public var uid: String

    public var kind: Kind

    public var resource: Resource

    /// `status`, `scale` and the like; empty for the object itself.
    public var subResource: String

    /// Empty on creation when the API server is to make the name up (`generateName`).
    public var name: String

    /// Where the operation takes place; empty for cluster-scoped kinds. The object's own `metadata.namespace` may still be
    /// empty on creation: this one is right.
    public var namespace: String

    public var operation: Operation

    /// Nothing will be stored, so a handler must have no effect on anything else.
    public var dryRun: Bool

    /// Who asks. Not public, so that nobody logs it by mistake.
    var username: String

    /// Whether a node asks: its user is of the group `system:nodes`.
    /// https://kubernetes.io/docs/reference/access-authn-authz/node/
    public var isByNode: Bool

    public init(
        uid: String,
        kind: Kind,
        resource: Resource,
        subResource: String = "",
        name: String = "",
        namespace: String = "",
        operation: Operation = .create,
        dryRun: Bool = false,
        username: String = "",
        isByNode: Bool = false
    ) {
        self.uid = uid
        self.kind = kind
        self.resource = resource
        self.subResource = subResource
        self.name = name
        self.namespace = namespace
        self.operation = operation
        self.dryRun = dryRun
        self.username = username
        self.isByNode = isByNode
    }

    /// Whether one of Kubernetes' own controllers asks: the controller manager, or what it calls itself for each controller
    /// (`--use-service-account-credentials`).
    public var isByKubernetesController: Bool {
        let prefix = "system:serviceaccount:kube-system:"
        return username == "system:kube-controller-manager"
            || username.hasPrefix(prefix) && username.hasSuffix("-controller")
    }

    /// A name for the requesting user that may be logged: the same for the same user, and not the user's own. Twelve
    /// hexadecimal digits of the user name's SHA-256.
    public var userHash: String {
        let digits = SHA256.hash(data: Array(username.utf8)).prefix(6).flatMap { [$0 >> 4, $0 & 0xF] }
        return String(
            decoding: digits.map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "a") + $0 - 10 }, as: UTF8.self)
    }
}

extension AdmissionRequest: CustomStringConvertible, CustomReflectable {
    public var description: String {
        "\(operation.rawValue) \(resource.resource) \(namespace)/\(name) (review \(uid))"
    }

    public var customMirror: Mirror { Mirror(reflecting: description) }
}
