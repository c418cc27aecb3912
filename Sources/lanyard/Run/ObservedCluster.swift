internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import WorkloadIdentity

/// What is known of a cluster: by the operator's reports where there are some, else by asking the API server what the operator
/// would ask.
struct ObservedCluster {
    let facts: PlatformFacts
    /// What was taken from where, as the end of a sentence about the ServiceAccount.
    let source: String
    private let report: WorkloadIdentityObject?

    /// - Parameters:
    ///   - subject: whose report counts first, for it may have one of its own.
    ///   - platform: what the caller knows already; it wins.
    init(
        around subject: Subject, _ client: KubernetesClient, platform: Platform?,
        configuration: WorkloadIdentity.Configuration
    ) async throws {
        report = try await client.report(on: subject)
        if let report, let reported = report.facts(configuration) {
            facts = PlatformFacts(
                platform: platform ?? reported.platform, issuer: reported.issuer, evidence: "the operator's report")
            let known = platform == nil ? "platform and issuer are" : "the issuer is"
            source = "; \(known) as the operator reports in WorkloadIdentity \(report.key)."
        } else {
            var configuration = configuration
            configuration.platform = platform
            facts = try await Cluster.facts(client, configuration, .silent)
            let known =
                platform == nil
                ? "the platform is what the API server and the nodes show (\(facts.evidence))"
                : "the platform is as you or the configuration say"
            source = """
                . No WorkloadIdentity that can be read reports on it or its cluster: \(known), and the issuer is what the API \
                server says.
                """
        }
    }

    /// What the operator reports on a ServiceAccount; `nil` if it does not, or that cannot be read.
    func report(on subject: Subject) -> WorkloadIdentityObject? {
        report.flatMap { $0.key == subject.key ? $0 : nil }
    }
}

extension KubernetesClient {
    /// The report on the ServiceAccount, else any of its namespace or of the cluster: they agree about the cluster. `nil`
    /// where none can be read.
    fileprivate func report(on subject: Subject) async throws -> WorkloadIdentityObject? {
        do {
            if let own = try await getIfPresent(WorkloadIdentityObject.self, subject.key) { return own }
        } catch let error as KubernetesError where error.isForbidden {}
        for namespace in [subject.namespace, nil] {
            var found: WorkloadIdentityObject?
            do {
                _ = try await listPage(WorkloadIdentityObject.self, in: namespace, ListOptions(limit: 1)) { found = $0 }
            } catch let error as KubernetesError where error.isForbidden || error.isNotFound {}
            if let found { return found }
        }
        return nil
    }
}

extension WorkloadIdentityObject {
    /// What the operator says of the cluster, where the configuration does not say otherwise.
    fileprivate func facts(_ configuration: WorkloadIdentity.Configuration) -> PlatformFacts? {
        guard let platform = status["platform"]?.string.flatMap(Platform.init(rawValue:)) else { return nil }
        let reported = status["issuer"]?["reach"]?.string.flatMap(Issuer.Reach.init(rawValue:))
        let configured = configuration.issuer.isPublic.map { $0 ? Issuer.Reach.public : .private }
        return PlatformFacts(
            platform: platform,
            issuer: Issuer(
                url: configuration.issuer.url ?? status["issuer"]?["url"]?.string,
                reach: configured ?? reported ?? .unknown))
    }
}
