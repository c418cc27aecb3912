internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// How a pod stands to the plan that it should carry.
enum PodState: Hashable {
    case current
    /// It was created while nothing was injected.
    case notInjected
    /// Of these providers a container that is meant to have the credential has none that can work.
    case lacking([ProviderName])
    /// It carries another plan than the current one.
    case stale
    /// An earlier release admitted it, which did not say of these providers whether the containers have the credential.
    case unknown([ProviderName])
    /// Nothing can be injected, and the providers' own problems say why.
    case unserved

    /// - Parameters:
    ///   - plan: the one for this pod, by its own annotations.
    ///   - isForged: whether the pod lacks what its stamp says.
    /// - Returns: `nil` for a pod that is left alone on purpose.
    init?(of pod: ObjectMetadata, plan: Plan, isForged: @autoclosure () -> Bool) {
        guard plan.exemption == nil else { return nil }
        switch (pod.planStamp, plan.hash) {
        case (nil, nil): self = .unserved
        case (nil, _): self = .notInjected
        case (let stamp, let hash) where stamp == hash:
            self = isForged() ? .notInjected : Self.delivered(PodStamp(annotations: pod.annotations), plan)
        default: self = .stale
        }
    }

    private static func delivered(_ stamp: PodStamp, _ plan: Plan) -> PodState {
        var lacking: [ProviderName] = []
        var unknown: [ProviderName] = []
        for (provider, _) in plan.outcomes where lacking.last != provider && unknown.last != provider {
            switch stamp[provider] {
            case .injected, .own: break
            case .lacking: lacking.append(provider)
            case nil: unknown.append(provider)
            }
        }
        if !lacking.isEmpty { return .lacking(lacking) }
        return unknown.isEmpty ? .current : .unknown(unknown)
    }
}

extension PodState {
    /// What is wrong with a pod, the worst first.
    enum Trouble: String, Hashable, CaseIterable {
        case notInjected = "NotInjected"
        case lacking = "Lacking"
        case stale = "Stale"
        case unknown = "Unknown"
    }

    var trouble: Trouble? {
        switch self {
        case .current, .unserved: nil
        case .notInjected: .notInjected
        case .lacking: .lacking
        case .stale: .stale
        case .unknown: .unknown
        }
    }

    /// The providers that it is about, where it is not about all.
    var providers: [ProviderName] {
        switch self {
        case .lacking(let providers), .unknown(let providers): providers
        case .current, .notInjected, .stale, .unserved: []
        }
    }
}
