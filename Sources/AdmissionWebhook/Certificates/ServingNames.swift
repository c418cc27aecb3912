import SwiftASN1
import X509

/// The names and addresses by which an API server reaches a webhook: what its certificate must be for.
///
/// API servers look at subject alternative names alone, and call a Service `SVC.NS.svc`; the other forms are for people and
/// tests. A webhook outside the cluster is called by the host in its URL.
public struct ServingNames: Sendable, Hashable {
    /// Names and addresses, without repetitions, names in lower case.
    public let hosts: [String]

    /// - Parameter extraHosts: names, or addresses such as `127.0.0.1` or `[::1]`, that the webhook is reached by as well.
    public init(
        service: String,
        namespace: String,
        clusterDomain: String = "cluster.local",
        extraHosts: [String] = []
    ) {
        let qualified = "\(service).\(namespace)"
        self.init(hosts: [service, qualified, "\(qualified).svc", "\(qualified).svc.\(clusterDomain)"] + extraHosts)
    }

    public init(hosts: [String]) {
        var seen: Set<String> = []
        self.hosts = hosts.map(\.canonicalHost).filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    var subjectAlternativeNames: SubjectAlternativeNames {
        SubjectAlternativeNames(hosts.map(Self.generalName))
    }

    /// The hosts that a certificate is not for.
    func missing(in certificate: Certificate) -> [String] {
        let names = Set((try? certificate.extensions.subjectAlternativeNames) ?? SubjectAlternativeNames())
        return hosts.filter { !names.contains(Self.generalName($0)) }
    }

    private static func generalName(_ host: String) -> GeneralName {
        host.addressBytes.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) } ?? .dnsName(host)
    }
}

extension String {
    /// As certificates have it: without a URL's brackets and without the dot that ends an absolute name.
    fileprivate var canonicalHost: String {
        var host = lowercased()[...]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if host.hasSuffix(".") { host = host.dropLast() }
        return String(host)
    }
}
