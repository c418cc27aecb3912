extension Plan {
    /// The label, on a Namespace or a pod, and the annotation, on a ServiceAccount or a pod, that leaves pods alone when
    /// it is `false`. As a label on a pod it may also be `required`.
    public static let injectKey = "lanyard.dev/inject"

    /// Resolves the bindings of one workload.
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
        let declared = providers.filter { $0.isDeclared(configuration, subject) }.map(\.name)
        let requested = named.union(inputs.requested.keys).union(declared)
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
            subject: subject, bindings: bindings, problems: Self.problems(problems, bindings),
            exemption: Self.exemption(subject, inputs, pod, namespaceLabels, configuration))
    }

    /// All problems, each once: one that blocks bindings is theirs.
    private static func problems(_ common: [Problem], _ bindings: [Binding]) -> [Problem] {
        let ofBindings = bindings.flatMap(\.problems)
        let claimed = Set(ofBindings.map(\.content))
        var known: Set<[String]> = []
        return (common.filter { !claimed.contains($0.content) } + ofBindings).filter {
            known.insert($0.content).inserted
        }
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
        if inputs[.inject] == "false" { return "\(inputs.owner(of: .inject)) is annotated \(injectKey)=false" }
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
                let advice =
                    providers.meant(by: name.rawValue).map { "did you mean \($0)?" }
                    ?? "write one of \(known.map(\.rawValue).joined(separator: ", "))"
                problems.append(
                    inputs.problem(
                        .error, .unknownProvider, with: .providers,
                        "names \"\(name.rawValue.shortened)\", which is not a provider; \(advice)"))
            }
        }
        return named
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

extension BindingRequest {
    fileprivate func isDeclined(by label: String) -> Problem {
        .warning(
            .noEffect, "\(provider) is left out of pods that are labelled \(label)", field: label, in: .podLabels,
            provider: provider)
    }
}

extension Problem {
    /// What is said and of what, whichever provider it keeps from its credential.
    fileprivate var content: [String] { [reason.rawValue, message, field ?? "", "\(place)", subject?.claim ?? ""] }

    fileprivate var asWarning: Problem {
        var problem = self
        problem.severity = .warning
        return problem
    }
}
