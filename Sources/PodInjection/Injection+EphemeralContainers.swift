public import JSON
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
    public init(of plan: Plan, intoEphemeralContainersOf pod: JSONValue, before old: JSONValue) {
        let list = "ephemeralContainers"
        let attached = (old["spec"]?[list]?.array ?? []).compactMap { $0["name"]?.string }
        self.init(of: plan, draft: PodDraft(pod, containersIn: [list], except: Set(attached)))
        lend()
    }
}
