import FoundationEssentials
import Testing
@_spi(FixedExpiryValidationTime) import X509

@testable import AdmissionWebhook

@Suite("CertificateBundle") struct CertificateBundleTests {
    private let lifetimes = CertificateLifetimes()

    @Test("is made where there is none, and the certificate is trusted by its CA at once, under every name")
    func fresh() async throws {
        let (bundle, change) = try CertificateBundle.rotating(nil, for: .test, at: .today)
        #expect(change == .replaced(because: "there are no certificates yet"))
        for name in ["webhook", "webhook.lanyard", "webhook.lanyard.svc", "webhook.lanyard.svc.cluster.local"] {
            #expect(await bundle.isTrusted(as: name, at: .today))
        }
        #expect(await bundle.isTrusted(as: "127.0.0.1", at: .today))
        #expect(await !bundle.isTrusted(as: "other.lanyard.svc", at: .today))
        #expect(await !bundle.isTrusted(as: "127.0.0.2", at: .today))
    }

    @Test("is described without its keys, by whatever holds it")
    func described() throws {
        let bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        var dumped = ""
        dump([bundle], to: &dumped)
        let key = bundle.servingCertificate.privateKeyPEM.dropFirst(60).prefix(30)
        for text in ["\([bundle])", String(reflecting: [bundle]), dumped] {
            #expect(text.contains("serial number"))
            #expect(!text.contains(String(decoding: key, as: UTF8.self)))
            // As bytes, however they are written one after the other.
            let numbers = text.split { !$0.isNumber }.joined(separator: " ")
            #expect(!numbers.contains(key.map(String.init).joined(separator: " ")))
        }
    }

    @Test("allows for clocks that are an hour behind, and ends after its lifetime")
    func validity() async throws {
        let bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        #expect(await bundle.isTrusted(as: "webhook", at: .today.hours(-0.9)))
        #expect(await !bundle.isTrusted(as: "webhook", at: .today.hours(-1.1)))
        #expect(await bundle.isTrusted(as: "webhook", at: .today.days(89.9)))
        #expect(await !bundle.isTrusted(as: "webhook", at: .today.days(90.1)))
    }

    @Test(
        "a Secret that has gone is made again with a new CA, and what is shown stays, trusted, for a day",
        arguments: 1...6)
    func secretGone(times: Int) async throws {
        let shown = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        var bundle = shown
        for _ in 0..<times {
            let (next, change) = try CertificateBundle.rotating(nil, showing: bundle, for: .test, at: .today)
            #expect(change == .replaced(because: "the Secret is gone"))
            #expect(next.authority.certificate != bundle.authority.certificate)
            bundle = try CertificateBundle(secretData: next.secretData)
        }
        #expect(bundle.servingCertificate.leaf == shown.servingCertificate.leaf)
        #expect(shown.servingCertificate.isTrusted(by: try bundle.caBundlePEM))
        #expect(bundle.retiredAuthorities.count <= 4)
        let soon = try CertificateBundle.rotating(bundle.secretData, for: .test, at: .today.hours(23))
        #expect(soon.change == .none)
        let (later, change) = try CertificateBundle.rotating(bundle.secretData, for: .test, at: .today.days(1.1))
        #expect(change == .renewed(because: "the serving certificate is of an older CA"))
        #expect(later.servingCertificate.leaf.isSigned(by: bundle.authority.certificate))
    }

    @Test(
        "where somebody else has written the Secret, the CA of what is shown is kept once, and then the rest is taken over"
    )
    func secretForeign() throws {
        let shown = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let foreign = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let (kept, change) = try CertificateBundle.rotating(
            foreign.secretData, showing: shown, for: .test, at: .today)
        #expect(change == .keptAuthority)
        #expect(shown.servingCertificate.isTrusted(by: try kept.caBundlePEM))
        #expect(kept.servingCertificate.leaf == foreign.servingCertificate.leaf)
        #expect(kept.servingCertificate.isTrusted(by: try kept.caBundlePEM))
        let again = try CertificateBundle.rotating(kept.secretData, showing: shown, for: .test, at: .today)
        #expect(again.change == .none)
        // Who shows the new certificate needs nothing.
        let other = try CertificateBundle.rotating(foreign.secretData, showing: kept, for: .test, at: .today)
        #expect(other.change == .none)
    }

