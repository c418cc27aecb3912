internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// What the CredentialPlanSet of a namespace is to hold.
struct PlanSetContents {
    /// By ServiceAccount.
    private(set) var plans = JSONObject()
    /// Who injects, for each ServiceAccount that asks for something.
    private(set) var ways: [String: InjectionWay] = [:]

    /// In bytes of JSON. etcd takes 1.5 MB, and the API server adds what it knows of the object's fields.
    /// https://etcd.io/docs/v3.5/dev-guide/limit/
    static let largest = 1_000_000

    /// - Parameter compile: one ServiceAccount's plan; `nil` if it asks for nothing.
    init(
        of accounts: [ServiceAccount], largest: Int = Self.largest,
        compile: (ServiceAccount) throws(CompiledPlan.LeftToWebhook) -> CompiledPlan?
    ) {
        // The braces around all.
        var size = 2
        for account in accounts.sorted(by: { $0.metadata.name < $1.metadata.name }) {
            let name = account.metadata.name
            do throws(CompiledPlan.LeftToWebhook) {
                guard let plan = try compile(account) else { continue }
                let entry = plan.json.serialized().count + name.utf8.count + 4
                guard size + entry <= largest else {
                    throw CompiledPlan.LeftToWebhook(
                        reason: "the plans of the namespace have more than \(largest) bytes, so this one is left out")
                }
                size += entry
                plans.append(name, plan.json)
                ways[name] = .policy
            } catch {
                ways[name] = .webhook(reason: error.reason)
            }
        }
    }
}

/// Who gives a ServiceAccount's plain pods their credentials.
enum InjectionWay: Hashable, Sendable {
    /// The API server, and the webhook what is left.
    case policy
    case webhook(reason: String)

    var json: JSONValue {
        switch self {
        case .policy: ["by": "policy"]
        case .webhook(let reason): ["by": "webhook", "reason": .string(reason)]
        }
    }
}
