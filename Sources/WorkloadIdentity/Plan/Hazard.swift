/// What a container may set for itself with which its SDKs do not use the identity, or do more with it than they should.
public struct Hazard: Hashable, Sendable {
    /// What a container says of a variable.
    public enum Setting: Hashable, Sendable {
        case absent
        case text(String)
        /// It is taken from somewhere that is not known here.
        case unknown
    }

    private enum Kind: Hashable {
        /// A stored credential, which wins.
        case stored
        /// Something that names or holds other credentials, which win in some SDKs or some of their versions.
        case storedInSome
        /// A key that wins unless the application passes the identity.
        case storedUnlessPassed
        /// A proxy for plain requests to a host that is to get a token, and nobody else.
        case proxy(ProxyException)
    }

    /// The variables that do it, each by itself.
    private(set) var variables: [String]
    private let kind: Kind

    /// What becomes of the identity where one of the variables is set.
    public enum Effect: Hashable, Sendable {
        /// The SDK does not use it.
        case replaced
        /// Some SDKs, or some of their versions, do not use it.
        case replacedInSome
        /// The SDK does not use it unless the application passes it.
        case replacedUnlessPassed
        /// It is used, and its token shown to others.
        case exposed
    }

    public var effect: Effect {
        switch kind {
        case .stored: .replaced
        case .storedInSome: .replacedInSome
        case .storedUnlessPassed: .replacedUnlessPassed
        case .proxy: .exposed
        }
    }

    /// The variables of a hazard that a container has set, the first one for the field of a problem.
    public func variables(setIn setting: (String) -> Setting) -> [String] {
        // SDKs take an empty variable for none.
        let present = variables.filter { variable in
            switch setting(variable) {
            case .absent: false
            case .text(let text): !text.isEmpty
            case .unknown: true
            }
        }
        if !present.isEmpty, case .proxy(let exception) = kind, exception.isMade(in: setting) { return [] }
        return present
    }

    public var reason: Problem.Reason {
        if case .proxy = kind { .tokenSentToProxy } else { .staticCredential }
    }

    /// A variable to name where it is not known what is set.
    public var example: String { variables.first ?? "" }

    /// What some of its variables do, and what to write.
    public func message(_ set: [String]) -> String {
        let (verb, pronoun) = set.count == 1 ? ("is", "it") : ("are", "them")
        let (effect, advice) =
            switch kind {
            case .stored: ("the SDK uses \(pronoun) in place of the identity", "remove \(pronoun)")
            case .storedInSome: ("some SDKs use \(pronoun) in place of the identity", "remove \(pronoun)")
            case .storedUnlessPassed:
                ("the SDK uses \(pronoun) unless the application passes the identity", "remove \(pronoun)")
            case .proxy(let exception):
                (
                    "NO_PROXY does not have \(exception.host), so some SDKs send the pod's token to the proxy",
                    "set NO_PROXY=\(exception.host)"
                )
            }
        return "\(set.joined(separator: " and ")) \(verb) set, and \(effect); \(advice)"
    }

    /// Without some variables, which are the identity's own.
    func without(_ own: Set<String>) -> Hazard? {
        var hazard = self
        hazard.variables.removeAll(where: own.contains)
        return hazard.variables.isEmpty ? nil : hazard
    }

    // MARK: Kinds

    static func stored(_ variables: String...) -> Hazard { Hazard(variables: variables, kind: .stored) }

    static func storedInSome(_ variables: String...) -> Hazard { Hazard(variables: variables, kind: .storedInSome) }

    static func storedUnlessPassed(_ variables: String...) -> Hazard {
        Hazard(variables: variables, kind: .storedUnlessPassed)
    }

    static func proxy(for host: String) -> Hazard {
        Hazard(
            variables: ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"], kind: .proxy(ProxyException(host: host)))
    }
}

/// A host that is reached without the proxy, by `NO_PROXY`.
private struct ProxyException: Hashable, Sendable {
    var host: String

    /// - Returns: true also where the variable's value is not known.
    func isMade(in setting: (String) -> Hazard.Setting) -> Bool {
        ["NO_PROXY", "no_proxy"].contains { name in
            switch setting(name) {
            case .absent: false
            case .unknown: true
            case .text(let list): list.split(separator: ",").contains { covers($0.trimmingWhitespace) }
            }
        }
    }

    /// Whether an entry is the host, a network with it, or everything.
    /// https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
    private func covers(_ entry: String) -> Bool {
        if entry == "*" || entry == host || entry == "\(host):80" { return true }
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = Int(parts[1]), (0...32).contains(length),
            let network = Self.address(parts[0]), let address = Self.address(host[...])
        else { return false }
        let shift = UInt64(32 - length)
        return network >> shift == address >> shift
    }

    private static func address(_ text: Substring) -> UInt64? {
        let octets = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard octets.count == 4 else { return nil }
        return octets.reduce(UInt64?.some(0)) { sum, octet in
            guard let sum, let octet else { return nil }
            return sum << 8 | UInt64(octet)
        }
    }
}
