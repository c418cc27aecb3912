/// How to set up the trust that providers need, for one ServiceAccount or for nobody in particular.
public struct Explanation: Sendable {
    /// A provider, and the ways to explain.
    struct Part {
        var provider: Provider
        /// Why it is this mechanism, or why none fits.
        var remarks: [String]
        var sections: [Section]
    }

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
        /// What the operator makes of it: it knows its whole configuration and the cluster.
        public var reports: [Report]

        public init(
            _ subject: Subject, annotations: [String: String]? = nil, mountsToken: Bool = true, reports: [Report] = []
        ) {
            self.subject = subject
            self.annotations = annotations
            self.mountsToken = mountsToken
            self.reports = reports
        }
    }

    /// What the operator says of one provider in a WorkloadIdentity's status.
    public struct Report: Hashable, Sendable {
        public var provider: String
        /// Empty: no usable mechanism.
        public var mechanisms: [String]
        public var message: String

        public init(provider: String, mechanisms: [String], message: String) {
            self.provider = provider
            self.mechanisms = mechanisms
            self.message = message
        }
    }

    let subject: Subject?
    let facts: PlatformFacts
    /// Where the facts and the ServiceAccount were taken from, for people.
    public var sources: [String] = []
    /// What belongs to no single provider.
    var remarks: [String] = []
    var parts: [Part] = []

    private init(_ subject: Subject?, _ facts: PlatformFacts) throws(ExplanationError) {
        if let subject { try Self.requireNames(of: subject) }
        self.subject = subject
        self.facts = facts
    }

    /// One provider.
    ///
    /// - Parameter mechanism: the one to explain. `nil`: the one that the ServiceAccount gets, or each of the matrix's cell.
    public init(
        of provider: String, mechanism: String? = nil, for account: ServiceAccount? = nil, facts: PlatformFacts,
        configuration: Configuration
    ) throws(ExplanationError) {
        let providers = Provider.all(configuration)
        guard let known = providers.first(where: { $0.name.rawValue == provider }) else {
            throw .unknown(
                provider, isNot: "a provider", meant: providers.meant(by: provider)?.rawValue,
                among: providers.map(\.name.rawValue))
        }
        try self.init(account?.subject, facts)
        let cell = Matrix(configuration)[facts.platform, known.name]
        if let mechanism {
            let chosen = try Self.named(mechanism, in: cell, known.name, facts.platform)
            parts = [Part(provider: known, remarks: [], sections: [chosen], account, facts, configuration)]
        } else if let account, let plan = Plan(for: account, facts, configuration) {
            remarks = Self.remarks(on: plan)
            let choice = Self.choice(of: plan, known.name, in: cell, account.reports)
            parts = [
                Part(
                    provider: known, remarks: choice.remarks, sections: choice.mechanisms, account, facts, configuration
                )
            ]
        } else {
            let order = [Self.order(of: cell, known.name)]
            parts = [Part(provider: known, remarks: order, sections: cell, account, facts, configuration)]
        }
        try check()
    }

    /// Everything that a ServiceAccount asks for. What several providers need stands there once.
    public init(
        for account: ServiceAccount, facts: PlatformFacts, configuration: Configuration
    ) throws(ExplanationError) {
        try self.init(account.subject, facts)
        let providers = Provider.all(configuration)
        let matrix = Matrix(configuration)
        let plan = Plan(for: account, facts, configuration)
        remarks = plan.map(Self.remarks) ?? []
        let asked = Set((plan?.bindings ?? []).map(\.provider.rawValue) + account.reports.map(\.provider))
        for provider in providers where asked.contains(provider.name.rawValue) {
            guard let plan else { continue }
            let cell = matrix[facts.platform, provider.name]
            let choice = Self.choice(of: plan, provider.name, in: cell, account.reports)
            parts.append(
                Part(
                    provider: provider, remarks: choice.remarks, sections: choice.mechanisms, account, facts,
                    configuration))
        }
        guard !parts.isEmpty else { throw .asksForNothing(account.subject, providers, remarks) }
        try check()
    }

    private static func named(
        _ name: String, in cell: [Mechanism], _ provider: ProviderName, _ platform: Platform
    ) throws(ExplanationError) -> Mechanism {
        guard let mechanism = cell.first(where: { $0.rawValue == name }) else {
            let names = cell.map(\.rawValue)
            throw .unknown(
                name, isNot: "a mechanism for \(provider) on \(platform)",
                meant: Spelling.nearest(to: name, among: names), among: names)
        }
        return mechanism
    }

    private static func remarks(on plan: Plan) -> [String] {
        let exemption = plan.exemption.map { ["Nothing is injected: \($0)."] } ?? []
        return exemption + plan.problems.filter { $0.provider == nil }.map(\.remark)
    }

    /// What the ServiceAccount gets; the whole cell if that is nothing. And why.
    private static func choice(
        of plan: Plan, _ provider: ProviderName, in cell: [Mechanism], _ reports: [Report]
    ) -> (mechanisms: [Mechanism], remarks: [String]) {
        func gets(_ mechanisms: [Mechanism]) -> String {
            "\(plan.subject) gets \(provider) by \(mechanisms.map(\.rawValue).joined(separator: " and "))"
        }
        if let report = reports.first(where: { $0.provider == provider.rawValue }) {
            let mechanisms = cell.filter { report.mechanisms.contains($0.rawValue) }
            let message = report.message.isEmpty ? [] : ["The operator says: \(report.message)"]
            guard !mechanisms.isEmpty else { return (cell, message + [order(of: cell, provider)]) }
            return (mechanisms, [gets(mechanisms) + ", as the operator reports."] + message)
        }
        let problems = plan.problems.filter { $0.provider == provider }.map(\.remark)
        guard let binding = plan.bindings.first(where: { $0.provider == provider }) else {
            return (
                cell, ["\(plan.subject) does not ask for \(provider) yet."] + problems + [order(of: cell, provider)]
            )
        }
        guard !binding.isBlocked else { return (cell, problems + [order(of: cell, provider)]) }
        let mechanisms = binding.outcomes.map(\.mechanism)
        return (mechanisms, [gets(mechanisms) + "."] + problems)
    }

    private static func order(of cell: [Mechanism], _ provider: ProviderName) -> String {
        guard cell.count > 1 else { return "" }
        return """
            \(provider): choose one of these \(cell.count) ways; --mechanism prints one alone. Lanyard takes the first for \
            which the ServiceAccount has the annotations.
            """
    }
}

