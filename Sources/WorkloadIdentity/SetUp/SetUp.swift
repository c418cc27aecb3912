/// How the trust behind a mechanism is set up: values to fill in, and steps in which nothing else varies.
struct SetUp: Hashable, Sendable {
    var issuer = IssuerUse.unused
    var variables: [Variable] = []
    var steps: [Step] = []
    /// What the ServiceAccount carries in the end, each as `key=${VARIABLE}`.
    var annotations: [ShellText] = []

    /// What becomes of the cluster's issuer at the provider.
    enum IssuerUse: Hashable, Sendable {
        case unused
        /// It is compared with the tokens' `iss`, to the letter; its keys are uploaded.
        case named
        /// The discovery document is fetched from outside, by whom is named.
        case fetched(by: String)
    }

    /// A variable of the script.
    struct Variable: Hashable, Sendable {
        enum Value: Hashable, Sendable {
            case known(String)
            /// What to write in its place.
            case placeholder(ShellText)
            case expression(ShellText)
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

    /// Where this provider's own volume is mounted.
    var mountPath: String { "/var/run/secrets/lanyard.dev/\(provider)" }

    /// How the provider gets the keys that verify tokens, where it would also take them uploaded.
    func issuerUse(uploadingUnless reader: String) -> SetUp.IssuerUse {
        switch facts.issuer.reach {
        case .public, .publicIfEnabled: .fetched(by: reader)
        case .private, .unknown: .named
        }
    }
}
