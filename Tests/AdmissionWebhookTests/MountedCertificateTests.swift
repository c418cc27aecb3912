import FoundationEssentials
import InMemoryLogging
import Logging
import MetricsTestKit
import NIOSSL
import Testing

@testable import AdmissionWebhook

@Suite("MountedCertificate") struct MountedCertificateTests {
    @Test("is read from its directory, and again when it changes")
    func change() throws {
        let harness = try MountedCertificateHarness()
        try harness.write(certificate: harness.first, key: harness.first)
        let mounted = try harness.mount()
        #expect(try harness.shows(harness.first, mounted))
        try harness.write(certificate: harness.second, key: harness.second)
        try mounted.reload()
        #expect(try harness.shows(harness.second, mounted))
        let expiry = try harness.metrics.expectGauge("lanyard_certificate_expiry_timestamp_seconds")
        #expect(expiry.values == [harness.first, harness.second].map { $0.notValidAfter.timeIntervalSince1970 })
        let start = try harness.metrics.expectGauge("lanyard_certificate_start_timestamp_seconds")
        #expect(start.values.count == 2)
        #expect(zip(start.values, expiry.values).allSatisfy { $0 < $1 })
    }

    @Test("says only once what it has loaded")
    func quiet() throws {
        let harness = try MountedCertificateHarness()
        try harness.write(certificate: harness.first, key: harness.first)
        let mounted = try harness.mount()
        try mounted.reload()
        try mounted.reload()
        #expect(harness.log.entries.map(\.message) == ["serving certificate loaded"])
    }

    @Test("stays as it was while certificate and key do not fit together, and says so")
    func halfWritten() throws {
        let harness = try MountedCertificateHarness()
        try harness.write(certificate: harness.first, key: harness.first)
        let mounted = try harness.mount()
        try harness.write(certificate: harness.second, key: harness.first)
        #expect(throws: (any Error).self) { try mounted.reload() }
        #expect(try harness.shows(harness.first, mounted))
        #expect(harness.log.entries.last?.level == .warning)
        #expect(harness.log.entries.last?.message == "serving certificate cannot be loaded")
    }

    @Test("that is not there is an error that names the directory")
    func missing() throws {
        let harness = try MountedCertificateHarness()
        let error = #expect(throws: CertificateError.self) { try harness.mount() }
        #expect(error?.description.hasPrefix("the certificate in \(harness.directory) cannot be used: ") == true)
    }
}

private final class MountedCertificateHarness {
    let directory = FileManager.default.temporaryDirectory.appending(path: "mounted-\(UUID())").path
    let first: ServingCertificate
    let second: ServingCertificate
    let metrics = TestMetrics()
    let log = InMemoryLogHandler()

    init() throws {
        let lifetimes = CertificateLifetimes()
        first = try CertificateBundle(for: .test, at: .today, lifetimes: lifetimes).servingCertificate
        second = try CertificateBundle(for: .test, at: .today.days(1), lifetimes: lifetimes).servingCertificate
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func write(certificate: ServingCertificate, key: ServingCertificate) throws {
        try Data(certificate.certificatePEM).write(to: URL(filePath: directory + "/tls.crt"))
        try Data(key.privateKeyPEM).write(to: URL(filePath: directory + "/tls.key"))
    }

    func mount() throws(CertificateError) -> MountedCertificate {
        let logger = Logger(label: "test") { [log] _ in log }
        return try MountedCertificate(directory: directory, metrics: metrics, logger: logger)
    }

    func shows(_ certificate: ServingCertificate, _ mounted: MountedCertificate) throws -> Bool {
        let shown = mounted.sslContextConfigurationOverride.certificateChain
        let expected = try NIOSSLCertificate.fromPEMBytes(certificate.certificatePEM)
        return shown == expected.map { .certificate($0) }
    }
}
