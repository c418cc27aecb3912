import NIOSSL
import Testing

@testable import KubernetesClient

/// The CAs that kubelet writes for a pod.
@Suite struct RenewedAuthoritiesTests {
    /// Of nobody: only that it is one matters.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBcjCCARegAwIBAgIUZMxlMheTNd9w03izFpBE5ZAVwgMwCgYIKoZIzj0EAwIw
        DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI4MTc0MjAyWhgPMjEyNjExMDQxNzQyMDJa
        MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY5HUe5xt
        pn7EbL7b699AexEAvUjpcs91Nfk7AU1iyxQYLLE2RIkw1O2YOAfljAjAd4iHNYgd
        2j/IRbYnFQoblqNTMFEwHQYDVR0OBBYEFMr9PiKkPk90pG8f9OlrWf9xGW6KMB8G
        A1UdIwQYMBaAFMr9PiKkPk90pG8f9OlrWf9xGW6KMA8GA1UdEwEB/wQFMAMBAf8w
        CgYIKoZIzj0EAwIDSQAwRgIhAJlQzM15keE2cbWLf4nyk4YYdzU+UZ2cNydniHtZ
        2UzNAiEAvSaXjCCD6Jyivuejh/6MY4bk6IBX5PizxVEXYDB1fvU=
        -----END CERTIFICATE-----
        """

    private func cluster(_ file: String, _ original: String) -> ClusterConfiguration {
        var cluster = ClusterConfiguration(server: "https://h", certificateAuthority: Array(original.utf8))
        cluster.certificateAuthorityFile = file
        return cluster
    }

    @Test("the CAs of the start are kept until the file has others, which are looked for once a minute")
    func renewed() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Self.certificate, to: "ca.crt")
        let clock = StoppedClock()
        let authorities = try #require(
            RenewedAuthorities(of: cluster(file, Self.certificate), clock: clock))
        #expect(authorities.tls == nil)
        let both = Array((Self.certificate + "\n" + Self.certificate).utf8)
        try folder.write(String(decoding: both, as: UTF8.self), to: "ca.crt")
        #expect(authorities.tls == nil)
        clock.advance(by: .seconds(61))
        #expect(authorities.tls?.trustRoots == .certificates(try NIOSSLCertificate.fromPEMBytes(both)))
    }

    @Test("a file that is not as it should be changes nothing", arguments: ["", "no PEM"])
    func broken(text: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Self.certificate, to: "ca.crt")
        let clock = StoppedClock()
        let authorities = try #require(
            RenewedAuthorities(of: cluster(file, Self.certificate), clock: clock))
        #expect(authorities.tls == nil)
        try folder.write(text, to: "ca.crt")
        clock.advance(by: .seconds(61))
        #expect(authorities.tls == nil)
    }

    @Test("without such a file there is nothing to follow")
    func none() {
        #expect(RenewedAuthorities(of: ClusterConfiguration(server: "https://h")) == nil)
    }
}
