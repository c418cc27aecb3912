internal import WorkloadIdentity

/// What `lanyard explain` was asked for.
struct ExplainRequest {
    /// `nil`: every one that the ServiceAccount asks for.
    let provider: String?
    /// Or a workload that runs as it.
    let serviceAccount: ObjectArgument?
    let mechanism: String?

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
        serviceAccount = try ObjectArgument(account, namespace: namespace)
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
