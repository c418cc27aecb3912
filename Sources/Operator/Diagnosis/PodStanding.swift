internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// How a pod stands to what admission would give it now.
enum PodStanding: Hashable {
    /// Its ServiceAccount cannot be read, or is not there.
    case unknown
    /// It is left alone; says why.
    case exempt(String)
    case notAsked
    case judged(PodState)

    /// - Parameter injection: the plan into the pod as it is; `nil` if what the plan depends on is not known.
    init(of observation: PodObservation, _ plan: Plan?, _ injection: Injection?) {
        guard let plan, let injection else {
            self = .unknown
            return
        }
        let state = PodState(of: observation.metadata, plan: plan, isForged: !injection.isInPlace)
        if let exemption = plan.exemption {
            self = .exempt(exemption)
        } else if plan.bindings.isEmpty {
            self = .notAsked
        } else {
            self = .judged(state.map { observation.corrected($0) } ?? .unserved)
        }
    }

    /// One word, for programs.
    var word: String {
        switch self {
        case .unknown: "ServiceAccountUnknown"
        case .exempt: "Exempt"
        case .notAsked: "NotAsked"
        case .judged(.current): "Current"
        case .judged(.unserved): "Blocked"
        case .judged(let state): state.trouble?.rawValue ?? ""
        }
    }

    var text: String {
        switch self {
        case .unknown: "what it should have is not known, since its ServiceAccount is not"
        case .exempt(let why): "nothing is injected: \(why)"
        case .notAsked: "its ServiceAccount asks for no provider"
        case .judged(let state):
            switch state {
            case .current: "injected, and as it would be now"
            case .notInjected: "created without injection"
            case .lacking(let providers): "injected, without a credential of \(providers.names) that can work"
            case .stale: "injected, by an earlier plan than the one that holds now"
            case .unknown(let providers):
                "injected by an earlier release, which did not say whether containers have the credential of \(providers.names)"
            case .unserved: "nothing can be injected"
            }
        }
    }
}

extension PodObservation {
    /// The operator knows its own configuration: whether a plan is the current one is for it to say, while it is there.
    fileprivate func corrected(_ state: PodState) -> PodState {
        guard isOperatorAlive != false, let report, let pods = report.status["pods"] else { return state }
        let named = pods["attention"]?.array?.first { $0["name"]?.string == metadata.name }?["state"]?.string
        switch state {
        case .current where named == PodState.Trouble.stale.rawValue: return .stale
        case .stale where named == nil && pods["total"] == pods["current"]: return .current
        default: return state
        }
    }
}

extension [ProviderName] {
    var names: String { map(\.rawValue).joined(separator: " and ") }
}
