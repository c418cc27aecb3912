public import JSON
public import WorkloadIdentity

/// What a plan adds to a plain pod, as data: the API server's own admission policy injects it, with nothing of Lanyard alive.
///
/// A pod is plain if nothing in it bears on the plan. What makes a pod plain stands here as far as it differs from plan to
/// plan, and in the policy's match conditions (charts/lanyard/templates/policy.yaml) as far as it does not. Both leave all other
/// pods to the webhook, which runs after the policy and finds nothing to do in those that the policy has injected.
public struct CompiledPlan: Hashable, Sendable {
    /// That of the plan, which is also its stamp.
    public let hash: String
    /// As an entry of a CredentialPlanSet.
    public let json: JSONValue

    /// What stays with the webhook, and why.
    public struct LeftToWebhook: Error, Hashable, CustomStringConvertible {
        public let reason: String

        public init(reason: String) { self.reason = reason }

        public var description: String { reason }
    }

    /// An identity is compiled whole or not at all: with one provider that has to be left to the webhook, or has no usable
    /// mechanism, so are the others.
    ///
    /// - Parameters:
    ///   - mountsServiceAccountToken: what the ServiceAccount says; Kubernetes' default is to mount.
    ///   - requestLabels: labels by which pods ask for a vendor's identity.
    ///   - webhooks: those of the platforms that are here.
    ///   - plan: the plan for a pod.
    /// - Returns: `nil` if there is nothing to inject.
    public init?(
        mountsServiceAccountToken: Bool, requestLabels: [String: String], beside webhooks: Set<ManagedWebhook>,
        plan: (PodContext) -> Plan
    ) throws(LeftToWebhook) {
        let usual = plan(PodContext(mountsServiceAccountToken: mountsServiceAccountToken))
        guard let hash = usual.hash else { return nil }
        if let blocked = usual.bindings.first(where: \.isBlocked) {
            throw .init(reason: "\(blocked.provider): it has no usable mechanism")
        }
        var parts = try CompiledParts(usual.outcomes, beside: webhooks)
        for label in requestLabels {
            let pod = PodContext(
                labels: [label.key: label.value], mountsServiceAccountToken: mountsServiceAccountToken)
            if plan(pod).hash != hash { parts.exceptLabels[label.key] = label.value }
        }
        if plan(PodContext(mountsServiceAccountToken: !mountsServiceAccountToken)).hash != hash {
            parts.automountServiceAccountToken = mountsServiceAccountToken
        }
        // The webhook denies those, and a policy has no say in that.
        if usual.deniesRequiredPods { parts.exceptLabels[Plan.injectKey] = "required" }
        self.hash = hash
        json = parts.json(hash: hash, injected: PodStamp(injecting: usual).summary)
    }
}

extension PodStamp {
    /// That of a pod that gets all of a plan.
    fileprivate init(injecting plan: Plan) {
        self.init(plan: plan.hash)
        for (provider, _) in plan.outcomes where self[provider] == nil {
            let mechanisms = plan.outcomes.filter { $0.provider == provider }.map(\.outcome.mechanism)
            deliveries.append((provider, .injected(mechanisms)))
        }
    }
}
