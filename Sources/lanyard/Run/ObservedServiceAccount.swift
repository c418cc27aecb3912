internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Logging
internal import Operator
internal import WorkloadIdentity

/// A ServiceAccount as it stands in a cluster, and what is known of that cluster: by the operator's reports where there are
/// some, else by asking the API server what the operator would ask.
struct ObservedServiceAccount {
    let account: Explanation.ServiceAccount
    let facts: PlatformFacts
    /// What was taken from where, for people.
    let sources: [String]

    /// - Parameter platform: what the caller knows already; it wins.
    init(
        _ subject: Subject, in cluster: ClusterConfiguration, platform: Platform?,
        configuration: WorkloadIdentity.Configuration
    ) async throws {
        let logger = Logger(label: "lanyard") { _ in SwiftLogNoOpLogHandler() }
        self = try await Cluster.withClient(cluster, logger: logger) { client in
            do {
                return try await ObservedServiceAccount(
                    subject, client, platform: platform, configuration: configuration, logger)
            } catch let error as KubernetesError {
                throw StartFailure(description: "\(error)")
            }
        }
    }

    private init(
        _ subject: Subject, _ client: KubernetesClient, platform: Platform?,
        configuration: WorkloadIdentity.Configuration, _ logger: Logger
    ) async throws {
        let object = try await client.serviceAccount(subject)
        let report = try await client.report(on: subject)
        account = Explanation.ServiceAccount(
            subject, annotations: object.metadata.annotations,
            mountsToken: object.automountServiceAccountToken ?? true, reports: report?.reports(on: subject) ?? [])
        let origin = "\(subject) is the cluster's"
        if let report, let reported = report.facts(configuration) {
            facts = PlatformFacts(platform: platform ?? reported.platform, issuer: reported.issuer)
            let known = platform == nil ? "platform and issuer are" : "the issuer is"
            sources = ["\(origin); \(known) as the operator reports in WorkloadIdentity \(report.key)."]
        } else {
            var configuration = configuration
            configuration.platform = platform
            facts = try await Cluster.facts(client, configuration, logger)
            let known =
                platform == nil
                ? "the platform is what the API server and the nodes show (\(facts.evidence))"
                : "the platform is as you or the configuration say"
            sources = [
                """
                \(origin). No WorkloadIdentity that can be read reports on it or its cluster: \(known), and the issuer is what \
                the API server says.
                """
            ]
        }
    }
}

extension KubernetesClient {
    fileprivate func serviceAccount(_ subject: Subject) async throws -> ServiceAccount {
        do {
            return try await get(ServiceAccount.self, ObjectKey(subject))
        } catch let error as KubernetesError where error.isNotFound {
            throw StartFailure(
                description: "there is no \(subject) in the cluster\(await others(in: subject.namespace))")
        } catch let error as KubernetesError where error.isForbidden {
            throw StartFailure(
                description: """
                    \(error); either get that right, or have somebody write a file for -f: kubectl get serviceaccount \
                    \(subject.serviceAccount) -n \(subject.namespace) -o yaml
                    """)
        }
    }

    /// The ServiceAccounts that are there, as the end of a sentence. They are a help: whatever goes wrong, there is none.
    private func others(in namespace: String) async -> String {
        var names: [String] = []
        let page = try? await listPage(ServiceAccount.self, in: namespace, ListOptions(limit: 10)) {
            names.append($0.metadata.name)
        }
        guard page != nil else { return "" }
        return names.isEmpty
            ? "; namespace \(namespace) does not exist, or has none"
            : "; namespace \(namespace) has \(names.joined(separator: ", "))"
    }

    /// The report on the ServiceAccount, else any of its namespace or of the cluster: they agree about the cluster. `nil`
    /// where none can be read.
    fileprivate func report(on subject: Subject) async throws -> WorkloadIdentityObject? {
        do {
            if let own = try await getIfPresent(WorkloadIdentityObject.self, ObjectKey(subject)) { return own }
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

extension ObjectKey {
    fileprivate init(_ subject: Subject) {
        self.init(namespace: subject.namespace, name: subject.serviceAccount)
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

    /// What the operator says of each provider of the ServiceAccount, if the object is about it.
    fileprivate func reports(on subject: Subject) -> [Explanation.Report] {
        guard key == ObjectKey(subject) else { return [] }
        return (status["providers"]?.array ?? []).compactMap { provider in
            provider["name"]?.string.map { name in
                Explanation.Report(
                    provider: name,
                    mechanisms: (provider["mechanism"]?.string ?? "").split(separator: ",").map(String.init),
                    message: provider["message"]?.string ?? "")
            }
        }
    }
}
