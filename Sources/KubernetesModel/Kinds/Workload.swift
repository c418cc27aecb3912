public import JSON

/// Anything that makes pods from a template, read the same way whatever its kind.
public struct Workload: Hashable, Sendable {
    public typealias Kind = WorkloadKind

    public var kind: Kind
    public var metadata: ObjectMetadata
    public var template = PodTemplate()

    /// How many pods are asked for, of the kinds that say so (`spec.replicas`).
    public var replicas: Int?

    /// The `metadata.generation` that the kind's own controller has acted on.
    public var observedGeneration: Int?

    /// `status.conditions`, ours and others'.
    public var conditions: [Condition] = []

    public init(kind: Kind, metadata: ObjectMetadata) {
        self.kind = kind
        self.metadata = metadata
    }

    public var key: ObjectKey { metadata.key }

    /// The name of the ServiceAccount, in the workload's namespace, that its pods run as.
    public var serviceAccountKey: ObjectKey {
        ObjectKey(namespace: metadata.namespace, name: template.serviceAccountName)
    }

    public var reference: ObjectReference {
        ObjectReference(type: kind.resourceType, key: key, uid: metadata.uid)
    }
}

extension OwnerReference {
    /// Which kind of workload the owner is; `nil` for anything else, and for what others call by the same name. No
    /// controller of Kubernetes' makes anything for a pod.
    public var workloadKind: WorkloadKind? {
        WorkloadKind(apiVersion: apiVersion, kind: kind).flatMap { $0 == .pod ? nil : $0 }
    }
}

// MARK: - Reading

extension Workload {
    /// Items of a list do not name their kind, so it is said here.
    public init(_ kind: Kind, from json: inout JSONReader) throws {
        self.init(kind: kind, metadata: ObjectMetadata(name: ""))
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "spec": try readSpecification(from: &json)
            case "status": try readStatus(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readSpecification(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "replicas": replicas = try json.skipNull() ? nil : json.integer()
            case "template": template = try json.read()
            case "jobTemplate": try readJobTemplate(from: &json)
            default: try json.skip()
            }
        }
    }

    /// A CronJob's template is inside that of its Jobs.
    private mutating func readJobTemplate(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "spec": try readSpecification(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readStatus(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "observedGeneration": observedGeneration = try json.skipNull() ? nil : json.integer()
            case "conditions": conditions = try json.list()
            default: try json.skip()
            }
        }
    }
}
