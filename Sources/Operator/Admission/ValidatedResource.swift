internal import AdmissionWebhook
internal import KubernetesModel
internal import PodInjection

/// A kind of object that is validated when it is applied, by the names that the API server has for it.
///
/// Pods are not among them: they are reviewed as they are injected.
struct ValidatedResource: Hashable, Sendable {
    let type: ResourceType
    /// All that any server from Kubernetes 1.20 on has. What matters stands in the same place in each.
    let versions: [String]
    /// `nil` for ServiceAccounts.
    let kind: WorkloadKind?

    private init(_ kind: WorkloadKind?, versions: [String] = ["v1"]) {
        type = kind?.resourceType ?? ServiceAccount.resourceType
        self.versions = versions
        self.kind = kind
    }

    static let all = [
        ValidatedResource(nil), ValidatedResource(.replicationController),
        ValidatedResource(.deployment), ValidatedResource(.daemonSet), ValidatedResource(.statefulSet),
        ValidatedResource(.replicaSet),
        // CronJob became batch/v1 in Kubernetes 1.21.
        ValidatedResource(.job, versions: ["v1", "v1beta1"]), ValidatedResource(.cronJob, versions: ["v1", "v1beta1"]),
    ]
}

extension AppliedObject {
    /// - Returns: `nil` for what is not to be reviewed: another operation or kind, a subresource, an object that is being
    ///   deleted or is malformed, and one that a workload makes from what was reviewed there already.
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
        let resource = ValidatedResource.all.first {
            $0.type.group == request.resource.group && $0.type.plural == request.resource.resource
        }
        guard let resource, object.hasMetadata, !request.namespace.isEmpty else { return nil }
        if let kind = resource.kind {
            self.init(kind, object, in: request.namespace, name: request.name)
        } else {
            self.init(serviceAccount: object, in: request.namespace, name: request.name)
        }
    }
}

extension WorkloadManifest {
    /// Whether a workload that is reviewed itself keeps this object, as a Deployment does its ReplicaSets. What another kind
    /// of controller makes has been reviewed nowhere yet. Anybody may write such an owner: it counts only if Kubernetes'
    /// controllers do.
    fileprivate var isMadeByWorkload: Bool {
        controllers.contains { controller in
            ValidatedResource.all.contains {
                $0.kind != nil && $0.type.group == controller.group && $0.type.kind == controller.kind
            }
        }
    }
}
