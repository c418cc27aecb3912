import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// Admission sees a pod before anybody has bounded what is in it.
@Suite struct InjectionLimitTests {
    private static func plan(_ annotations: [String: String] = [:]) -> Plan {
        Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: InjectionTests.aws,
            pod: PodContext(annotations: annotations), facts: .offline(.eks, isPublic: true),
            configuration: Configuration())
    }

    @Test("a name of megabytes is not repeated in each message")
    func boundsNames() {
        let skipped = (0..<100).map { "c\($0)" }.joined(separator: ",")
        let name = String(repeating: "n", count: 1_000_000)
        let injection = Injection(
            of: Self.plan(["lanyard.dev/skip-containers": skipped]),
            into: ["spec": ["containers": [["name": .string(name)]]]])
        #expect(injection.problems.count { $0.reason == .unknownContainer } > 50)
        #expect(injection.problems.allSatisfy { $0.message.utf8.count < 1000 })
    }

    @Test("of very many problems the first hundred are told")
    func boundsProblems() {
        let containers: [JSONValue] = (0..<900).map { index in
            ["name": .string("c\(index)"), "env": [["name": "AWS_ACCESS_KEY_ID", "value": "x"]]]
        }
        let injection = Injection(of: Self.plan(), into: ["spec": ["containers": .array(containers)]])
        #expect(injection.problems.count == 100)
        #expect(!injection.injected.isEmpty)
    }

    @Test("an error is told after a hundred warnings, too")
    func keepsErrors() {
        let skipped = (0..<100).map { "c\($0)" }.joined(separator: ",")
        let injection = Injection(
            of: Self.plan(["lanyard.dev/skip-containers": skipped]),
            into: [
                "spec": ["containers": [["name": "app"]], "volumes": [["name": "aws-iam-token", "emptyDir": [:]]]]
            ])
        #expect(injection.problems.contains { $0.reason == .volumeNameTaken })
    }

    @Test("a pod with more containers than any node runs gets nothing, and is told so")
    func boundsContainers() throws {
        let containers: [JSONValue] = (0..<1001).map { ["name": .string("c\($0)")] }
        let injection = Injection(of: Self.plan(), into: ["spec": ["containers": .array(containers)]])
        #expect(injection.patch.isEmpty && injection.injected.isEmpty && injection.leftOut.count == 1)
        #expect(try #require(injection.problems.first).message.contains("more than 1000 containers"))
    }

    // MARK: Files where containers expect them

    private static let variable = "AWS_WEB_IDENTITY_TOKEN_FILE"

    private static func reasons(_ pod: JSONValue) -> Set<Problem.Reason> {
        Set(Injection(of: plan(), into: pod).problems.map(\.reason))
    }

    @Test("a volume that is too long to be looked into is of another kind, whatever it is called")
    func boundsVolumes() {
        let sources: [JSONValue] = Array(repeating: [:], count: 10_000)
        let pod = CustomFolderTests.pod(
            CustomFolderTests.container(
                [Self.variable: "/var/run/secrets/azure/tokens/aws"]),
            volumes: [["name": "azure-identity-token", "projected": ["sources": .array(sources)]]])
        #expect(Self.reasons(pod).contains(.credentialFileMissing))
        let ours: JSONValue = [["name": "aws-iam-token", "projected": ["sources": .array(sources)]]]
        #expect(Self.reasons(InjectionTests.pod(volumes: ours)).contains(.volumeNameTaken))
    }

    @Test("paths are not compared with thousands of mounts, nor if they are longer than any system takes")
    func boundsPaths() {
        func mounts(_ count: Int) -> [String: String] {
            Dictionary(uniqueKeysWithValues: (0..<count).map { ("/data/\($0)", "data") })
        }
        for (path, count, isKnown) in [
            ("/var/run/secrets/mine/token", 4096, true), ("/var/run/secrets/mine/token", 4097, false),
            ("/var/run/secrets/" + String(repeating: "a/", count: 2050) + "t", 0, false),
        ] {
            let reasons = Self.reasons(
                CustomFolderTests.pod(CustomFolderTests.container([Self.variable: path], mounts: mounts(count))))
            #expect(reasons.contains(.pathUnknown) == !isKnown, "\(path.prefix(40)), \(count)")
        }
    }

    @Test("a pod gets files in 64 folders, and the containers after that are told")
    func boundsFolders() throws {
        let containers: [JSONValue] = (0..<70).map {
            CustomFolderTests.container([Self.variable: "/var/run/secrets/f\($0)/token"], name: "c\($0)")
        }
        let pod = InjectionTests.pod(containers: containers)
        let injection = Injection(of: Self.plan(), into: pod)
        #expect(try pod.applying(injection.patch)["spec"]?["volumes"]?.array?.count == 64)
        #expect(injection.problems.count { $0.reason == .credentialFileMissing } == 6)
        #expect(injection.lacking == ["aws-bedrock"])
    }

    private static let excessive: [(what: String, pod: String)] = [
        ("1000 containers", #"{"spec":{"containers":[\#(many("{}", 1001))]}}"#),
        ("1000 containers", #"{"spec":{"initContainers":[\#(many("{}", 600))],"containers":[\#(many("{}", 401))]}}"#),
        ("1000 containers", #"{"spec":{"ephemeralContainers":[\#(many("{}", 2_400_000))]}}"#),
        ("volumes", #"{"spec":{"volumes":[\#(many("{}", 65_537))]}}"#),
        ("variables", #"{"spec":{"containers":[{"env":[\#(many(#"{"name":"a"}"#, 65_537))]}]}}"#),
        ("mounts", #"{"spec":{"containers":[{"volumeMounts":[\#(many(#"{"mountPath":"/"}"#, 65_537))]}]}}"#),
        ("variables", #"{"spec":{"containers":[{"envFrom":[\#(many("{}", 65_537))]}]}}"#),
        ("annotations", #"{"metadata":{"annotations":{\#(many(#""lanyard.dev/a":"bcdefghi""#, 30_000))}}}"#),
        ("labels", #"{"metadata":{"labels":{"lanyard.dev/a":"\#(String(repeating: "x", count: 600_000))"}}}"#),
    ]

    private static func many(_ element: String, _ count: Int) -> String {
        Array(repeating: element, count: count).joined(separator: ",")
    }

    @Test("reading ends where a pod becomes more than any cluster runs", arguments: excessive)
    func endsReading(_ what: String, _ pod: String) throws {
        let bytes = Array(pod.utf8)
        let error = #expect(throws: JSONLimitExceeded.self) { try PodManifest(parsing: bytes) }
        #expect(try #require(error).description.contains(what))
        // Nobody knows yet what its metadata says, which may come later.
        #expect(throws: JSONLimitExceeded.self) {
            try PodManifest(parsing: Array((pod.dropLast() + ",\"metadata\":7}").utf8))
        }
        // A workload's template is a pod.
        let workload = Array(#"{"spec":{"template":\#(pod)}}"#.utf8)
        #expect(throws: JSONLimitExceeded.self) { try WorkloadManifest(parsing: workload) }
        let cronJob = Array(#"{"spec":{"jobTemplate":{"spec":{"template":\#(pod)}}}}"#.utf8)
        #expect(throws: JSONLimitExceeded.self) { try WorkloadManifest(parsing: cronJob) }
    }

    @Test(
        "what is of another type than it should be never ends reading", arguments: ["1", "\"a\"", "[[]]", "{}", "null"])
    func toleratesTypes(_ value: String) throws {
        for path in [
            "", "metadata", "metadata annotations", "metadata labels", "metadata ownerReferences", "metadata name",
            "spec",
            "spec template", "spec jobTemplate", "spec jobTemplate spec", "spec jobTemplate spec template",
        ] {
            let keys = path.split(separator: " ")
            let text = keys.reduce("") { $0 + "{\"\($1)\":" } + value + String(repeating: "}", count: keys.count)
            _ = try WorkloadManifest(parsing: Array(text.utf8))
        }
    }
}
