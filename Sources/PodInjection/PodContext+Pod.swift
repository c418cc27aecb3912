public import JSON
public import WorkloadIdentity

extension PodContext {
    /// What a plan depends on in a pod, or in the template of a workload.
    ///
    /// - Parameter serviceAccountMounts: `automountServiceAccountToken` of the ServiceAccount; the pod's own wins.
    public init(pod: JSONValue, serviceAccountMounts: Bool? = nil) {
        let spec = pod["spec"]
        self.init(
            name: pod["metadata"]?["name"]?.string,
            annotations: pod["metadata"]?["annotations"]?.strings ?? [:],
            labels: pod["metadata"]?["labels"]?.strings ?? [:],
            mountsServiceAccountToken: spec?["automountServiceAccountToken"]?.bool ?? serviceAccountMounts ?? true,
            operatingSystem: Self.operatingSystem(spec))
    }

    /// `spec.os.name` says it since Kubernetes 1.25; before, only the node selector did.
    private static func operatingSystem(_ spec: JSONValue?) -> OperatingSystem {
        let selector = spec?["nodeSelector"]
        let name = spec?["os"]?["name"] ?? selector?["kubernetes.io/os"] ?? selector?["beta.kubernetes.io/os"]
        return name == "windows" ? .windows : .linux
    }
}
