/// An annotation that means something to Lanyard.
public struct AnnotationKey: Hashable, Sendable {
    /// An object that carries annotations.
    public enum Place: String, Hashable, Sendable {
        case serviceAccount = "ServiceAccount"
        case pod = "Pod"
    }

    /// The whole name, with its prefix.
    public let name: String
    /// Where it may stand. Where it stands on both, the pod's value wins.
    public let places: Set<Place>
    public let syntax: ValueSyntax
    /// The provider that this key asks for, if it names an identity, a secret or a mechanism.
    public let asksFor: ProviderName?
    /// Whether the value is the audience of a token.
    public var isAudience: Bool { syntax.isAudience }
    /// Written by Lanyard itself on pods. It stays there when people copy a running pod, and means nothing then.
    public let isWrittenByLanyard: Bool

    init(
        _ name: String, on places: Set<Place>, _ syntax: ValueSyntax, asksFor provider: ProviderName? = nil,
        isWrittenByLanyard: Bool = false
    ) {
        self.name = name
        self.places = places
        self.syntax = syntax
        asksFor = provider
        self.isWrittenByLanyard = isWrittenByLanyard
    }

    /// A key of Lanyard's own, for the ServiceAccount or the pod.
    static func lanyard(_ name: String, _ syntax: ValueSyntax, asksFor provider: ProviderName? = nil) -> AnnotationKey {
        AnnotationKey(lanyardPrefix + name, on: [.serviceAccount, .pod], syntax, asksFor: provider)
    }

    public static func == (left: AnnotationKey, right: AnnotationKey) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension AnnotationKey {
    public static let lanyardPrefix = "lanyard.dev/"

    // Keys that belong to no single provider.
    public static let providers = lanyard("providers", .list)
    static let inject = lanyard("inject", .oneOf(["true", "false"]))
    static let includeContainers = AnnotationKey("lanyard.dev/include-containers", on: [.pod], .list)
    static let skipContainers = AnnotationKey("lanyard.dev/skip-containers", on: [.pod], .list)
    /// Whether an init container tries the trust in the pod itself.
    public static let verify = AnnotationKey("lanyard.dev/verify", on: [.pod], .oneOf(["true", "false"]))
    static let tokenExpiration = lanyard("token-expiration", .seconds)
    static let vaultRole = lanyard("vault-role", .vaultRole)
    static let secretDelivery = lanyard("secret-delivery", .oneOf(Mechanism.secretDeliveries.map(\.rawValue)))

    // Stamps.
    public static let injected = stamp("injected")
    public static let plan = stamp("plan")
    public static let problems = stamp("problems")

    static func stamp(_ name: String) -> AnnotationKey {
        AnnotationKey(lanyardPrefix + name, on: [.pod], .anything, isWrittenByLanyard: true)
    }

    static let common: [AnnotationKey] = [
        .providers, .inject, .includeContainers, .skipContainers, .verify, .tokenExpiration, .vaultRole,
        .secretDelivery, .injected, .plan, .problems,
    ]

    // Keys with a provider's name in them.
    static func mechanism(of provider: ProviderName, among mechanisms: [Mechanism] = []) -> AnnotationKey {
        // Any mechanism's name is well-formed; whether it serves here is the matrix' to say.
        let names = mechanisms.map(\.rawValue)
        let syntax = ValueSyntax(
            ValueSyntax.oneOf(names).expected, diagnosis: { .init(meant: ValueSyntax.meaning(of: $0, among: names)) }
        ) { Mechanism(rawValue: $0) != nil }
        return lanyard("mechanism.\(provider)", syntax, asksFor: provider)
    }

    static func vaultPath(of provider: ProviderName) -> AnnotationKey {
        lanyard("vault-path.\(provider)", .secretPath, asksFor: provider)
    }

    static func vaultKey(of provider: ProviderName) -> AnnotationKey {
        lanyard("vault-key.\(provider)", .vaultField)
    }

    static func family(of provider: ProviderName, mechanisms: [Mechanism]) -> [AnnotationKey] {
        [.mechanism(of: provider, among: mechanisms), .vaultPath(of: provider), .vaultKey(of: provider)]
    }
}

extension AnnotationKey {
    /// Whether a pod with these annotations asks that its trust be tried in it.
    public static func asksForTrial(_ annotations: [String: String]) -> Bool {
        annotations[verify.name]?.trimmingWhitespace == "true"
    }
}

extension AnnotationKey {
    static let prefixes: [String] = {
        let vendors = Provider.builtIn.flatMap(\.keys).compactMap { key in
            key.name.firstIndex(of: "/").map { String(key.name[...$0]) }
        }
        let injectors = Configuration.VaultSettings.Injector.allCases.map(\.annotationPrefix)
        return Set(vendors + injectors + [lanyardPrefix]).sorted()
    }()

    /// Whether an annotation may matter to a plan. Others need not be kept in memory.
    ///
    /// A key that is known, on another domain, may be meant for Lanyard: `eks.amazon.com/role-arn`.
    public static func mayMatter(_ name: String) -> Bool {
        guard let slash = name.utf8.firstIndex(of: UInt8(ascii: "/")) else { return false }
        return domains.contains(name[...slash]) || namesWithoutDomain.contains(name[name.utf8.index(after: slash)...])
    }

    private static let domains = Set(prefixes.map { $0[...] })

    private static let namesWithoutDomain: Set<Substring> = Set(
        (common + Provider.builtIn.flatMap(\.keys)).compactMap { key in
            key.name.firstIndex(of: "/").map { key.name[key.name.index(after: $0)...] }
        })
}
