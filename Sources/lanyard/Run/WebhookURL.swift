/// The base URL by which an API server finds a webhook outside the cluster, as `https://10.0.0.5:8443`.
///
/// API servers take no user, no query and no fragment in it.
/// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#url
struct WebhookURL {
    /// Without an IPv6 address's brackets.
    let host: String

    init?(_ text: String) {
        let scheme = "https://"
        let isPlain = text.utf8.allSatisfy { (0x21..<0x7F).contains($0) && !"@?#\\".utf8.contains($0) }
        guard text.hasPrefix(scheme), isPlain else { return nil }
        let authority = String(text.dropFirst(scheme.count).prefix { $0 != "/" })
        let hasPort = !authority.hasSuffix("]") && authority.contains(":")
        guard let address = SocketAddress(argument: hasPort ? authority : "\(authority):443") else { return nil }
        host = address.host
    }
}
