/// What a cluster shows of the platform that it runs on. No single signal is proof: nodes on EC2 need not be EKS.
///
/// Sources: facts of each vendor's cloud provider about `spec.providerID`, node labels and `/version`.
public struct PlatformSignals: Hashable, Sendable {
    public var issuer: String?
    /// `gitVersion` of `/version`, such as `v1.31.2-eks-7f9249a`.
    public var version: String?
    public var nodes: [NodeSignals]

    public struct NodeSignals: Hashable, Sendable {
        public var providerID: String
        public var labels: Set<String>

        public init(providerID: String, labels: Set<String>) {
            self.providerID = providerID
            self.labels = labels
        }
    }

    public init(issuer: String? = nil, version: String? = nil, nodes: [NodeSignals] = []) {
        self.issuer = issuer
        self.version = version
        self.nodes = nodes
    }

    /// The platform that the signals speak for, and the signals that decided.
    ///
    /// The issuer weighs most, since it is what other clouds trust; a version suffix and a vendor's node label are
    /// enough each; a provider ID alone only says whose machines the nodes are.
    public var verdict: (platform: Platform, evidence: String) {
        for signal in Self.issuers {
            if let issuer, signal.matches(issuer) { return (signal.platform, "issuer \(issuer)") }
        }
        for (mark, platform) in Self.versions {
            if let version, version.contains(mark) { return (platform, "server version \(version)") }
        }
        for (prefix, platform) in Self.labels {
            for node in nodes {
                if let label = node.labels.sorted().first(where: { $0.hasPrefix(prefix) }) {
                    return (platform, "node label \(label)")
                }
            }
        }
        for (prefix, platform) in Self.exclusiveProviderIDs {
            if let node = nodes.first(where: { $0.providerID.hasPrefix(prefix) }) {
                return (platform, "node providerID \(node.providerID)")
            }
        }
        return (.selfManaged, "no managed platform's issuer, version or node label was found")
    }

    private struct IssuerSignal {
        var platform: Platform
        var matches: @Sendable (String) -> Bool
    }

    private static let issuers = [
        IssuerSignal(platform: .eks) { $0.hasPrefix("https://oidc.eks.") || $0.hasPrefix("https://oidc-eks.") },
        IssuerSignal(platform: .aks) { $0.contains(".oic.prod-aks.azure.com/") || $0.contains("//oidc.prod-aks.") },
        IssuerSignal(platform: .gke) { $0.hasPrefix("https://container.googleapis.com/v1/projects/") },
    ]

    private static let versions: [(String, Platform)] = [
        ("-eks-", .eks), ("-gke.", .gke), ("+IKS", .iks), ("-aliyun.", .ack),
        // Distributions that people run themselves, on whichever cloud's machines.
        ("+k3s", .selfManaged), ("+rke2", .selfManaged), ("+k0s", .selfManaged),
    ]

    private static let labels: [(String, Platform)] = [
        ("eks.amazonaws.com/", .eks),
        ("kubernetes.azure.com/cluster", .aks),
        ("cloud.google.com/gke-", .gke),
        ("ibm-cloud.kubernetes.io/", .iks),
        ("node.info.ds_proxymux_client", .oke), ("node.info/kubeletVersion", .oke), ("oke.oraclecloud.com/", .oke),
        ("node.alibabacloud.com/", .ack), ("alibabacloud.com/", .ack),
    ]

    /// Provider IDs that only the managed service writes.
    private static let exclusiveProviderIDs: [(String, Platform)] = [
        ("ibm://", .iks), ("ack-hybrid://", .ack), ("kind://", .selfManaged), ("k3s://", .selfManaged),
    ]

    /// Whether a node that was seen runs GKE's metadata server, which answers for ServiceAccounts; `nil` if none was seen.
    /// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
    public var hasGKEMetadataServer: Bool? {
        guard !nodes.isEmpty else { return nil }
        return nodes.contains { $0.labels.contains("iam.gke.io/gke-metadata-server-enabled") }
    }
}
