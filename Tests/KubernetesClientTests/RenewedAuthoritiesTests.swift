import KubernetesModel
import Logging
import NIOSSL
import Testing

@testable import KubernetesClient

/// The CAs that kubelet writes for a pod.
@Suite struct RenewedAuthoritiesTests {
    private let certificate: String

    init() throws {
        certificate = try SelfSigned().pem
    }

    private func cluster(_ file: String, _ original: String) -> ClusterConfiguration {
        var cluster = ClusterConfiguration(server: "https://h", certificateAuthority: Array(original.utf8))
        cluster.certificateAuthorityFile = file
        return cluster
    }

    @Test("the CAs of the start are kept until the file has others, which are looked for once a minute")
    func renewed() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(certificate, to: "ca.crt")
        let clock = StoppedClock()
        let authorities = try #require(
            RenewedAuthorities(of: cluster(file, certificate), clock: clock))
        #expect(authorities.tls == nil)
        let both = Array((certificate + "\n" + certificate).utf8)
        try folder.write(String(decoding: both, as: UTF8.self), to: "ca.crt")
        #expect(authorities.tls == nil)
        clock.advance(by: .seconds(61))
        #expect(authorities.tls?.trustRoots == .certificates(try NIOSSLCertificate.fromPEMBytes(both)))
    }

    @Test("a file that is not as it should be changes nothing", arguments: ["", "no PEM"])
    func broken(text: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(certificate, to: "ca.crt")
        let clock = StoppedClock()
        let authorities = try #require(
            RenewedAuthorities(of: cluster(file, certificate), clock: clock))
        #expect(authorities.tls == nil)
        try folder.write(text, to: "ca.crt")
        clock.advance(by: .seconds(61))
        #expect(authorities.tls == nil)
    }

    @Test("a server that shows a certificate of the new CA is reached", .timeLimit(.minutes(5)))
    func rotated() async throws {
        let (old, new) = (certificate, try SelfSigned())
        let server = try await LocalServer(new) { _, _ in .body(HTTPClientTransportTests.account) }
        let folder = try TemporaryFolder()
        for (text, isReached) in [(old, false), (old + "\n" + new.pem, true)] {
            var cluster = cluster(try folder.write(text, to: "ca.crt"), old)
            cluster.server = server.url
            let transport = try HTTPClientTransport(cluster, logger: Logger(label: "test"))
            let client = KubernetesClient(transport: transport, fieldManager: "me")
            let key = ObjectKey(namespace: "shop", name: "web")
            var failure: (any Error)?
            do {
                _ = try await client.get(ServiceAccount.self, key)
            } catch {
                failure = error
            }
            #expect((failure == nil) == isReached, "\(failure.map { "\($0)" } ?? "")")
            try await transport.shutdown()
        }
        try await server.close()
    }

    @Test("without such a file there is nothing to follow")
    func none() {
        #expect(RenewedAuthorities(of: ClusterConfiguration(server: "https://h")) == nil)
    }
}
