/// How to set up the trust behind one provider, for one ServiceAccount or for nobody in particular.
public struct Explanation: Sendable {
    /// A mechanism, and how to set it up.
    struct Section {
        var mechanism: Mechanism
        var tier: Tier
        var reach: Reach
        var setUp: SetUp
    }

    /// A ServiceAccount, and what is known of it.
    public struct ServiceAccount: Sendable {
        public var subject: Subject
        /// `nil`: not known.
        public var annotations: [String: String]?
        public var mountsToken: Bool

        public init(_ subject: Subject, annotations: [String: String]? = nil, mountsToken: Bool = true) {
            self.subject = subject
            self.annotations = annotations
            self.mountsToken = mountsToken
        }
    }

    let provider: Provider
    let subject: Subject?
    let facts: PlatformFacts
    /// What is said before anything else: why it is this mechanism, or why none fits.
    var remarks: [String]
    var sections: [Section]

    /// - Parameter mechanism: the one to explain. `nil`: the one that the ServiceAccount gets, or each of the matrix's cell.
    public init(
        of provider: String, mechanism: String? = nil, for account: ServiceAccount? = nil, facts: PlatformFacts,
        configuration: Configuration
    ) throws(ExplanationError) {
        let providers = Provider.all(configuration)
        guard let known = providers.first(where: { $0.name.rawValue == provider }) else {
            throw .unknown(provider, "provider", among: providers.map(\.name.rawValue))
        }
        if let account { try Self.check(account.subject) }
        self.provider = known
        self.facts = facts
        subject = account?.subject

        let request = SetUpRequest(known, providers, account, facts: facts, configuration: configuration)
        let cell = Matrix(configuration)[facts.platform, known.name]
        let chosen: [Mechanism]
        if let mechanism {
            chosen = [try Self.named(mechanism, in: cell, known.name, facts.platform)]
            remarks = []
        } else if let account, let annotations = account.annotations {
            let plan = Plan(
                for: account.subject, serviceAccount: annotations,
                pod: PodContext(mountsServiceAccountToken: account.mountsToken), facts: facts,
                configuration: configuration)
            (chosen, remarks) = Self.choice(of: plan, known.name, in: cell)
        } else {
            chosen = cell
            remarks = [Self.order(of: cell)]
        }
        sections = chosen.compactMap { mechanism in
            known.mechanism(mechanism).map { candidate in
                Section(
                    mechanism: mechanism, tier: candidate.tier(on: facts.platform), reach: candidate.reach,
                    setUp: candidate.setUp(request))
            }
        }
        try Self.check(sections, facts.issuer.url)
    }

    private static func named(
        _ name: String, in cell: [Mechanism], _ provider: ProviderName, _ platform: Platform
    ) throws(ExplanationError) -> Mechanism {
        guard let mechanism = cell.first(where: { $0.rawValue == name }) else {
            throw .unknown(name, "mechanism that serves \(provider) on \(platform)", among: cell.map(\.rawValue))
        }
        return mechanism
    }

    /// What the ServiceAccount gets; the whole cell if that is nothing. And why.
    private static func choice(
        of plan: Plan, _ provider: ProviderName, in cell: [Mechanism]
    ) -> (mechanisms: [Mechanism], remarks: [String]) {
        let problems = plan.problems.filter { $0.provider == nil || $0.provider == provider }.map {
            "\($0.severity): \($0.reason): \($0.message)"
        }
        guard let binding = plan.bindings.first(where: { $0.provider == provider }) else {
            return (cell, ["\(plan.subject) does not ask for \(provider) yet."] + problems + [order(of: cell)])
        }
        guard !binding.isBlocked else { return (cell, problems + [order(of: cell)]) }
        let mechanisms = binding.outcomes.map(\.mechanism)
        let names = mechanisms.map(\.rawValue).joined(separator: " and ")
        return (mechanisms, ["\(plan.subject) gets it by \(names)."] + problems)
    }

    private static func order(of cell: [Mechanism]) -> String {
        guard cell.count > 1 else { return "" }
        return """
            Choose one of these \(cell.count) ways; --mechanism prints one alone. Of those that a ServiceAccount has the \
            annotations for, Lanyard takes the first.
            """
    }
}

/// Why there is nothing to explain. The message says what to write.
public struct ExplanationError: Error, Hashable, CustomStringConvertible {
    public let description: String

    fileprivate static func unknown(_ name: String, _ what: String, among names: [String]) -> ExplanationError {
        // Half of a name is often enough: bedrock, vertex.
        let containing = name.utf8.count > 2 ? names.filter { $0.contains(name.lowercased()) } : []
        let meant = Spelling.nearest(to: name, among: names) ?? (containing.count == 1 ? containing.first : nil)
        let advice =
            meant.map { "did you mean \($0)?" }
            ?? "write one of \(names.joined(separator: ", "))"
        return ExplanationError(description: "\(name.shortened) is no \(what); \(advice)")
    }

    fileprivate static func unusable(_ value: String, _ what: String) -> ExplanationError {
        ExplanationError(description: "\"\(value.shortened)\" is no \(what)")
    }
}

extension Explanation {
    /// Names go into subjects and policies, so they have to be names.
    private static func check(_ subject: Subject) throws(ExplanationError) {
        guard DNSName.isLabel(subject.namespace) else {
            throw .unusable(subject.namespace, "namespace's name: lower-case letters, digits and \"-\", 63 at most")
        }
        guard DNSName.isSubdomain(subject.serviceAccount) else {
            throw .unusable(
                subject.serviceAccount, "ServiceAccount's name: lower-case letters, digits, \"-\" and \".\"")
        }
    }

    /// Values stand in JSON documents, too: what would end a string there has no place in an issuer or an id.
    private static func check(_ sections: [Section], _ issuer: String?) throws(ExplanationError) {
        let known = sections.flatMap(\.setUp.variables).compactMap { variable -> (String, String)? in
            guard case .known(let value) = variable.value else { return nil }
            return (variable.name.description, value)
        }
        for (name, value) in known + (issuer.map { [("ISSUER", $0)] } ?? []) {
            let isPlain = value.utf8.allSatisfy { byte in
                (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            }
            guard isPlain else {
                throw .unusable(value, "value for \(name): leave out quotes, backslashes and all but ASCII")
            }
        }
    }
}

extension SetUpRequest {
    fileprivate init(
        _ provider: Provider, _ providers: [Provider], _ account: Explanation.ServiceAccount?, facts: PlatformFacts,
        configuration: Configuration
    ) {
        let subject = account?.subject
        let inputs = Inputs(
            subject: subject ?? Subject(namespace: "", serviceAccount: ""), serviceAccount: account?.annotations ?? [:],
            pod: [:], keys: AnnotationKey.common + providers.flatMap(\.keys))
        let named = inputs.names(.providers)
        self.init(
            provider: provider.name, subject: subject, inputs: inputs, facts: facts, configuration: configuration,
            providers: (named.contains(provider.name.rawValue) ? named : named + [provider.name.rawValue])
                .joined(separator: ","))
    }
}
