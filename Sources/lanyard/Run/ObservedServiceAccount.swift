internal import JSON
internal import KubernetesClient
internal import KubernetesModel
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
        _ subject: Subject, _ client: KubernetesClient, platform: Platform?,
        configuration: WorkloadIdentity.Configuration
    ) async throws {
        let object = try await client.serviceAccount(subject)
        let cluster = try await ObservedCluster(
            around: subject, client, platform: platform, configuration: configuration)
        account = Explanation.ServiceAccount(object, subject, reports: cluster.report(on: subject)?.reports ?? [])
        facts = cluster.facts
        sources = ["\(subject) is the cluster's\(cluster.source)"]
    }
}

extension ObservedServiceAccount {
    /// All ServiceAccounts of a namespace, or of the cluster. Of it one knows the same by way of each.
    static func all(
        in namespace: String?, _ client: KubernetesClient, platform: Platform?,
        configuration: WorkloadIdentity.Configuration
    ) async throws -> [ObservedServiceAccount] {
        let objects = try await client.list(ServiceAccount.self, in: namespace).map { object in
            (object, Subject(namespace: object.metadata.namespace ?? "", serviceAccount: object.metadata.name))
        }
        guard let (_, first) = objects.first else { return [] }
        let observed = try await ObservedServiceAccount(
            first, client, platform: platform, configuration: configuration)
        return objects.map { object, subject in
            ObservedServiceAccount(
                account: Explanation.ServiceAccount(object, subject), facts: observed.facts, sources: observed.sources)
        }
    }

    private init(account: Explanation.ServiceAccount, facts: PlatformFacts, sources: [String]) {
        self.account = account
        self.facts = facts
        self.sources = sources
    }
}

extension Explanation.ServiceAccount {
    fileprivate init(_ object: ServiceAccount, _ subject: Subject, reports: [Explanation.Report] = []) {
        self.init(
            subject, annotations: object.metadata.annotations,
            mountsToken: object.automountServiceAccountToken ?? true, reports: reports)
    }
}

extension KubernetesClient {
    fileprivate func serviceAccount(_ subject: Subject) async throws -> ServiceAccount {
        do {
            return try await get(ServiceAccount.self, subject.key)
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
}

extension WorkloadIdentityObject {
    /// What the operator says of each provider of the ServiceAccount that it is about.
    fileprivate var reports: [Explanation.Report] {
        (status["providers"]?.array ?? []).compactMap { provider in
            provider["name"]?.string.map { name in
                Explanation.Report(
                    provider: name,
                    mechanisms: (provider["mechanism"]?.string ?? "").split(separator: ",").map(String.init),
                    message: provider["message"]?.string ?? "")
            }
        }
    }
}