extension Explanation.Part {
    fileprivate init(
        provider: Provider, remarks: [String], sections mechanisms: [Mechanism],
        _ account: Explanation.ServiceAccount?, _ facts: PlatformFacts, _ configuration: Configuration
    ) {
        let request = SetUpRequest(provider, account, facts: facts, configuration: configuration)
        self.init(
            provider: provider, remarks: remarks,
            sections: mechanisms.compactMap { mechanism in
                provider.mechanism(mechanism).map { candidate in
                    Explanation.Section(
                        mechanism: mechanism, tier: candidate.tier(on: facts.platform), reach: candidate.reach,
                        setUp: candidate.setUp(request))
                }
            })
    }
}

extension Plan {
    /// `nil`: what the ServiceAccount asks for is not known.
    fileprivate init?(for account: Explanation.ServiceAccount, _ facts: PlatformFacts, _ configuration: Configuration) {
        guard let annotations = account.annotations else { return nil }
        self.init(
            for: account.subject, serviceAccount: annotations,
            pod: PodContext(mountsServiceAccountToken: account.mountsToken), facts: facts, configuration: configuration)
    }
}

extension Problem {
    fileprivate var remark: String { "\(severity): \(reason): \(message)" }
}

extension Explanation {
    /// Names go into subjects, policies and requests, so they must be names.
    public static func requireNames(of subject: Subject) throws(ExplanationError) {
        guard DNSName.isLabel(subject.namespace) else {
            throw .unusable(
                subject.namespace, as: "a namespace's name: write lower-case letters, digits and \"-\", 63 at most")
        }
        guard DNSName.isSubdomain(subject.serviceAccount) else {
            throw .unusable(
                subject.serviceAccount,
                as: "a ServiceAccount's name: write lower-case letters, digits, \"-\" and \".\"")
        }
    }

    /// Values stand in JSON documents, too: what would end a string there has no place in an issuer or an id.
    private func check() throws(ExplanationError) {
        let variables = parts.flatMap(\.sections).flatMap(\.setUp.variables)
        let known = variables.compactMap { variable -> (String, String)? in
            guard case .known(let value) = variable.value else { return nil }
            return (variable.name.description, value)
        }
        for (name, value) in known + (facts.issuer.url.map { [("ISSUER", $0)] } ?? []) {
            let isPlain = value.utf8.allSatisfy { byte in
                (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            }
            guard isPlain else {
                throw .unusable(value, as: "\(name): write ASCII without quotes and backslashes")
            }
        }
    }
}

extension SetUpRequest {
    fileprivate init(
        _ provider: Provider, _ account: Explanation.ServiceAccount?, facts: PlatformFacts, configuration: Configuration
    ) {
        let providers = Provider.all(configuration)
        let subject = account?.subject
        let inputs = Inputs(
            subject: subject ?? Subject(namespace: "", serviceAccount: ""), serviceAccount: account?.annotations ?? [:],
            pod: [:], keys: AnnotationKey.common + providers.flatMap(\.keys))
        let named = inputs.names(.providers)
        self.init(
            provider: provider.name, subject: subject, inputs: inputs, facts: facts, configuration: configuration,
            providers: (named.contains(provider.name.rawValue) ? named : named + [provider.name.rawValue])
                .joined(separator: ","),
            secretStores: providers.compactMap(\.secretStore))
    }
}
