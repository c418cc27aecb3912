internal import NIOSSL

/// The CAs of the cluster, in a file that is renewed while this program runs: when a cluster's CA is rotated, kubelet writes the
/// old and the new one, and some time later the API server shows a certificate of the new one.
struct RenewedAuthorities: Sendable {
    private struct Trust: Sendable {
        var pem: [UInt8]
        var tls: TLSConfiguration
    }

    private let original: [UInt8]?
    private let file: RenewedFile<Trust>

    /// - Returns: `nil` if the cluster's CAs are in no such file.
    init?(of cluster: ClusterConfiguration, clock: any Clock<Duration> = .continuous) {
        guard let path = cluster.certificateAuthorityFile else { return nil }
        original = cluster.certificateAuthority
        file = RenewedFile(path: path, clock: clock) { pem in
            var renewed = cluster
            renewed.certificateAuthority = pem
            let tls = try TLSConfiguration.client(of: renewed, certificate: cluster.credentials.clientCertificate)
            return Trust(pem: pem, tls: tls)
        }
    }

    /// What to reach the server with; `nil` while the file is what it was when the program started.
    var tls: TLSConfiguration? {
        guard let trust = try? file.contents(), trust.pem != original else { return nil }
        return trust.tls
    }
}
