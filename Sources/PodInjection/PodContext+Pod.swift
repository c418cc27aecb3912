public import WorkloadIdentity

extension PodContext {
    /// What a plan depends on in a pod, or in the template of a workload.
    ///
    /// - Parameter serviceAccountMounts: `automountServiceAccountToken` of the ServiceAccount; the pod's own wins.
    public init(pod: borrowing PodManifest, serviceAccountMounts: Bool? = nil) {
        self.init(
            name: pod.name, annotations: pod.annotations, labels: pod.labels,
            mountsServiceAccountToken: pod.mountsServiceAccountToken ?? serviceAccountMounts ?? true,
            operatingSystem: pod.operatingSystem)
    }
}
