/// How the trust that a mechanism needs is set up: values to fill in, and steps in which nothing else varies.
struct SetUp: Hashable, Sendable {
    var issuer = IssuerUse.unused
    var variables: [Variable] = []
    var steps: [Step] = []
    /// What the ServiceAccount carries in the end, each as `key=${VARIABLE}`.
    var annotations: [ShellText] = []
    /// The same, for what other providers of the ServiceAccount may need too: it stays when this one is removed.
    var sharedAnnotations: [ShellText] = []
    /// Tries the trust by hand, once the ServiceAccount has its annotations. It prints no credential.
    var trial: [Step] = []
    /// Removes what the steps created, in this order, after the annotations. It needs no variable that a step assigned.
    var removal: [Step] = []
    /// What an application does with the credential, where ``Reach`` does not say it all.
    var use: String?

    /// What becomes of the cluster's issuer at the provider.
    enum IssuerUse: Hashable, Sendable {
        case unused
        /// It is compared with the tokens' `iss`, to the letter; its keys are uploaded.
        case named
        /// The discovery document is fetched from outside, by these.
        case fetched(by: [String])

        /// What serves both.
        func merged(with other: IssuerUse) -> IssuerUse {
            switch (self, other) {
            case (.fetched(let readers), .fetched(let others)):
                .fetched(by: readers + others.filter { !readers.contains($0) })
            case (.fetched, _): self
            case (_, .fetched): other
            case (.named, _), (_, .named): .named
            case (.unused, .unused): .unused
            }
        }
    }

    /// The commands that the script runs, and what they write on the ServiceAccount.
    var texts: [ShellText] { (steps + trial).compactMap(\.commands) + annotations + sharedAnnotations }

    /// The variables without those that nothing in these texts needs.
    func variables(neededBy texts: [ShellText]) -> [Variable] {
        var needed = texts.reduce(into: Set<String>()) { $0.formUnion($1.mentioned) }
        return variables.reversed().filter { variable in
            guard needed.contains(variable.name.description) else { return false }
            needed.formUnion(variable.expression?.mentioned ?? [])
            return true
        }.reversed()
    }

    /// A variable of the script.
    struct Variable: Hashable, Sendable {
        enum Value: Hashable, Sendable {
            case known(String)
            /// What to write in its place.
            case placeholder(ShellText)
            case expression(ShellText)
        }

        /// What a shell works its value out of, if that is how it gets one.
        var expression: ShellText? {
            guard case .expression(let text) = value else { return nil }
            return text
        }

        var name: ShellText
        var value: Value
        var remark: ShellText?

        init(_ name: ShellText, _ known: String?, or value: Value, remark: ShellText? = nil) {
            self.name = name
            self.value = known.map(Value.known) ?? value
            self.remark = remark
        }

        init(_ name: ShellText, _ value: Value, remark: ShellText? = nil) {
            self.init(name, nil, or: value, remark: remark)
        }
    }

    /// One thing to do.
    struct Step: Hashable, Sendable {
        /// What it is for, and what bites.
        var purpose: String
        var commands: ShellText?
        /// Lines for the application, which the script shows and does not run.
        var code: String?

        init(_ purpose: String, _ commands: ShellText? = nil, code: String? = nil) {
            self.purpose = purpose
            self.commands = commands
            self.code = code
        }
    }
}

/// What a set-up may look at.
struct SetUpRequest {
    var provider: ProviderName
    /// `nil`: nobody in particular.
    var subject: Subject?
    var inputs: Inputs
    var facts: PlatformFacts
    var configuration: Configuration
    /// What `lanyard.dev/providers` has to say so that this provider is asked for and the others still are.
    var providers: String
    /// The stores that vendors have for secrets.
    var secretStores: [any SecretStore]

    /// Where this provider's own volume is mounted.
    var mountPath: String { "/var/run/secrets/lanyard.dev/\(provider)" }

    /// What becomes of the issuer at a provider that takes keys fetched or uploaded.
    func issuerUse(of mechanism: Mechanism, by reader: String) -> SetUp.IssuerUse {
        mechanism.keySource(on: facts) == .fetched ? .fetched(by: [reader]) : .named
    }
}
