extension Plan {
    /// The label, on a Namespace or a pod, and the annotation, on a ServiceAccount or a pod, that leaves pods alone when
    /// it is `false`. As a label on a pod it may also be `required`.
    public static let injectKey = "lanyard.dev/inject"

    /// Judges one workload.
    ///
    /// - Parameters:
    ///   - serviceAccount: the ServiceAccount's annotations.
    ///   - pod: the pod, or the template of a workload; empty for the ServiceAccount alone.
    ///   - namespaceLabels: the labels of the subject's namespace.
    public init(
        for subject: Subject, serviceAccount: [String: String], pod: PodContext = PodContext(),
        namespaceLabels: [String: String] = [:], facts: PlatformFacts, configuration: Configuration
    ) {
        let providers = Provider.all(configuration)
        let keys = AnnotationKey.common + providers.flatMap(\.keys)
        var inputs = Inputs(subject: subject, serviceAccount: serviceAccount, pod: pod.annotations, keys: keys)
        inputs.denyAudiences(of: facts, in: keys)

        var problems = inputs.problems + Labels.problems(of: pod)
        let named = Self.named(inputs, among: providers, problems: &problems)
        let matrix = Matrix(configuration)
        let requested = named.union(inputs.requested.keys).union(configuration.providers(of: subject))
        var bindings: [Binding] = []
        for provider in providers {
            let request = BindingRequest(
                provider: provider.name, isNamed: named.contains(provider.name),
                isLabelled: provider.isRequested(byLabelOf: pod),
                forced: inputs[.mechanism(of: provider.name)].flatMap(Mechanism.init(rawValue:)), subject: subject,
                inputs: inputs, facts: facts, configuration: configuration, pod: pod)
            let cell = matrix[facts.platform, provider.name]
            if !requested.contains(provider.name) {
                guard request.isLabelled else { continue }
                let binding = Binding.resolved(provider, cell: cell, request)
                // The vendor's own webhook may know what is missing here.
                if binding.isBlocked { problems += binding.problems.map(\.asWarning) } else { bindings.append(binding) }
            } else if let label = provider.labelThatDeclines(request) {
                guard inputs[.vaultPath(of: provider.name)] != nil else {
                    problems.append(request.isDeclined(by: label))
                    continue
                }
                bindings.append(.resolved(provider, cell: cell.filter(\.isSecretDelivery), request))
            } else {
                bindings.append(.resolved(provider, cell: cell, request))
            }
        }
        self.init(
            subject: subject, bindings: bindings, problems: problems + bindings.flatMap(\.problems),
            exemption: Self.exemption(subject, inputs, pod, namespaceLabels, configuration))
    }

    private static func exemption(
        _ subject: Subject, _ inputs: Inputs, _ pod: PodContext, _ namespaceLabels: [String: String],
        _ configuration: Configuration
    ) -> String? {
        if configuration.namespaces.exclude.contains(subject.namespace) {
            return "namespace \(subject.namespace) is excluded by the configuration (namespaces.exclude)"
        }
        if namespaceLabels[injectKey] == "false" {
            return "namespace \(subject.namespace) is labelled \(injectKey)=false"
        }
        if pod.labels[injectKey] == "false" { return "the pod is labelled \(injectKey)=false" }
        if inputs[.inject] == "false" { return "\(inputs.place(of: .inject)) is annotated \(injectKey)=false" }
        return nil
    }

    /// The providers that `lanyard.dev/providers` lists, and a problem for each name that is none.
    private static func named(
        _ inputs: Inputs, among providers: [Provider], problems: inout [Problem]
    ) -> Set<ProviderName> {
        let known = providers.map(\.name)
        var named: Set<ProviderName> = []
        for name in inputs.names(.providers).map(ProviderName.init(rawValue:)) {
            if known.contains(name) {
                named.insert(name)
            } else {
                let meant = Spelling.nearest(to: name.rawValue, among: known.map(\.rawValue))
                let advice =
                    meant.map { "did you mean \($0)?" }
                    ?? "write one of \(known.map(\.rawValue).joined(separator: ", "))"
                problems.append(
                    .error(
                        .unknownProvider,
                        """
                        \(inputs.place(of: .providers)): \(AnnotationKey.providers.name) names \
                        "\(name.rawValue.shortened)", which is no provider; \(advice)
                        """,
                        field: AnnotationKey.providers.name))
            }
        }
        return named
    }
}

