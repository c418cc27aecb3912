import AdmissionWebhook
import Foundation
import GeneratedPods
import JSON
import KubernetesModel
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator
@testable import lanyard

/// `lanyard check` says of manifests what admission says of the same objects, whatever they are: one reads files, the other
/// stores and requests.
@Suite(.timeLimit(.minutes(5))) struct CheckAgreesWithAdmissionTests {
    private static let kinds = WorkloadKind.allCases.filter { $0 != .pod }

    /// One made-up namespace, in files and in a cluster.
    private struct Case {
        let seed: UInt64
        let sample: ManifestGenerator.Sample
        let kind: WorkloadKind
        let platform: Platform
        let configuration: Configuration
        let cluster = FakeCluster()
        let manifests: ManifestSet

        init(seed: UInt64, in folder: URL) throws {
            self.seed = seed
            var numbers = RandomNumbers(seed: seed)
            kind = try #require(CheckAgreesWithAdmissionTests.kinds.randomElement(using: &numbers))
            platform = try #require(Platform.allCases.randomElement(using: &numbers))
            let type = kind.resourceType
            sample = ManifestGenerator.sample(
                of: (type.apiVersion, type.kind, kind.podPointer.tokens), using: &numbers)
            var configuration = Configuration()
            if numbers.chance(3) { configuration.namespaces.exclude = ["ai"] }
            if numbers.chance(20) { configuration.vault.role = "shared" }
            if numbers.chance(20) { configuration.externalSecrets.store = "vault" }
            if numbers.chance(20) { configuration.aws.region = "eu-central-1" }
            self.configuration = configuration

            let namesNamespace = numbers.chance(80)
            let objects = (namesNamespace ? [sample.namespace] : []) + sample.accounts + [sample.workload, sample.pod]
            let shuffled = objects.shuffled(using: &numbers)
            let isYAML = numbers.chance(50)
            let file = folder.appendingPathComponent("\(seed).\(isYAML ? "yaml" : "json")")
            let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(shuffled)]
            let documents = try shuffled.map { try YAML.text(of: $0) }
            let text = isYAML ? documents.joined(separator: "---\n") : list.serializedString()
            try text.write(to: file, atomically: false, encoding: .utf8)
            manifests = try ManifestSet(files: [file.path], defaultNamespace: "default")

            for account in sample.accounts {
                cluster.add(
                    serviceAccount: account["metadata"]?["name"]?.string ?? "",
                    account["metadata"].texts("annotations"),
                    mounts: account["automountServiceAccountToken"]?.bool)
            }
            let metadata = namesNamespace ? sample.namespace["metadata"] : nil
            cluster.addNamespace(labels: metadata.texts("labels"), annotations: metadata.texts("annotations"))
        }

        var planner: Planner { cluster.planner(on: platform, configuration) }

        func reviewed() -> [ManifestSet.ReviewedObject] {
            manifests.reviewed(facts: planner.facts, configuration: configuration)
        }
    }

    /// What an admission response says, each message once.
    private func messages(_ response: AdmissionResponse) -> Set<String> {
        var messages = Set(response.warnings.map { String($0.dropFirst("lanyard: ".count)) })
        guard let refusal = response.refusal?.message,
            let start = refusal.range(of: "lanyard.dev/policy=enforce:")?.upperBound
        else { return messages }
        for line in refusal[start...].split(separator: "\n") {
            let text = line.hasPrefix(" ") ? line.dropFirst() : line.drop { $0.isNumber }.dropFirst(2)
            messages.insert(String(text))
        }
        return messages
    }

    /// Calls the body with each of very many cases.
    private func forEachCase(_ body: (Case) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for seed in 0..<UInt64(2000) { try await body(try Case(seed: seed, in: folder)) }
    }

    @Test("of ServiceAccounts and workloads, with the same verdict")
    func agreesOnWorkloads() async throws {
        var (findings, denials) = (0, 0)
        try await forEachCase { sample in
            let validator = WorkloadValidator(planner: sample.planner, client: sample.cluster.client)
            let reviewed = sample.reviewed()
            let checked = Dictionary(reviewed.map { ($0.title, $0) }) { first, _ in first }
            let elsewhere = Set(
                reviewed.filter { $0.object.role == .serviceAccount || $0.object.role == .namespace }
                    .flatMap(\.findings).map(\.finding.message))

            let applied =
                sample.sample.accounts.map { ($0, WorkloadKind?.none) } + [(sample.sample.workload, sample.kind)]
            for (object, kind) in applied {
                let response = try await validator.review(.applying(object, kind))
                let told = messages(response)
                let name = object["metadata"]?["name"]?.string ?? ""
                let object = try #require(checked["\(kind?.rawValue ?? "ServiceAccount") ai/\(name)"])
                let review = try #require(object.review)
                let context = Comment("seed \(sample.seed), \(object.title) on \(sample.platform)")
                // What is looked for is the same, but for notes, which kubectl does not show,
                #expect(told == Set(review.findings.warnings.map(\.message)), context)
                let isDenied = review.enforcement != nil && review.isConclusive && !review.findings.errors.isEmpty
                #expect(response.allowed == !isDenied, context)
                // and of it each object has its own part in the report.
                let own = Set(object.findings.map(\.finding).warnings.map(\.message))
                #expect(own.isSubset(of: told), context)
                #expect(told.subtracting(own).isSubset(of: elsewhere), context)
                findings += told.count
                denials += isDenied ? 1 : 0
            }
        }
        #expect(findings > 10_000 && denials > 500, "\(findings) findings, \(denials) denials")
    }

    @Test("of pods, with the same verdict")
    func agreesOnPods() async throws {
        var (findings, denials, exemptions) = (0, 0, 0)
        try await forEachCase { sample in
            let request = AdmissionRequest(
                uid: "1", kind: .init(version: "v1", kind: "Pod"), resource: .init(version: "v1", resource: "pods"),
                namespace: "ai")
            let pod = PodManifest(sample.sample.pod)
            let response = try await PodMutator(planner: sample.planner, client: sample.cluster.client)
                .review(request, of: pod, replacing: nil)
            let object = try #require(sample.reviewed().first { $0.object.role == .pod })
            let review = try #require(object.review)
            let context = Comment("seed \(sample.seed) on \(sample.platform)")

            var told = Set(response.warnings.map { String($0.dropFirst("lanyard: ".count)) })
            // A note in files, a warning where kubectl shows nothing else.
            let notes = Set(told.filter { $0.hasPrefix("nothing is injected: ") })
            told.subtract(notes)
            #expect(notes == Set(object.notes), context)
            #expect(response.refusal?.message == review.denial, context)
            // Files do not tell that there is no such ServiceAccount; the API server does.
            if let refusal = response.refusal, review.isConclusive { told.insert(refusal.message) }
            let known = review.findings.warnings.map(\.problem.sentence)
            if review.isConclusive {
                #expect(told == Set(known), context)
            } else {
                #expect(told.isSubset(of: known), context)
                let denial = response.refusal?.message ?? ""
                #expect(known.allSatisfy { told.contains($0) || denial.contains($0) }, context)
            }
            #expect((response.patch == nil) == review.patch.isEmpty, context)
            #expect(Set(object.findings.map(\.problem)).isSubset(of: review.findings.map(\.problem)), context)
            findings += told.count
            denials += response.allowed ? 0 : 1
            exemptions += notes.count
        }
        #expect(findings > 4000 && denials > 200 && exemptions > 50, "\(findings), \(denials), \(exemptions)")
    }
}

extension JSONValue? {
    fileprivate func texts(_ field: String) -> [String: String] { self?[field]?.strings ?? [:] }
}
