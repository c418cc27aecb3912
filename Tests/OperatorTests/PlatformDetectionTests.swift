import InMemoryLogging
import JSON
import KubernetesClient
import KubernetesModel
import Logging
import Testing
import WorkloadIdentity

@testable import Operator

/// What a cluster is asked, and what is made of its answers.
@Suite(.timeLimit(.minutes(5))) struct PlatformDetectionTests {
    private let server = FakeAPIServer()
    private let log = InMemoryLogHandler()
    private let fetched = Recorded()

    private func detect(
        _ configuration: Configuration = Configuration(), isPublic: Bool? = nil
    ) async throws -> PlatformFacts {
        try await PlatformFacts.detected(
            by: server.client, configuration: configuration, logger: Logger(label: "test") { [log] _ in log }
        ) { issuer in
            fetched.add(issuer)
            return isPublic
        }
    }

    private func answer(version: String = "v1.31.2", issuer: String? = nil) {
        server.put("/version", ["major": "1", "minor": "31", "gitVersion": .string(version)])
        if let issuer { server.put("/.well-known/openid-configuration", ["issuer": .string(issuer)]) }
    }

    private var warnings: [String] {
        log.entries.filter { $0.level == .warning }.map { "\($0.message)" }
    }

    enum Signal {
        case issuer(String), version(String), label(String), providerID(String), none
    }

    @Test(
        "each signal shows the platform, and is named",
        arguments: [
            (.issuer("https://oidc.eks.eu-west-1.amazonaws.com/id/0123"), .eks, "issuer https://oidc.eks."),
            (.version("v1.31.2-gke.100"), .gke, "server version v1.31.2-gke.100"),
            (.label("kubernetes.azure.com/cluster"), .aks, "node label kubernetes.azure.com/cluster"),
            (.providerID("ibm://1/2"), .iks, "node providerID ibm://1/2"),
            (.none, .selfManaged, "no managed platform's"),
        ] as [(Signal, Platform, String)])
    private func detects(signal: Signal, platform: Platform, evidence: String) async throws {
        answer()
        switch signal {
        case .issuer(let url): answer(issuer: url)
        case .version(let version): answer(version: version)
        case .label(let label): server.put("/api/v1/nodes/a", ["metadata": ["labels": [label: ""]]])
        case .providerID(let id): server.put("/api/v1/nodes/a", ["spec": ["providerID": .string(id)]])
        case .none: break
        }
        let facts = try await detect()
        #expect(facts.platform == platform)
        #expect(facts.evidence.hasPrefix(evidence), "\(facts.evidence)")
    }

    @Test("what the configuration says counts, and a cluster that is asked says otherwise in vain, but not unheard")
    func heedsConfiguration() async throws {
        answer(version: "v1.31.2-eks-1", issuer: "https://own.example.com")
        var configuration = Configuration()
        configuration.platform = .selfManaged
        configuration.issuer.url = "https://configured.example.com/"
        configuration.issuer.isPublic = false
        let facts = try await detect(configuration, isPublic: true)
        #expect(facts.platform == .selfManaged && facts.evidence == "configuration")
        #expect(facts.issuer == Issuer(url: "https://configured.example.com/", reach: .private))
        #expect(fetched.all.isEmpty)
        #expect(warnings == ["issuer.url is not the cluster's own issuer"])
    }

    @Test(
        "only an issuer whose URL tells nothing is fetched, once",
        arguments: [
            ("https://oidc.example.com", true, .public, 1), ("https://oidc.example.com", false, .private, 1),
            ("https://oidc.example.com", nil, .unknown, 1),
            ("https://kubernetes.default.svc.cluster.local", true, .private, 0),
            ("https://oidc.eks.eu-west-1.amazonaws.com/id/0", nil, .public, 0), (nil, true, .unknown, 0),
        ] as [(String?, Bool?, Issuer.Reach, Int)])
    func findsReach(url: String?, isPublic: Bool?, reach: Issuer.Reach, fetches: Int) async throws {
        answer(issuer: url)
        #expect(try await detect(isPublic: isPublic).issuer == Issuer(url: url, reach: reach))
        #expect(fetched.all.count == fetches)
    }

    @Test(
        "what may not be read is unknown, and told", arguments: ["/.well-known/openid-configuration", "/api/v1/nodes"])
    func toleratesRefusal(path: String) async throws {
        answer(issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/0123")
        server.put("/api/v1/nodes/a", ["metadata": ["labels": ["eks.amazonaws.com/nodegroup": "a"]]])
        server.refuse { $0.path == path ? (403, "Forbidden") : nil }
        #expect(try await detect().platform == .eks)
        #expect(warnings.count == 1)
    }

    @Test(
        "what cannot be answered now is no answer: the cluster would be taken for another one",
        arguments: ["/version", "/.well-known/openid-configuration", "/api/v1/nodes"], [429, 500, 503])
    func waits(path: String, code: Int) async throws {
        answer(issuer: "https://oidc.eks.eu-west-1.amazonaws.com/id/0123")
        server.refuse { $0.path == path ? (code, "Away") : nil }
        let error = await #expect(throws: KubernetesError.self) { try await detect() }
        #expect(error?.status?.code == code)
    }

    @Test("whether GKE's metadata server runs is known once a node has been seen", arguments: [nil, false, true])
    func knowsMetadataServer(has: Bool?) async throws {
        answer()
        if let has {
            let labels: JSONValue = has ? ["iam.gke.io/gke-metadata-server-enabled": "true"] : [:]
            server.put("/api/v1/nodes/a", ["metadata": ["labels": labels]])
        }
        #expect(try await detect().components.hasGKEMetadataServer == has)
    }
}