extension Binding {
    /// Chooses the first mechanism that fits, or says of each one what it lacks. One that reaches no model is taken, and
    /// the search goes on for one that does.
    init(_ provider: Provider, cell: [Mechanism], _ request: BindingRequest) {
        self.provider = provider.name
        problems = []
        // A default in place of a malformed choice could be what the user wants to avoid.
        let unusable = request.unusableChoices(provider)
        guard unusable.isEmpty else {
            problems = [request.hasNoWay(["it needs \(unusable.joined(separator: " and "))"])]
            return
        }
        if let forced = request.forced, !cell.contains(forced) {
            problems = [request.doesNotServe(forced, cell)]
            return
        }
        let delivery = request.secretDelivery ?? cell.first(where: \.isSecretDelivery)
        let candidates = request.forced.map { [$0] } ?? cell.filter { !$0.isSecretDelivery || $0 == delivery }
        var shortcomings: [String] = []
        var denials: [Problem] = []
        for mechanism in candidates {
            guard !isReady, let candidate = provider.mechanism(mechanism) else { continue }
            let malformed = candidate.decisiveKeys.filter(request.inputs.isInvalid).map { request.inputs.missing($0) }
            let unmet = malformed + candidate.unmetNeeds(request)
            switch candidate.attempt(request) {
            case .fits(let grant) where unmet.isEmpty: accept(grant, by: candidate, of: provider, request)
            case .fits: shortcomings.append("\(mechanism) needs \(unmet.joined(separator: " and "))")
            case .denied(let problem):
                makesObject = makesObject || Mechanism.bySecretObject.contains(mechanism)
                denials.append(problem)
            case .missing(let inputs):
                let all = inputs + unmet.filter { !inputs.contains($0) }
                shortcomings.append("\(mechanism) needs \(all.joined(separator: " and "))")
            }
        }
        if !isReady, !denials.isEmpty {
            problems += denials
        } else if isBlocked {
            if let delivery, request.forced == nil, !cell.contains(delivery) {
                shortcomings.append(
                    "\(AnnotationKey.secretDelivery.name) is \(delivery), which the matrix does not list")
            }
            problems = [request.hasNoWay(shortcomings)]
        } else if !isReady {
            problems.append(request.reachesNoModel(outcomes.map(\.mechanism)))
        }
    }

    private mutating func accept(
        _ grant: Grant, by mechanism: any CredentialMechanism, of provider: Provider, _ request: BindingRequest
    ) {
        let inputs = request.inputs
        let ownVariables = Set(grant.addition.groups.flatMap(\.variables).map(\.name))
        let outcome = Outcome(
            mechanism: mechanism.mechanism,
            tier: mechanism.tier(on: request.facts.platform),
            reach: mechanism.reach,
            addition: grant.addition,
            object: grant.object,
            containers: ContainerSelection(
                include: inputs.names(
                    provider.includeKey.flatMap { inputs[$0] == nil ? nil : $0 } ?? .includeContainers),
                skip: inputs.names(.skipContainers) + (provider.skipKey.map(inputs.names) ?? [])),
            staticCredentials: mechanism.mechanism.isSecretDelivery
                ? [] : provider.staticCredentials.filter { !ownVariables.contains($0) },
            trust: Outcome.Trust(grant, by: mechanism.mechanism),
            identity: grant.identity.map { "\($0.name)=\($0.value)" }.joined(separator: "\n"))
        outcomes.append(outcome)
        makesObject = makesObject || grant.object != nil
        problems += grant.problems + mechanism.reservations(request)
    }
}

extension CredentialMechanism {
    /// What the platform must have for this mechanism and has not.
    fileprivate func unmetNeeds(_ request: BindingRequest) -> [String] {
        var needs: [String] = []
        if let issuerReader, request.facts.issuer.reach == .private {
            let issuer = request.facts.issuer.url.map { "\($0) is private" } ?? "this cluster's is private"
            needs.append(
                """
                an issuer that \(issuerReader) can reach (\(issuer); publish its discovery document and set \
                issuer.public: true in the configuration)
                """
            )
        }
        let components = request.facts.components
        if mechanism == .vaultAgent, case .runsFirst(let configuration) = components.vaultInjector {
            needs.append(
                """
                an injector that runs after Lanyard (the MutatingWebhookConfiguration \(configuration) sorts \
                before pod-injector.lanyard.dev; rename it)
                """
            )
        }
        if mechanism == .vaultCSI, !components.hasSecretProviderClasses {
            needs.append("the Secrets Store CSI driver (its \(SecretObject.Kind.secretProviderClass) is not installed)")
        }
        if mechanism == .externalSecret, !components.hasExternalSecrets {
            needs.append("the External Secrets Operator (its \(SecretObject.Kind.externalSecret) is not installed)")
        }
        return needs
    }

