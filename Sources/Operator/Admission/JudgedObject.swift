internal import AdmissionWebhook
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// An object that is being applied, as far as it is judged.
struct JudgedObject {
    enum Content {
        case serviceAccount(ServiceAccount)
        case workload(WorkloadKind, pod: PodManifest)
    }

    let content: Content
    let namespace: String
    let name: String
    let annotations: [String: String]
    let labels: [String: String]

    /// - Returns: `nil` for what is not to be judged: another operation or kind, a subresource, an object that is being
    ///   deleted or is malformed, and one that a workload makes from what was judged there already.
    init?(_ object: WorkloadManifest, appliedBy request: AdmissionRequest) {
        guard request.operation == .create || request.operation == .update, request.subResource.isEmpty,
            !object.isBeingDeleted, !(object.isMadeByWorkload && request.isByKubernetesController)
        else { return nil }
        self.init(object, of: request)
    }

    /// What an update replaces.
    init?(_ object: WorkloadManifest, replacedBy request: AdmissionRequest) {
        self.init(object, of: request)
    }

    private init?(_ object: WorkloadManifest, of request: AdmissionRequest) {
        let resource = JudgedResource.all.first {
            $0.group == request.resource.group && $0.name == request.resource.resource
        }
        guard let resource, object.hasMetadata, !request.namespace.isEmpty else { return nil }
        namespace = request.namespace
        // On creation the API server may still have to make the name up.
        name = object.name ?? object.namePrefix ?? request.name
        annotations = object.annotations
        labels = object.labels

        switch resource.kind {
        case .serviceAccount:
            var account = ServiceAccount(
                metadata: ObjectMetadata(name: name, namespace: namespace),
                automountServiceAccountToken: object.mountsToken)
            account.metadata.annotations = annotations
            content = .serviceAccount(account)
        case .workload(let kind):
            guard let pod = object.podTemplate(kind) else { return nil }
            content = .workload(kind, pod: pod)
        }
    }

    /// The ServiceAccount that this is, or that the workload's pods run as.
    var subject: Subject {
        switch content {
        case .serviceAccount: Subject(namespace: namespace, serviceAccount: name)
        case .workload(_, let pod): Subject(of: pod, in: namespace)
        }
    }
}

extension JudgedObject: CustomStringConvertible {
    var description: String {
        switch content {
        case .serviceAccount: "\(subject)"
        case .workload(let kind, _): "\(kind.rawValue) \(namespace)/\(name)"
        }
    }
}

extension WorkloadManifest {
    /// Whether a workload that is judged itself keeps this object, as a Deployment does its ReplicaSets. What another kind
    /// of controller makes has been judged nowhere yet. Anybody may write such an owner: it counts only if Kubernetes'
    /// controllers do.
    fileprivate var isMadeByWorkload: Bool {
        controllers.contains { controller in
            guard let kind = WorkloadKind(rawValue: controller.kind) else { return false }
            return JudgedResource.all.contains { $0.group == controller.group && $0.kind == .workload(kind) }
        }
    }
}
