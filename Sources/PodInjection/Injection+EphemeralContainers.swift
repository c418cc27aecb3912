public import WorkloadIdentity

extension Injection {
    /// What a plan adds to ephemeral containers as they are attached to a running pod: variables, and mounts of volumes that
    /// the pod has. An update of `pods/ephemeralcontainers` changes nothing else of the pod, and no container that was
    /// attached before.
    /// https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
    ///
    /// - Parameters:
    ///   - pod: the pod as it would be.
    ///   - old: the pod as it is.
    public init(of plan: Plan, intoEphemeralContainersOf pod: PodManifest, before old: PodManifest) {
        let attached = old.containers(in: .ephemeralContainers).map(\.name)
        self.init(
            of: plan,
            draft: PodDraft(pod, containersIn: [.ephemeralContainers], except: Set(attached), takesVolumes: false))
        addToAttachedContainers()
    }
}
