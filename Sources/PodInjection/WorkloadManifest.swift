public import JSON
public import KubernetesModel
internal import WorkloadIdentity

/// What is to be known of a ServiceAccount, or of a workload of any kind, as it is applied.
///
/// It is read like a ``PodManifest``: in one pass, skipping the rest, and within a ``ManifestAllowance``.
public struct WorkloadManifest: Sendable {
    /// `nil` if the API server is to make it up.
    public private(set) var name: String?
    /// What a made-up name begins with.
    public private(set) var namePrefix: String?
    /// Those that may matter to a plan.
    public private(set) var annotations: [String: String] = [:]
    /// Those that may matter to a plan.
    public private(set) var labels: [String: String] = [:]
    public private(set) var isBeingDeleted = false
    /// Whether it has metadata at all.
    public private(set) var hasMetadata = false
    /// `automountServiceAccountToken` of a ServiceAccount.
    public private(set) var mountsToken: Bool?
    /// The owners that call themselves its controller.
    public private(set) var controllers: [Controller] = []

    public struct Controller: Hashable, Sendable {
        public var group = ""
        public var kind = ""
    }

    private var template: PodManifest?
    /// A CronJob's is a template of a Job, in which that of the pods stands.
    private var templateOfJob: PodManifest?
    private var allowance = ManifestAllowance()

    /// The template of the pods that a workload of this kind makes, if it has one.
    public func podTemplate(_ kind: WorkloadKind) -> PodManifest? {
        switch kind {
        case .pod: nil
        case .cronJob: templateOfJob
        default: template
        }
    }

    /// Whether reviewing it takes so long that others should not have to wait for it.
    public var isLaborious: Bool {
        allowance.isLargelySpent || [template, templateOfJob].contains { $0?.isLaborious == true }
    }
}

extension WorkloadManifest: JSONReadable {
    public init(from json: inout JSONReader) throws {
        _ = try json.objectIfAny { key, json in
            switch key {
            case "metadata": try readMetadata(from: &json)
            case "automountServiceAccountToken": mountsToken = try json.boolIfAny()
            case "spec":
                _ = try json.objectIfAny { key, json in
                    switch key {
                    case "template": template = try json.podManifestIfAny()
                    case "jobTemplate":
                        try json.objectIfAny(only: "spec") { json in
                            try json.objectIfAny(only: "template") { json in
                                templateOfJob = try json.podManifestIfAny()
                            }
                        }
                    default: try json.skip()
                    }
                }
            default: try json.skip()
            }
        }
    }

    private mutating func readMetadata(from json: inout JSONReader) throws {
        let isObject = try json.objectIfAny { key, json in
            switch key {
            case "name": name = try json.stringIfAny()
            case "generateName": namePrefix = try json.stringIfAny()
            case "annotations": annotations = try json.textsThatMatter(within: &allowance)
            case "labels": labels = try json.textsThatMatter(within: &allowance)
            case "deletionTimestamp":
                isBeingDeleted = !json.skipNull()
                if isBeingDeleted { try json.skip() }
            case "ownerReferences":
                _ = try json.arrayIfAny { json in
                    guard let controller = try json.controllerIfAny() else { return }
                    try allowance.keepPart()
                    controllers.append(controller)
                }
            default: try json.skip()
            }
        }
        hasMetadata = isObject == true
    }
}

extension JSONReader {
    fileprivate mutating func podManifestIfAny() throws -> PodManifest? {
        guard kind() == .object else {
            try skip()
            return nil
        }
        return try read()
    }

    /// An owner, if it is one that controls the object.
    fileprivate mutating func controllerIfAny() throws -> WorkloadManifest.Controller? {
        var controller = WorkloadManifest.Controller()
        var controls: Bool?
        _ = try objectIfAny { key, json in
            switch key {
            case "apiVersion":
                let version = try json.stringIfAny() ?? ""
                controller.group = version.contains("/") ? String(version.prefix { $0 != "/" }) : ""
            case "kind": controller.kind = try json.stringIfAny() ?? ""
            case "controller": controls = try json.boolIfAny()
            default: try json.skip()
            }
        }
        return controls == true ? controller : nil
    }
}

extension JSONReader {
    /// Of annotations or labels those on which a plan may depend.
    mutating func textsThatMatter(within allowance: inout ManifestAllowance) throws -> [String: String] {
        var texts: [String: String] = [:]
        _ = try objectIfAny { name, json in try texts.read(name, from: &json, within: &allowance) }
        return texts
    }
}

extension [String: String] {
    /// Reads an annotation or a label, if a plan may depend on it.
    mutating func read(_ name: String, from json: inout JSONReader, within allowance: inout ManifestAllowance) throws {
        guard AnnotationKey.mayMatter(name) else { return try json.skip() }
        let value = try json.stringIfAny()
        try allowance.keepText(name.utf8.count + (value?.utf8.count ?? 0))
        self[name] = value
    }
}
