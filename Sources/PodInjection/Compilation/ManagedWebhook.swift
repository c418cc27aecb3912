public import WorkloadIdentity

/// A platform's own webhook that gives pods credentials. Lanyard's webhook runs after it and leaves what it did; a policy of the
/// API server's would run before it, and so has nothing to do with what it may serve.
public enum ManagedWebhook: Hashable, Sendable, CaseIterable {
    /// https://github.com/aws/amazon-eks-pod-identity-webhook
    case eksPodIdentity
    case ackPodIdentity
    /// https://github.com/pfnet-research/gcp-workload-identity-federation-webhook
    case googleFederation

    /// Those that are in a cluster.
    ///
    /// - Parameter configurations: the names of the mutating webhook configurations. EKS' own control plane has its webhook even
    ///   where no configuration shows it.
    public static func present(on platform: Platform, configurations: some Sequence<String>) -> Set<ManagedWebhook> {
        var present: Set<ManagedWebhook> = []
        switch platform {
        case .eks: present.insert(.eksPodIdentity)
        case .ack: present.insert(.ackPodIdentity)
        default: break
        }
        for name in configurations {
            if name == "pod-identity-webhook" { present.insert(.eksPodIdentity) }
            if name == "ack-pod-identity-webhook" { present.insert(.ackPodIdentity) }
            if name.contains("workload-identity-federation-webhook") { present.insert(.googleFederation) }
        }
        return present
    }

    func mayServe(_ mechanism: Mechanism) -> Bool {
        switch self {
        case .eksPodIdentity: [.irsa, .eksPodIdentity, .awsWebIdentity].contains(mechanism)
        case .ackPodIdentity: mechanism == .alibabaRRSA
        case .googleFederation: mechanism == .gcpWorkloadIdentityFederation
        }
    }
}
