import JSON
import PodInjection
import Testing
import WorkloadIdentity

@Suite struct EphemeralContainerTests {
    private static let annotations = InjectionTests.aws.merging(InjectionTests.google) { $1 }

    /// A pod that was injected as it was created, and to which containers are attached.
    private static func pod(_ containers: [JSONValue], injected annotations: [String: String]) throws -> JSONValue {
        let bare = InjectionTests.pod()
        var pod = try bare.applying(InjectionTests.inject(bare, annotations).patch)
        pod["spec"]?["ephemeralContainers"] = .array(containers)
        return pod
    }

    private static func attach(
        _ containers: [JSONValue], to attached: [JSONValue] = [], injected: [String: String] = annotations,
        now annotations: [String: String] = annotations
    ) throws -> (pod: JSONValue, injection: Injection) {
        let pod = try pod(attached + containers, injected: injected)
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations,
            pod: PodContext(pod: pod), facts: .offline(.eks), configuration: Configuration())
        let old = try Self.pod(attached, injected: injected)
        return (pod, Injection(of: plan, intoEphemeralContainersOf: pod, before: old))
    }

    @Test("a container that is attached gets variables and mounts, and nothing else of the pod changes")
    func injects() throws {
        let (pod, injection) = try Self.attach([["name": "debugger"]])
        let paths = injection.patch.json.array?.compactMap { $0["path"]?.string }
        #expect(paths == ["/spec/ephemeralContainers/0/env", "/spec/ephemeralContainers/0/volumeMounts"])
        let container = try #require(try pod.applying(injection.patch)["spec"]?["ephemeralContainers"]?.array?.first)
        #expect(
            container["env"]?.array?.compactMap { $0["name"]?.string } == [
                "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS",
                "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT",
            ])
        #expect(
            container["volumeMounts"]?.array?.compactMap { $0["name"]?.string }
                == ["aws-iam-token", "lanyard-google-vertex"])
        #expect(!injection.problems.contains { $0.reason == .podTooOld })
    }

    @Test("one that was attached before stays as it is: the API server lets nobody change it")
    func leavesAttached() throws {
        let (_, injection) = try Self.attach([["name": "second"]], to: [["name": "first"]])
        let paths = injection.patch.json.array?.compactMap { $0["path"]?.string } ?? []
        #expect(!paths.isEmpty)
        #expect(paths.allSatisfy { $0.hasPrefix("/spec/ephemeralContainers/1/") })
    }

    @Test("what the pod does not have is left out, with the way out")
    func needsVolume() throws {
        let (_, injection) = try Self.attach([["name": "debugger"]], injected: InjectionTests.aws)
        #expect(injection.injected.map(\.provider) == ["aws-bedrock"])
        let problem = try #require(injection.problems.first { $0.reason == .podTooOld })
        #expect(problem.message.hasPrefix("google-vertex: a running pod gets no volume"))
    }

    @Test("a file of the pod that says something else by now is not lent")
    func needsCurrentFile() throws {
        var changed = Self.annotations
        changed["cloud.google.com/service-account-email"] = "other@proj.iam.gserviceaccount.com"
        let (_, injection) = try Self.attach([["name": "debugger"]], now: changed)
        #expect(injection.injected.map(\.provider) == ["aws-bedrock"])
        #expect(injection.problems.contains { $0.reason == .podTooOld })
    }

    @Test("Vault's agent writes files for the containers that were there, so nothing is done or said")
    func leavesOutAgent() throws {
        let (_, injection) = try Self.attach(
            [["name": "debugger"]], injected: InjectionTests.vault, now: InjectionTests.vault)
        #expect(injection.patch.isEmpty && injection.problems.isEmpty)
    }

    @Test("an update that attaches nothing changes nothing", arguments: [[], [["name": "first"]]] as [[JSONValue]])
    func ignoresOthers(attached: [JSONValue]) throws {
        let (_, injection) = try Self.attach([], to: attached)
        #expect(injection.patch.isEmpty && injection.problems.isEmpty)
    }
}
