import AdmissionWebhook
import Foundation
import KubernetesRuntime
import Operator
import Testing

/// The tables of `docs/operations.md`, and the reasons of `docs/reasons.md`, against the sources.
@Suite struct OperationsDocumentTests {
    /// The rows below a heading's first table of so many columns, cell by cell.
    private static func rows(of heading: String, columns: Int) throws -> [[String]] {
        let text = try String(contentsOfFile: "docs/operations.md", encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("\(heading)\n") })
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("|") }.map { line in
            line.dropFirst().dropLast().components(separatedBy: " | ").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
        }
        return Array(rows.filter { $0.count == columns }.dropFirst())
    }

    @Test("every metric of a library is in the table, with the text that Prometheus shows")
    func metrics() throws {
        let rows = try Self.rows(of: "Metrics", columns: 4)
        let documented = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[3]) })
        let help = [
            AdmissionMetrics.help, Controller.help, EventRecorder.help, IdentityReport.help, InjectionMetrics.help,
            InstalledDefinition.help, IssuerKeyWatch.help, LeaderElector.help, WatchMetrics.help, WebhookReport.help,
            WorkloadIdentityControllers.helpOnHealing, WorkloadIdentityControllers.helpOnPlanSets,
            WorkloadIdentityControllers.helpOnTrust,
        ].reduce(into: [:]) { $0.merge($1) { $1 } }
        #expect(help.count > 20)
        for (name, text) in help { #expect(documented[name] == text, "\(name)") }
        let others = documented.keys.filter { help[$0] == nil && !$0.hasPrefix("process_") }
        #expect(others == ["lanyard_build_info"])
    }

    @Test("every reason of a status that is not well is in docs/reasons.md")
    func reasons() throws {
        let source = try String(contentsOfFile: "Sources/Operator/Status/StatusReason.swift", encoding: .utf8)
        let constants = try #require(source.components(separatedBy: "enum StatusReason").last)
        let names = constants.matches(of: /= "(\w+)"/).map { String($0.1) }
        let ofWhatIsWell = ["Valid", "Resolved", "PodsCurrent", "Ready", "KeysCurrent", "Verified"]
        #expect(names.count > 10 && names.contains("PodsLackCredentials"))
        let page = try String(contentsOfFile: "docs/reasons.md", encoding: .utf8)
        for name in names where !ofWhatIsWell.contains(name) {
            #expect(page.contains("\n### \(name)\n\n"), "\(name)")
        }
    }

    @Test("every line that is logged by default is in the table, and no other")
    func lines() throws {
        let documented = Set(try Self.rows(of: "Logs", columns: 4).map { $0[0] })
        let files = try #require(FileManager.default.enumerator(atPath: "Sources")).compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") }
        let sources = try files.map { try String(contentsOfFile: "Sources/\($0)", encoding: .utf8) }.joined()
        let logged = sources.matches(
            of: /logger\.(?:info|notice|warning|error|log\(\s*level: [^,\n]+,)\(?\s*"([^"\\]+)"/
        ).map { String($0.output.1) }
        #expect(logged.count > 25)
        for message in logged { #expect(documented.contains(message), "\(message)") }
        for message in documented { #expect(sources.contains("\"\(message)\""), "\(message)") }
    }
}
