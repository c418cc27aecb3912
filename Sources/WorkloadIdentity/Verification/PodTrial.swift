internal import JSON

/// What an init container tries in its own pod: the exchanges that the SDKs there would make.
///
/// It gets tokens of its own, of the same ServiceAccount, pod and audience: Anthropic takes each once.
public struct PodTrial: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var provider: ProviderName
        public var mechanism: Mechanism
        public var exchange: Exchange
    }

    public private(set) var entries: [Entry]

    /// What a message has room for. Only of AWS roles there may be more.
    public static let mostEntries = 10

    /// - Parameter isOnNodeNetwork: whether the pod is.
    /// - Returns: `nil` if nobody would be asked.
    public init?(of plan: Plan, _ configuration: Configuration, onNodeNetwork isOnNodeNetwork: Bool) {
        let place = TrialPlace.pod(onNodeNetwork: isOnNodeNetwork)
        entries = plan.outcomes.flatMap { provider, outcome in
            outcome.trials(for: provider, configuration, in: place).compactMap { trial in
                guard case .exchange(let exchange) = trial else { return nil }
                return Entry(provider: provider, mechanism: outcome.mechanism, exchange: exchange)
            }
        }
        guard !entries.isEmpty else { return nil }
        entries = Array(entries.prefix(Self.mostEntries))
    }

    // MARK: Time

    /// The pod waits for it, so all of it ends together, within ten seconds with what comes before and after.
    public static let limit = Duration.seconds(8)

    /// How long after an attempt the next one begins; `nil` if there is none.
    ///
    /// The way to a provider may not be there yet: nodes take a moment to let a new pod's requests through, and to know it. An
    /// attempt that begins late could not end.
    ///
    /// - Parameter elapsed: since the first one began.
    public static func pause(after verdict: Verdict, at elapsed: Duration) -> Duration? {
        let pause = Duration.seconds(1)
        guard ["Unreachable", "UnexpectedAnswer"].contains(verdict.reason), elapsed + pause <= .seconds(3) else {
            return nil
        }
        return pause
    }

    // MARK: Files

    /// The audiences of the tokens that are presented, each once. `nil`: that of the API server.
    public var audiences: [String?] {
        entries.reduce(into: []) { audiences, entry in
            guard entry.exchange.takesToken, !audiences.contains(entry.exchange.audience) else { return }
            audiences.append(entry.exchange.audience)
        }
    }

    /// The Secrets whose `ca.crt` verifies an endpoint, each once.
    public var caSecrets: [String] { Set(entries.compactMap(\.exchange.caSecret)).sorted() }

    /// The name of the file with the token for an exchange; `nil` if it takes none.
    public func tokenFile(of exchange: Exchange) -> String? {
        guard exchange.takesToken else { return nil }
        return audiences.firstIndex(of: exchange.audience).map(Self.tokenFile)
    }

    public static func tokenFile(at index: Int) -> String { "token-\(index)" }

    public static func certificateFile(of secret: String) -> String { "\(secret).crt" }
}

// MARK: - In a variable

extension PodTrial {
    /// Without dollar signs, so that Kubernetes sees no variable in it.
    public var text: String {
        JSONValue.array(
            entries.map { entry in
                [
                    "provider": .string(entry.provider.rawValue), "mechanism": .string(entry.mechanism.rawValue),
                    "exchange": entry.exchange.json,
                ]
            }
        ).serializedString().replacing("$", with: #"\u0024"#)
    }

    /// - Returns: `nil` if it is not what ``text`` makes.
    public init?(_ text: String) {
        guard let list = (try? JSONValue(parsing: Array(text.utf8)))?.array,
            (1...Self.mostEntries).contains(list.count)
        else { return nil }
        entries = list.compactMap { json in
            guard let provider = json["provider"]?.string,
                let mechanism = json["mechanism"]?.string.flatMap(Mechanism.init(rawValue:)),
                let exchange = json["exchange"].flatMap({ Exchange($0) })
            else { return nil }
            return Entry(provider: ProviderName(rawValue: provider), mechanism: mechanism, exchange: exchange)
        }
        guard entries.count == list.count else { return nil }
    }
}
