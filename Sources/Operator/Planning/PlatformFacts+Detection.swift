internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import Logging
public import WorkloadIdentity

extension PlatformFacts {
    /// Asks a cluster what it is. What the configuration says is not asked.
    ///
    /// - Parameter isPublic: fetches an issuer's discovery document from outside the cluster's own API; `nil` if there was
    ///   no answer.
    /// - Throws: if the API server cannot be reached, or cannot answer now: what it is would be taken for something else as
    ///   long as this process lives. What it does not have or permit is left unknown.
    public static func detected(
        by client: KubernetesClient, configuration: Configuration, logger: Logger,
        isPublic: (_ issuer: String) async -> Bool? = { _ in nil }
    ) async throws -> PlatformFacts {
        var signals = PlatformSignals()
        signals.version = try await client.serverVersion().text
        let own = try await client.issuer(logger)
        signals.issuer = configuration.issuer.url ?? own
        if let own, let configured = configuration.issuer.url, own != configured {
            // Microsoft Entra, for one, compares issuers to the letter, with a slash at the end or without.
            logger.warning(
                "issuer.url is not the cluster's own issuer",
                metadata: ["issuer.url": "\(configured)", "own": "\(own)"])
        }
        signals.nodes = try await client.nodeSignals(logger)

        let verdict = configuration.platform.map { ($0, "configuration") } ?? signals.verdict
        return PlatformFacts(
            platform: verdict.0,
            issuer: Issuer(
                url: signals.issuer, reach: await reach(of: signals.issuer, configuration: configuration, isPublic)),
            components: Components(hasGKEMetadataServer: signals.hasGKEMetadataServer),
            evidence: verdict.1)
    }

    private static func reach(
        of issuer: String?, configuration: Configuration, _ isPublic: (String) async -> Bool?
    ) async -> Issuer.Reach {
        if let configured = configuration.issuer.isPublic { return configured ? .public : .private }
        guard let issuer else { return .unknown }
        if let known = Issuer.Reach.known(from: issuer) { return known }
        return switch await isPublic(issuer) {
        case true: .public
        case false: .private
        case nil: .unknown
        }
    }
}

extension KubernetesClient {
    /// The issuer by the API server's own discovery document.
    fileprivate func issuer(_ logger: Logger) async throws -> String? {
        do {
            return try await json(.nonResource("/.well-known/openid-configuration"))["issuer"]?.string
        } catch let error as KubernetesError where !error.isRetryable {
            logger.warning("the cluster's issuer is not known", error: error)
            return nil
        }
    }

    /// A few nodes are enough: a cluster's are all of one platform.
    fileprivate func nodeSignals(_ logger: Logger) async throws -> [PlatformSignals.NodeSignals] {
        var nodes: [PlatformSignals.NodeSignals] = []
        do {
            _ = try await listPage(Node.self, ListOptions(limit: 10)) { node in
                nodes.append(.init(providerID: node.providerID, labels: Set(node.metadata.labels.keys)))
            }
        } catch let error as KubernetesError where !error.isRetryable {
            logger.warning("the cluster's nodes cannot be listed", error: error)
        }
        return nodes
    }
}
