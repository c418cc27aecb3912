import Testing
import WorkloadIdentity

@Suite struct PlatformTests {
    private typealias Node = PlatformSignals.NodeSignals

    @Test(
        "tells a platform by its issuer, its version or its node labels",
        arguments: [
            (PlatformSignals(issuer: "https://oidc.eks.eu-central-1.amazonaws.com/id/ABC"), Platform.eks),
            (PlatformSignals(issuer: "https://westeurope.oic.prod-aks.azure.com/t/g/"), .aks),
            (PlatformSignals(issuer: "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"), .gke),
            (PlatformSignals(version: "v1.31.2-eks-7f9249a"), .eks),
            (PlatformSignals(version: "v1.31.1-gke.1678000"), .gke),
            (PlatformSignals(version: "v1.28.4+IKS"), .iks),
            (PlatformSignals(version: "v1.30.1-aliyun.1"), .ack),
            (PlatformSignals(nodes: [Node(providerID: "azure:///x", labels: ["kubernetes.azure.com/cluster"])]), .aks),
            (
                PlatformSignals(nodes: [Node(providerID: "ocid1.instance", labels: ["node.info.ds_proxymux_client"])]),
                .oke
            ),
            (PlatformSignals(nodes: [Node(providerID: "ibm://a///c/w", labels: [])]), .iks),
            (PlatformSignals(version: "v1.30.0+k3s1"), .selfManaged),
            (PlatformSignals(nodes: [Node(providerID: "", labels: ["eks.amazonaws.com/nodegroup"])]), .eks),
            (PlatformSignals(nodes: [Node(providerID: "", labels: ["cloud.google.com/gke-nodepool"])]), .gke),
            (PlatformSignals(nodes: [Node(providerID: "", labels: ["node.alibabacloud.com/nodepool-id"])]), .ack),
            (PlatformSignals(nodes: [Node(providerID: "", labels: ["ibm-cloud.kubernetes.io/worker-id"])]), .iks),
            (PlatformSignals(nodes: [Node(providerID: "ack-hybrid://a", labels: [])]), .ack),
            (PlatformSignals(nodes: [Node(providerID: "kind://docker/kind/node", labels: [])]), .selfManaged),
        ])
    func detects(signals: PlatformSignals, platform: Platform) {
        #expect(signals.verdict.platform == platform)
        #expect(!signals.verdict.evidence.isEmpty)
    }

    @Test(
        "does not take a provider ID alone for the managed service",
        arguments: ["aws:///eu-central-1a/i-0123", "azure:///subscriptions/s", "gce://p/z/n"])
    func needsMoreThanProviderID(providerID: String) {
        let signals = PlatformSignals(
            issuer: "https://kubernetes.default.svc.cluster.local", version: "v1.30.0",
            nodes: [Node(providerID: providerID, labels: ["kubernetes.io/os"])])
        #expect(signals.verdict.platform == .selfManaged)
    }

    @Test("on GKE it warns if no node runs the metadata server that answers for ServiceAccounts")
    func warnsOfMissingMetadataServer() {
        func problem(_ labels: Set<String>?) -> Problem? {
            let signals = PlatformSignals(nodes: labels.map { [Node(providerID: "gce://p/z/n", labels: $0)] } ?? [])
            let components = Components(hasGKEMetadataServer: signals.hasGKEMetadataServer)
            return Fixture.plan(
                ["lanyard.dev/providers": "google-vertex"],
                facts: PlatformFacts(platform: .gke, components: components)
            ).problem(.metadataServerNotFound)
        }
        #expect(problem(["cloud.google.com/gke-nodepool"]) != nil)
        #expect(problem(["cloud.google.com/gke-nodepool", "iam.gke.io/gke-metadata-server-enabled"]) == nil)
        #expect(problem(nil) == nil)
    }

    @Test(
        "tells from the URL who can reach an issuer, where it can be told",
        arguments: [
            ("https://oidc.eks.eu-west-1.amazonaws.com/id/A", Issuer.Reach.public),
            ("https://container.googleapis.com/v1/projects/p", .public),
            ("https://kubernetes.default.svc.cluster.local", .private),
            ("https://kubernetes.default.svc", .private),
            ("https://10.1.2.3:6443", .private), ("https://172.20.0.1", .private), ("https://100.64.1.1", .private),
            ("https://localhost:6443", .private), ("https://[fd00::1]", .private),
            ("http://issuer.example.com", .private),
            ("https://issuer.example.com/path", nil), ("https://172.32.0.1", nil),
        ])
    func judgesReach(url: String, reach: Issuer.Reach?) {
        #expect(Issuer.Reach.known(from: url) == reach)
    }
}
