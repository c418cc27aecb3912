/// Who signs the cluster's ServiceAccount tokens.
public struct Issuer: Hashable, Sendable {
    /// The `iss` claim, to the letter: Microsoft Entra compares it with its trailing slash.
    public var url: String?
    public var reach: Reach

    public enum Reach: String, Hashable, Sendable {
        /// AWS, Microsoft Entra and Alibaba Cloud can fetch the discovery document.
        case `public`
        case `private`
        /// Public once the cluster's OIDC issuer has been switched on, which is the user's to do.
        case publicIfEnabled = "public-if-enabled"
        case unknown
    }

    public init(url: String? = nil, reach: Reach = .unknown) {
        self.url = url
        self.reach = reach
    }
}

extension Issuer.Reach {
    /// What a platform promises of its issuer.
    public static func promised(by platform: Platform) -> Issuer.Reach {
        switch platform {
        case .eks, .gke: .public
        case .aks, .oke, .ack: .publicIfEnabled
        case .iks, .selfManaged: .private
        }
    }

    /// What the URL alone tells: `nil` if only fetching the discovery document can tell.
    public static func known(from url: String) -> Issuer.Reach? {
        guard let host = host(of: url) else { return .private }
        let publicSuffixes = [
            ".amazonaws.com", ".amazonaws.com.cn", ".oic.prod-aks.azure.com", "oidc.prod-aks.azure.com",
            "container.googleapis.com", ".aliyuncs.com", ".oraclecloud.com",
        ]
        if publicSuffixes.contains(where: host.hasSuffix) { return .public }
        if host.hasSuffix(".svc") || host.hasSuffix(".local") || host == "localhost" || !host.contains(".") {
            // An address of IPv6 has no dots: it falls here, and is private unless configuration says otherwise.
            return .private
        }
        return isPrivateAddress(host) ? .private : nil
    }

    /// The host of an `https` URL, without its port.
    private static func host(of url: String) -> String? {
        guard url.hasPrefix("https://") else { return nil }
        let authority = url.dropFirst("https://".count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : host.lowercased()
    }

    /// RFC 1918, loopback, link-local, and shared address space (RFC 6598).
    private static func isPrivateAddress(_ host: String) -> Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard octets.count == 4, let first = octets[0], let second = octets[1], octets[2] != nil, octets[3] != nil
        else { return false }
        return switch (first, second) {
        case (10, _), (127, _), (0, _): true
        case (172, 16...31), (192, 168), (169, 254): true
        case (100, 64...127): true
        default: false
        }
    }
}
