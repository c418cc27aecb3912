internal import AdmissionWebhook
internal import JSON
internal import PodInjection
internal import WorkloadIdentity

/// What became of each provider that a pod asks for, as one review leaves it.
struct InjectionRecord {
    enum Outcome: String, CaseIterable, Hashable {
        /// By this review.
        case injected
        /// The pod had all of it already: the API server asks again after other webhooks.
        case present
        /// The containers have an identity of their own.
        case own
        /// A container that is meant to have the credential gets none that can work.
        case lacking
        /// There is no usable mechanism.
        case blocked
        /// The pod is not admitted.
        case denied
    }

    struct Entry: Hashable {
        var provider: ProviderName
        /// `nil` if there is none.
        var mechanism: Mechanism?
        var outcome: Outcome
    }

    let entries: [Entry]

    /// Of a pod that is created.
    init(of plan: borrowing Plan, _ injection: borrowing Injection) {
        let given = Self.given(by: injection)
        let lacking = plan.outcomes.filter { injection.lacking.contains($0.provider) }.map {
            Entry(provider: $0.provider, mechanism: $0.outcome.mechanism, outcome: .lacking)
        }
        let settled = Set((given + lacking).map(\.provider))
        let own = Set(plan.outcomes.map(\.provider)).subtracting(settled).sorted().map {
            Entry(provider: $0, mechanism: nil, outcome: .own)
        }
        let blocked = plan.bindings.filter(\.isBlocked).map {
            Entry(provider: $0.provider, mechanism: nil, outcome: .blocked)
        }
        entries = given.filter { !injection.lacking.contains($0.provider) } + lacking + own + blocked
    }

    /// Of a pod that is not admitted.
    init(denying plan: Plan) {
        entries = plan.bindings.flatMap { binding in
            let mechanisms = binding.isBlocked ? [nil] : binding.outcomes.map { Optional($0.mechanism) }
            return mechanisms.map { Entry(provider: binding.provider, mechanism: $0, outcome: .denied) }
        }
    }

    /// Of containers that are attached to a pod that runs.
    init(attaching injection: Injection) {
        entries = Self.given(by: injection)
    }

    private static func given(by injection: borrowing Injection) -> [Entry] {
        let outcome: Outcome = injection.patch.isEmpty ? .present : .injected
        return injection.injected.map { Entry(provider: $0.provider, mechanism: $0.mechanism, outcome: outcome) }
    }

    // MARK: The log

    /// As it is logged; `nil` if nothing was done that anybody would look for.
    func line(of pod: PodManifest, as subject: Subject) -> AdmissionRecord? {
        guard let (message, outcome) = verdict else { return nil }
        var fields = Self.fields(of: pod, as: subject)
        fields["outcome"] = outcome.rawValue
        fields["providers"] = summary
        return AdmissionRecord(message, fields)
    }

    /// Whom a pod is to be found by: mostly it has no name yet.
    static func fields(of pod: PodManifest, as subject: Subject) -> [String: String] {
        var fields = ["serviceaccount": subject.serviceAccount]
        fields["name"] = (pod.name ?? pod.namePrefix).map(shortened)
        fields["owner"] = pod.controller.map(shortened)
        return fields
    }

    /// Names that are longer the API server denies, but after the webhooks.
    private static func shortened(_ name: String) -> String {
        name.utf8.count <= 320 ? name : String(name.prefix(320))
    }

    private var verdict: (message: String, Outcome)? {
        let outcomes = Set(entries.map(\.outcome))
        if outcomes.contains(.denied) { return ("admission denied", .denied) }
        if outcomes.contains(.lacking) { return ("credentials left out", .lacking) }
        if outcomes.contains(.blocked) { return ("credentials left out", .blocked) }
        return outcomes.contains(.injected) ? ("credentials injected", .injected) : nil
    }

    /// `aws-bedrock=irsa,openai=lacking`
    private var summary: String {
        entries.map { entry in
            switch entry.outcome {
            case .injected, .present: "\(entry.provider)=\(entry.mechanism?.rawValue ?? "")"
            case .own, .lacking, .blocked, .denied: "\(entry.provider)=\(entry.outcome.rawValue)"
            }
        }.joined(separator: ",")
    }
}