    /// What may still go wrong although the mechanism fits.
    fileprivate func reservations(_ request: BindingRequest) -> [Problem] {
        var problems: [Problem] = []
        let provider = request.provider
        if let issuerReader {
            switch request.facts.issuer.reach {
            case .public, .private: break
            case .publicIfEnabled:
                problems.append(
                    .warning(
                        .issuerUnverified,
                        """
                        \(request.subject): \(provider): \(issuerReader) must reach the cluster's OIDC issuer; on \
                        \(request.facts.platform.title) it has to be switched on
                        """,
                        provider: provider))
            case .unknown:
                problems.append(
                    .warning(
                        .issuerUnverified,
                        """
                        \(request.subject): \(provider): \(issuerReader) must reach the cluster's OIDC \
                        issuer\(request.facts.issuer.url.map { " \($0)" } ?? ""), and whether it can is not \
                        known; set issuer.public in the configuration
                        """,
                        provider: provider))
            }
        }
        if mechanism == .vaultAgent, request.facts.components.vaultInjector == .absent {
            problems.append(
                .warning(
                    .vaultInjectorNotFound,
                    """
                    \(request.subject): \(provider): no Vault injector is installed in this cluster, so the pod \
                    gets annotations that nobody reads
                    """,
                    provider: provider))
        }
        return problems
    }
}

extension Provider {
    fileprivate func isRequested(byLabelOf pod: PodContext) -> Bool {
        requestLabel.map { pod.labels[$0.name] == $0.value } ?? false
    }

    /// The label by which the pod declines the identity, unless something says that Lanyard's is wanted all the same.
    fileprivate func labelThatDeclines(_ request: BindingRequest) -> String? {
        guard let optOut, request.pod.labels[optOut.label] != nil, !request.isNamed else { return nil }
        let inputs = request.inputs
        let isWanted = (optOut.unless + [.mechanism(of: name)]).contains { inputs[$0] != nil || inputs.isInvalid($0) }
        return isWanted ? nil : optOut.label
    }
}

extension Problem {
    fileprivate var asWarning: Problem {
        var problem = self
        problem.severity = .warning
        return problem
    }
}

extension BindingRequest {
    /// The malformed keys that choose the mechanism or the containers, as the end of "it needs …".
    fileprivate func unusableChoices(_ provider: Provider) -> [String] {
        let keys =
            [.mechanism(of: provider.name), .includeContainers, .skipContainers]
            + [provider.includeKey, provider.skipKey].compactMap { $0 }
        return keys.filter(inputs.isInvalid).map { inputs.missing($0) }
    }

    fileprivate func isDeclined(by label: String) -> Problem {
        .warning(
            .noEffect, "\(subject): \(provider) is left out of this pod, which is labelled \(label)", field: label,
            in: .podLabels, provider: provider)
    }

    fileprivate func hasNoWay(_ shortcomings: [String]) -> Problem {
        let reasons = shortcomings.isEmpty ? "the matrix lists none" : shortcomings.joined(separator: "; ")
        return .error(
            .noMechanism, "\(subject): \(provider) has no way on \(facts.platform): \(reasons)",
            field: inputs.requested[provider]?.name ?? (isNamed ? AnnotationKey.providers.name : nil),
            provider: provider)
    }

    fileprivate func doesNotServe(_ forced: Mechanism, _ cell: [Mechanism]) -> Problem {
        let key = AnnotationKey.mechanism(of: provider)
        return .error(
            .unknownMechanism,
            """
            \(inputs.place(of: key)): \(key.name) is "\(forced)", which does not serve \(provider) on \(facts.platform); \
            write \(ValueSyntax.oneOf(cell.map(\.rawValue)).expected)
            """,
            field: key.name, provider: provider)
    }

    fileprivate func reachesNoModel(_ mechanisms: [Mechanism]) -> Problem {
        let names = mechanisms.map(\.rawValue).joined(separator: ", ")
        return .error(
            .modelNotReachable,
            """
            \(subject): \(provider): \(names) reaches the platform's APIs but no model; add \
            \(AnnotationKey.vaultPath(of: provider).name)
            """,
            field: inputs.requested[provider]?.name, provider: provider)
    }
}
