import Foundation
import InMemoryLogging
import JSON
import KubernetesModel
import Logging
import MetricsTestKit
import Testing
import Yams

@testable import Operator

@Suite struct InstalledDefinitionTests {
    private static let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workloadidentities.lanyard.dev"

    /// The definition of this release.
    private static func released() throws -> JSONValue {
        let text = try String(
            contentsOfFile: "charts/lanyard/crds/workloadidentities.lanyard.dev.yaml", encoding: .utf8)
        let object = try #require(try Yams.load(yaml: text))
        return try JSONValue(parsing: Array(JSONSerialization.data(withJSONObject: object)))
    }

    private static func schema(_ definition: JSONValue) -> JSONValue? {
        definition["spec"]?["versions"]?.array?.first?["schema"]?["openAPIV3Schema"]
    }

    @Test("the definition of this release has what it writes, and no more than Kubernetes' own conventions add")
    func released() throws {
        let schema = try #require(Self.schema(try Self.released()))
        let fields = InstalledDefinition.fields(of: schema).filter { $0.hasPrefix("status.") }
        #expect(fields.subtracting(InstalledDefinition.written) == ["status.conditions[].observedGeneration"])
        #expect(InstalledDefinition.written.subtracting(fields) == [])
    }

    @Test("an older definition is told once, with its missing fields, and it is told when it has been replaced")
    func older() async throws {
        let released = try Self.released()
        var older = released
        let text = released.serializedString()
            .replacingOccurrences(of: #""lacking":{"#, with: #""formerly":{"#)
        older = try JSONValue(parsing: Array(text.utf8))
        let server = FakeAPIServer()
        server.put(Self.path, older)
        let metrics = TestMetrics()
        let log = InMemoryLogHandler()
        let definition = InstalledDefinition(
            client: server.client, metrics: metrics, logger: Logger(label: "test") { _ in log })
        var told: [String] = []
        for _ in 1...2 { #expect(await !definition.isCurrent(&told)) }
        #expect(told == ["status.pods.lacking"])
        #expect(try metrics.expectGauge("lanyard_definition_current", []).lastValue == 0)
        #expect(log.entries.map(\.message) == ["the installed definition is older than this release"])

        server.put(Self.path, released)
        #expect(await definition.isCurrent(&told))
        #expect(try metrics.expectGauge("lanyard_definition_current", []).lastValue == 1)
        #expect(log.entries.last?.message == "the installed definition is of this release")
    }

    @Test("a definition that cannot be read is told once, and nothing is claimed of it")
    func forbidden() async throws {
        let server = FakeAPIServer()
        server.refuse { _ in (403, "Forbidden") }
        let metrics = TestMetrics()
        let log = InMemoryLogHandler()
        let definition = InstalledDefinition(
            client: server.client, metrics: metrics, logger: Logger(label: "test") { _ in log })
        var told: [String] = []
        for _ in 1...2 { #expect(await !definition.isCurrent(&told)) }
        #expect(log.entries.map(\.message) == ["it is not known whether the installed definition is of this release"])
        #expect(try metrics.expectGauge("lanyard_definition_current", []).values.isEmpty)
    }
}
