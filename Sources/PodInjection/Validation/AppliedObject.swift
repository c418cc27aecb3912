public import JSON
public import KubernetesModel
public import WorkloadIdentity

/// A ServiceAccount or a workload that is being applied, as far as it is reviewed.
///
/// Pods are not among them: see ``ObjectReview/init(ofPod:named:in:account:jitter:plan:)``.
public struct AppliedObject: Sendable {
    public enum Content: Sendable {
        case serviceAccount(ServiceAccount)
        /// - Parameter pointer: where the template of the pods stands in the object.
        case workload(template: PodManifest, at: JSONPointer)
    }

    /// As the object itself says: `Deployment`.
    public let kind: String
    public let namespace: String
    public let name: String
    public let annotations: [String: String]
    public let labels: [String: String]
    public let content: Content

    /// - Parameter name: what the object is called, where it does not say.
    public init(serviceAccount object: WorkloadManifest, in namespace: String, name: String = "") {
        var account = ServiceAccount(
            metadata: ObjectMetadata(name: object.knownName ?? name, namespace: namespace),
            automountServiceAccountToken: object.mountsToken)
        account.metadata.annotations = object.annotations
        self.init(object, kind: "ServiceAccount", in: namespace, name: name, .serviceAccount(account))
    }

    /// - Parameter name: what the object is called, where it does not say.
    /// - Returns: `nil` if the object has no template of pods.
    public init?(_ kind: WorkloadKind, _ object: WorkloadManifest, in namespace: String, name: String = "") {
        guard let template = object.podTemplate(kind) else { return nil }
        self.init(
            object, kind: kind.rawValue, in: namespace, name: name,
            .workload(template: template, at: kind.podPointer))
    }

    /// A workload of a kind that is not Kubernetes' own, such as a Rollout or a Knative Service. By custom all of them have
    /// the template where Deployments have theirs.
    ///
    /// - Returns: `nil` if the object has no template with containers there.
    public init?(ofOtherKind kind: String, _ object: WorkloadManifest, in namespace: String) {
        guard let template = object.podTemplate(.deployment), !template.containers(in: .containers).isEmpty else {
            return nil
        }
        self.init(
            object, kind: kind, in: namespace, name: "",
            .workload(template: template, at: WorkloadKind.deployment.podPointer))
    }

    private init(_ object: WorkloadManifest, kind: String, in namespace: String, name: String, _ content: Content) {
        self.kind = kind
        self.namespace = namespace
        self.name = object.knownName ?? name
        annotations = object.annotations
        labels = object.labels
        self.content = content
    }

    /// The ServiceAccount that this is, or that the workload's pods run as.
    public var subject: Subject {
        switch content {
        case .serviceAccount: Subject(namespace: namespace, serviceAccount: name)
        case .workload(let template, _): Subject(of: template, in: namespace)
        }
    }
}

extension AppliedObject: CustomStringConvertible {
    public var description: String { "\(kind) \(namespace)/\(name)" }
}

extension WorkloadManifest {
    /// On creation the API server may still have to make the name up.
    fileprivate var knownName: String? { name ?? namePrefix }
}

extension Subject {
    /// Whom a pod, or the pods of a template, run as.
    public init(of pod: borrowing PodManifest, in namespace: String) {
        let name = pod.serviceAccountName
        self.init(namespace: namespace, serviceAccount: name.isEmpty ? "default" : name)
    }
}
