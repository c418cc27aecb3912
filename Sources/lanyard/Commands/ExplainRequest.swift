internal import WorkloadIdentity

/// What `lanyard explain` was asked for.
struct ExplainRequest {
    /// `nil`: every one that the ServiceAccount asks for.
    let provider: String?
    let serviceAccount: Name?
    let mechanism: String?

    /// A ServiceAccount's name, with its namespace if it was written.
    struct Name {
        let namespace: String?
        let name: String

        func subject(in defaultNamespace: String) -> Subject {
            Subject(namespace: namespace ?? defaultNamespace, serviceAccount: name)
        }
    }

    /// - Parameter words: a provider, and a ServiceAccount, which has a slash in it. Each may be missing.
    init(
        words: [String], serviceAccount option: String?, namespace: String?, mechanism: String?
    ) throws(UsageProblem) {
        let providers = words.filter { !$0.contains("/") }
        let accounts = words.filter { $0.contains("/") } + (option.map { [$0] } ?? [])
        guard providers.count <= 1 else {
            throw UsageProblem(
                "\(providers.joined(separator: " ")): name one provider, or none for all that a ServiceAccount asks for"
            )
        }
        guard accounts.count <= 1 else {
            throw UsageProblem("\(accounts.joined(separator: " and ")): name one ServiceAccount")
        }
        if mechanism != nil, providers.isEmpty {
            throw UsageProblem("--mechanism is for one provider: add it, such as lanyard explain aws-bedrock …")
        }
        provider = providers.first
        self.mechanism = mechanism
        guard let account = accounts.first else {
            serviceAccount = nil
            return
        }
        serviceAccount = try Self.name(account, namespace)
    }

    private static func name(_ account: String, _ namespace: String?) throws(UsageProblem) -> Name {
        guard let slash = account.firstIndex(of: "/") else { return Name(namespace: namespace, name: account) }
        let place = String(account[..<slash])
        let name = String(account[account.index(after: slash)...])
        guard let namespace, namespace != place else { return Name(namespace: place, name: name) }
        guard ["sa", "serviceaccount", "serviceaccounts"].contains(place) else {
            throw UsageProblem("-n \(namespace) and \(account) name two namespaces: write one of them")
        }
        return Name(namespace: namespace, name: name)
    }

    func explanation(
        for account: Explanation.ServiceAccount?, _ facts: PlatformFacts, _ configuration: Configuration
    ) throws -> Explanation {
        if let provider {
            return try Explanation(
                of: provider, mechanism: mechanism, for: account, facts: facts, configuration: configuration)
        }
        guard let account else {
            throw UsageProblem(
                """
                say what to explain: a provider, or a ServiceAccount whose providers are meant, as NS/NAME for one of the \
                cluster or -f FILE
                """)
        }
        return try Explanation(for: account, facts: facts, configuration: configuration)
    }
}
