public import JSON

/// A kind of object, without saying how much of it is read.
public protocol KubernetesKind: Sendable {
    static var resourceType: ResourceType { get }
}

/// What this program reads of an object of some kind.
///
/// A resource holds the fields that are needed and no others, so it is never written back: writes are patches and
/// server-side applies of just the fields that change.
public protocol KubernetesResource: KubernetesKind, JSONReadable {
    /// How much of the object the API server is asked to send.
    static var representation: ResourceRepresentation { get }

    var metadata: ObjectMetadata { get }

    /// Reads an item of a list in Protocol Buffers; `nil` if the kind is read from JSON only.
    static func item(protobuf: [UInt8]) throws -> Self?
}

public enum ResourceRepresentation: Hashable, Sendable {
    /// The object as it is stored.
    case whole

    /// Its `metadata` alone (`meta.k8s.io/v1 PartialObjectMetadata`).
    case metadata

    /// The object as it is stored, of which so little is read that lists had better come as Protocol Buffers, which the
    /// server makes, and we pass over, in less time. Kinds with a `CustomResourceDefinition` have no such form.
    case wholeInProtobuf
}

extension KubernetesResource {
    public static var representation: ResourceRepresentation { .whole }

    public static func item(protobuf: [UInt8]) throws -> Self? { nil }

    public var key: ObjectKey { metadata.key }

    /// What an event or an owner reference says to point to this object.
    public var reference: ObjectReference {
        ObjectReference(type: Self.resourceType, key: key, uid: metadata.uid)
    }
}
