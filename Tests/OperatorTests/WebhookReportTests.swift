import InMemoryLogging
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct WebhookReportTests {
    private let log = InMemoryLogHandler()
    private let metrics = TestMetrics()
    private let server = FakeAPIServer()
    private let verdicts = Recorded()

    private func report(_ events: EventRecorder? = nil) -> WebhookReport {
        WebhookReport(
            metrics: metrics, logger: Logger(label: "test") { [log] _ in log }, events: events,
            onTrusted: { [verdicts] in verdicts.add("trusted") },
            onDistrusted: { [verdicts] in verdicts.add($0) })
    }

    private var lines: [String] { log.entries.map { "\($0.level) \($0.message)" } }

    private func registered(_ registration: WebhookRegistration) -> Double? {
        try? metrics.expectGauge("lanyard_webhook_registered", [("name", registration.name)]).lastValue
    }

    @Test("trust that is lost and comes back is one line each, however often it is looked at")
    func trust() throws {
        let report = report()
        let gauge = try metrics.expectGauge("lanyard_webhook_trusted")
        #expect(gauge.lastValue == 0)
        // At the start it is not news that nothing is trusted yet.
        report.distrusted(because: "not yet")
        for _ in 0..<3 { report.trusted() }
        #expect(gauge.lastValue == 1)
        for _ in 0..<3 { report.distrusted(because: "the caBundle is empty") }
        #expect(gauge.lastValue == 0)
        report.trusted()
        #expect(
            lines == [
                "notice the API server's registration trusts the certificate",
                "error pods are not injected by this replica",
                "notice the API server's registration trusts the certificate",
            ])
        #expect(log.entries[1].metadata["reason"] == "the caBundle is empty")
        #expect(verdicts.all.last == "trusted" && verdicts.all.count == 8)
    }

    @Test("a registration that is missing is told by a line, a metric and an event, and so is its return")
    func missing() async throws {
        let events = EventRecorder(
            client: server.client, controller: "lanyard.dev/controller", instance: "test", metrics: metrics,
            logger: Logger(label: "events") { _ in SwiftLogNoOpLogHandler() })
        let report = report(events)
        for _ in 0..<3 { report.missing(RegistrationMissing(registration: .podInjector, isRead: true)) }
        #expect(lines == ["error the API server does not call the webhook"])
        #expect(registered(.podInjector) == 0)
        await events.writeRest()
        #expect(
            server.events == [
                "WebhookNotRegistered MutatingWebhookConfiguration \(WebhookRegistration.podInjector.name)"
            ])
        report.registered(.podInjector)
        report.registered(.podInjector)
        #expect(lines.last == "notice registered again" && lines.count == 2)
        #expect(registered(.podInjector) == 1)
    }

    @Test("what has not been read yet is not called missing")
    func unread() {
        report().missing(RegistrationMissing(registration: .podInjector, isRead: false))
        #expect(lines.isEmpty)
    }
}