    @Test("a start without the Secret goes on trusting our CAs of the registration, and nobody else's")
    func registrationsAuthorities() throws {
        let ours = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let leaf = ours.servingCertificate.certificatePEM
        let (bundle, _) = try CertificateBundle.rotating(
            nil, trustedBy: [try ours.caBundlePEM, Array("no PEM".utf8), leaf, try ours.caBundlePEM], for: .test,
            at: .today)
        #expect(bundle.retiredAuthorities == [ours.authority.certificate])
        #expect(ours.servingCertificate.isTrusted(by: try bundle.caBundlePEM))
        let late = try CertificateBundle.rotating(
            nil, trustedBy: [try ours.caBundlePEM], for: .test, at: .today.days(3651))
        #expect(late.bundle.retiredAuthorities.isEmpty)
    }

    @Test("comes back from its Secret as it was, and is kept")
    func roundTrip() throws {
        let stored = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes).secretData
        #expect(Set(stored.keys) == ["ca.crt", "ca.key", "tls.crt", "tls.key"])
        let (bundle, change) = try CertificateBundle.rotating(stored, for: .test, at: .today.days(1))
        #expect(change == .none)
        #expect(try bundle.secretData == stored)
        #expect(try bundle.caBundlePEM == stored["ca.crt"])
    }

    @Test("keeps no key in what is made public")
    func secrecy() throws {
        let bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        #expect(try !String(decoding: bundle.caBundlePEM, as: UTF8.self).contains("PRIVATE KEY"))
        #expect(!String(decoding: bundle.servingCertificate.certificatePEM, as: UTF8.self).contains("PRIVATE KEY"))
    }

    @Test(
        "that cannot be used is replaced, and says why",
        arguments: [
            (["ca.crt": nil], "ca.crt is missing"),
            (["ca.key": nil], "ca.key is missing"),
            (["tls.crt": nil], "tls.crt is missing"),
            (["tls.key": nil], "tls.key is missing"),
            (["ca.crt": ""], "ca.crt holds no certificate"),
            (["ca.key": "nonsense"], "ca.key is not a PEM private key"),
            (["tls.key": "ca.key"], "the serving certificate's key is not that of the certificate"),
            (["ca.key": "tls.key"], "the CA's key is not that of its certificate"),
            (
                ["ca.crt": "foreign ca.crt", "ca.key": "foreign ca.key"],
                "the serving certificate is signed by none of the CAs in ca.crt"
            ),
        ] as [([String: String?], String)])
    func unusable(_ changes: [String: String?], _ reason: String) async throws {
        let good = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes).secretData
        let foreign = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes).secretData
        var stored = good
        for (key, source) in changes {
            // A source is another entry of this Secret or of a foreign one, or else the text itself.
            stored[key] = source.map { source in
                good[source] ?? foreign[String(source.dropFirst("foreign ".count))] ?? Array(source.utf8)
            }
        }
        let (bundle, change) = try CertificateBundle.rotating(stored, for: .test, at: .today)
        #expect(change == .replaced(because: reason))
        #expect(await bundle.isTrusted(as: "webhook", at: .today))
        #expect(try CertificateBundle(secretData: bundle.secretData).secretData == bundle.secretData)
    }

    @Test("that lost its key goes on trusting its CA, so that replicas that still show its certificate are reached")
    func survivingTrust() async throws {
        let old = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        var stored = try old.secretData
        stored["ca.key"] = nil
        let (bundle, _) = try CertificateBundle.rotating(stored, for: .test, at: .today)
        #expect(await bundle.trusts(old.servingCertificate, as: "webhook", at: .today))
    }

    @Test("that is broken again and again does not grow for ever")
    func bounded() throws {
        var stored = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes).secretData
        for _ in 0..<8 {
            stored["ca.key"] = nil
            stored = try CertificateBundle.rotating(stored, for: .test, at: .today).bundle.secretData
        }
        #expect(try CertificateBundle(secretData: stored).retiredAuthorities.count == 4)
    }

    @Test("renews its certificate, not its CA, when a name is added")
    func namesAdded() async throws {
        var bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let before = try bundle.caBundlePEM
        let names = ServingNames(hosts: ServingNames.test.hosts + ["::1", "Example.org."])
        #expect(
            try bundle.rotate(for: names, at: .today)
                == .renewed(because: "the serving certificate is not for ::1, example.org"))
        #expect(try bundle.caBundlePEM == before)
        #expect(await bundle.isTrusted(as: "::1", at: .today))
        #expect(await bundle.isTrusted(as: "example.org", at: .today))
        #expect(try bundle.rotate(for: names, at: .today) == .none)
        #expect(try bundle.rotate(for: .test, at: .today) == .none)
    }

    @Test("renews its certificate when a third of its life is left, or none", arguments: [59.9, 60.1, 90.1, 1000])
    func expiry(_ days: Double) async throws {
        var bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let now = Date.today.days(days)
        let change = try bundle.rotate(for: .test, at: now)
        switch days {
        case ..<60: #expect(change == .none)
        case ..<90: #expect(change == .renewed(because: "the serving certificate expires soon"))
        default: #expect(change == .renewed(because: "the serving certificate has expired or is not valid yet"))
        }
        #expect(await bundle.isTrusted(as: "webhook", at: now))
    }

    @Test("is made again when the CA has expired, or is not valid yet", arguments: [3650.1, -1])
    func expiredAuthority(_ days: Double) async throws {
        var bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let now = Date.today.days(days)
        #expect(try bundle.rotate(for: .test, at: now) == .replaced(because: "the CA has expired or is not valid yet"))
        #expect(await bundle.isTrusted(as: "webhook", at: now))
    }

    @Test("announces a new CA, signs with it a day later, and trusts the old one until it expires")
    func authorityRotation() async throws {
        var bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        let end = Date.today.days(3650)
        let start = end.days(-180)
        _ = try bundle.rotate(for: .test, at: start.days(-1))
        let old = bundle

        #expect(try bundle.rotate(for: .test, at: start) == .announcedAuthority)
        #expect(bundle.servingCertificate.certificatePEM == old.servingCertificate.certificatePEM)
        #expect(await bundle.isTrusted(as: "webhook", at: start))
        #expect(try bundle.rotate(for: .test, at: start.hours(23)) == .none)

        #expect(
            try bundle.rotate(for: .test, at: start.hours(25))
                == .renewed(because: "the serving certificate is of an older CA"))
        #expect(await bundle.isTrusted(as: "webhook", at: start.hours(25)))
        #expect(await bundle.trusts(old.servingCertificate, as: "webhook", at: start.hours(25)))
        #expect(await !old.trusts(bundle.servingCertificate, as: "webhook", at: start.hours(25)))

        _ = try bundle.rotate(for: .test, at: end.hours(-1))
        #expect(bundle.retiredAuthorities.count == 1)
        #expect(try bundle.rotate(for: .test, at: end.hours(1)) == .droppedAuthorities)
        #expect(bundle.retiredAuthorities.isEmpty)
        #expect(await bundle.isTrusted(as: "webhook", at: end.hours(1)))
    }

    @Test("over 25 years shows no certificate that is not trusted yet, or any more")
    func longRun() async throws {
        var bundle = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes)
        var now = Date.today
        var changes = 0
        while now < .today.days(25 * 365) {
            let before = bundle
            now = max(bundle.nextRotation(), now.hours(1))
            if try bundle.rotate(for: .test, at: now) != .none { changes += 1 }
            #expect(await before.trusts(bundle.servingCertificate, as: "webhook", at: now))
            #expect(await bundle.isTrusted(as: "webhook", at: now))
            // Another replica that has not seen the change yet.
            if before.servingCertificate.notValidAfter > now {
                #expect(await bundle.trusts(before.servingCertificate, as: "webhook", at: now))
            }
            #expect(bundle.nextRotation() > now)
        }
        // A certificate every two months, and three CAs.
        #expect((150...170).contains(changes))
        #expect(bundle.retiredAuthorities.count <= 1)
    }
}

extension CertificateBundle {
    /// Whether a client that has this bundle's CAs, and no others, trusts this bundle's certificate.
    fileprivate func isTrusted(as host: String, at now: Date) async -> Bool {
        await trusts(servingCertificate, as: host, at: now)
    }

    fileprivate func trusts(_ certificate: ServingCertificate, as host: String, at now: Date) async -> Bool {
        guard let pem = try? caBundlePEM, let roots = try? Certificate.all(inPEM: pem, named: "") else { return false }
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        var verifier = Verifier(rootCertificates: CertificateStore(roots)) {
            RFC5280Policy(fixedExpiryValidationTime: now)
            ServerIdentityPolicy(serverHostname: isAddress ? nil : host, serverIP: isAddress ? host : nil)
        }
        let result = await verifier.validate(leaf: certificate.leaf, intermediates: CertificateStore())
        if case .validCertificate = result { return true }
        return false
    }
}
