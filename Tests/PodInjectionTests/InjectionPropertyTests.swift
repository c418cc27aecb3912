import GeneratedPods
import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// What holds for every pod and every ServiceAccount, tried on many that are made up. The seeds are fixed, so that a pod that
/// fails once fails again.
@Suite struct InjectionPropertyTests {
    struct Sample: CustomTestStringConvertible {
        var seed: UInt64
        var pod: JSONValue
        var account: [String: String]
        var platform: Platform

        var testDescription: String { "seed \(seed)" }

        init(seed: UInt64) {
            self.seed = seed
            var numbers = RandomNumbers(seed: seed)
            pod = PodGenerator.pod(using: &numbers)
            account = PodGenerator.annotations(using: &numbers)
            platform = Platform.allCases[Int(numbers.next() % UInt64(Platform.allCases.count))]
        }

        func injection(into pod: JSONValue? = nil, uid: String = "first") -> Injection {
            let pod = PodManifest(pod ?? self.pod)
            return Injection(of: plan(for: pod), into: pod, jitter: LifetimeJitter(reviewUID: uid))
        }

        func plan(for pod: PodManifest) -> Plan {
            var configuration = Configuration()
            configuration.aws.region = seed.isMultiple(of: 2) ? "eu-west-1" : nil
            configuration.externalSecrets.store = "vault"
            configuration.vault.allowedPaths = ["secret/data/{namespace}/**"]
            configuration.vault.audience = seed.isMultiple(of: 3) ? "vault" : nil
            return Plan(
                for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: account,
                pod: PodContext(pod: pod), facts: .offline(platform, isPublic: true), configuration: configuration)
        }
    }

    /// Many pods a test: a failure names its seed.
    static func forAll(_ check: (Sample) throws -> Void) rethrows {
        for seed in 0..<UInt64(250) { try check(Sample(seed: seed)) }
    }

    @Test("the samples are worth trying: most get something, some of them much")
    func isVaried() {
        var counts: [Int] = []
        Self.forAll { counts.append($0.injection().injected.count) }
        #expect(counts.filter { $0 > 0 }.count > counts.count / 3)
        #expect(counts.contains { $0 > 3 })
        #expect(counts.contains(0))
    }

    @Test("the patch applies, and only adds")
    func applies() {
        Self.forAll { sample in
            let patch = sample.injection().patch
            #expect(throws: Never.self, "seed \(sample.seed)") { try sample.pod.applying(patch) }
            #expect(patch.operations.allSatisfy { if case .add = $0 { true } else { false } }, "seed \(sample.seed)")
        }
    }

    @Test("applied again it changes nothing, whatever the second review's uid")
    func isIdempotent() throws {
        try Self.forAll { sample in
            let once = try sample.pod.applying(sample.injection().patch)
            let again = sample.injection(into: once, uid: "second")
            #expect(again.patch.isEmpty, "seed \(sample.seed): \(again.patch.json.serializedString())")
            #expect(again.isInPlace, "seed \(sample.seed)")
        }
    }

    @Test("everything that was in the pod is still there, and in its order")
    func keepsEverything() throws {
        try Self.forAll { sample in
            let result = try sample.pod.applying(sample.injection().patch)
            let isKept = result.contains(sample.pod)
            #expect(isKept, "seed \(sample.seed)")
        }
    }

    @Test("what is not added to is the same, byte for byte")
    func keepsBytes() throws {
        try Self.forAll { sample in
            var before = sample.pod
            var after = try sample.pod.applying(sample.injection().patch)
            before.removeWhatMayGrow()
            after.removeWhatMayGrow()
            #expect(after.serializedString() == before.serializedString(), "seed \(sample.seed)")
        }
    }

    @Test("the user's variables win: none is replaced, and none comes twice")
    func keepsVariables() throws {
        try Self.forAll { sample in
            let result = try sample.pod.applying(sample.injection().patch)
            for (old, new) in zip(sample.pod.allContainers, result.allContainers) {
                let own = Set((old["env"]?.array ?? []).compactMap { $0["name"]?.string })
                let added = (new["env"]?.array ?? []).dropFirst(old["env"]?.array?.count ?? 0)
                let names = added.compactMap { $0["name"]?.string }
                #expect(own.isDisjoint(with: names), "seed \(sample.seed)")
                #expect(Set(names).count == names.count, "seed \(sample.seed)")
                #expect(added.allSatisfy { $0["value"] != "" }, "seed \(sample.seed)")
            }
        }
    }

    @Test("what is mounted is there, once at each path, and no volume is added for nobody")
    func mountsVolumes() throws {
        try Self.forAll { sample in
            let result = try sample.pod.applying(sample.injection().patch)
            let old = (sample.pod["spec"]?["volumes"]?.array ?? []).compactMap { $0["name"]?.string }
            let volumes = (result["spec"]?["volumes"]?.array ?? []).compactMap { $0["name"]?.string }
            #expect(Set(volumes).count == volumes.count, "seed \(sample.seed)")
            let mounts = result.allContainers.map { $0["volumeMounts"]?.array ?? [] }
            let mounted = Set(mounts.joined().compactMap { $0["name"]?.string })
            #expect(mounted.isSubset(of: volumes), "seed \(sample.seed)")
            // The Vault agent's token is for the agent, which comes later.
            #expect(
                Set(volumes).subtracting(old).subtracting(["lanyard-vault-token"]).isSubset(of: mounted),
                "seed \(sample.seed)")
            for mounts in mounts {
                let paths = mounts.compactMap { $0["mountPath"]?.string }
                #expect(Set(paths).count == paths.count, "seed \(sample.seed)")
            }
        }
    }

    @Test("no name and no path depends on the pod's name")
    func ignoresName() {
        Self.forAll { sample in
            var renamed = sample.pod
            renamed["metadata"]?["name"] = "another-name"
            #expect(sample.injection(into: renamed).patch == sample.injection().patch, "seed \(sample.seed)")
        }
    }
}

// MARK: What the properties compare

extension JSONValue {
    fileprivate var allContainers: [JSONValue] {
        ["initContainers", "containers"].flatMap { self["spec"]?[$0]?.array ?? [] }
    }

    /// Whether all of another value is in this one: of objects each member, of lists each element at its place. Null is
    /// in anything; and stamps of Lanyard's own are no one else's.
    fileprivate func contains(_ other: JSONValue) -> Bool {
        let stamps = PodStamp.keys.map(\.name) + ["lanyard.dev/google-vertex-credentials"]
        return switch (self, other) {
        case (_, .null): true
        case (.object(let own), .object(let others)):
            others.allSatisfy { key, value in
                stamps.contains(key) || own[key].map { $0.contains(value) } ?? value.isNull
            }
        case (.array(let own), .array(let others)):
            own.count >= others.count && zip(own, others).allSatisfy { $0.contains($1) }
        default: self == other
        }
    }

    fileprivate mutating func removeWhatMayGrow() {
        self["metadata"]?["annotations"] = nil
        self["metadata"]?["labels"] = nil
        self["spec"]?["volumes"] = nil
        for field in ["initContainers", "containers"] {
            guard let containers = self["spec"]?[field]?.array else { continue }
            self["spec"]?[field] = .array(
                containers.map { container in
                    var container = container
                    container["env"] = nil
                    container["volumeMounts"] = nil
                    return container
                })
        }
    }
}
