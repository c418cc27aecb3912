import JSON
import KubernetesModel
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct PodReportTests {
    private typealias Fixture = StatusFixture

    /// The stamp of a pod, beside the current plan for AWS and Azure.
    private enum Stamp: CaseIterable {
        case all, own, both, lacking, lackingBoth
        case earlierRelease, planAlone
        case stale, staleAndLacking, none, emptied
    }

    private static let plan = Fixture.plan(Fixture.aws(and: Fixture.azure))

    private static func pod(_ stamp: Stamp) -> ObjectMetadata {
        func pod(_ injected: String?, plan: String? = plan.hash) -> ObjectMetadata {
            Fixture.pod(plan: plan, injected: injected)
        }
        return switch stamp {
        case .all: pod("aws-bedrock=irsa,azure-openai=azure-workload-identity")
        case .own: pod("aws-bedrock=own,azure-openai=own")
        case .both: pod("aws-bedrock=irsa,azure-openai=own")
        case .lacking: pod("aws-bedrock=irsa,azure-openai=lacking")
        case .lackingBoth: pod("aws-bedrock=lacking,azure-openai=lacking")
        case .earlierRelease: pod("aws-bedrock=irsa")
        case .planAlone: pod(nil)
        case .stale: pod("aws-bedrock=irsa,azure-openai=own", plan: "old")
        case .staleAndLacking: pod("aws-bedrock=lacking", plan: "old")
        case .none: pod(nil, plan: nil)
        case .emptied: pod("", plan: "")
        }
    }

    @Test(
        "a pod is as its stamp says",
        arguments: [
            (.all, .current), (.own, .current), (.both, .current),
            (.lacking, .lacking(["azure-openai"])), (.lackingBoth, .lacking(["aws-bedrock", "azure-openai"])),
            (.earlierRelease, .unknown(["azure-openai"])), (.planAlone, .unknown(["aws-bedrock", "azure-openai"])),
            (.stale, .stale), (.staleAndLacking, .stale), (.none, .notInjected), (.emptied, .notInjected),
        ] as [(Stamp, PodState)])
    private func judges(stamp: Stamp, state: PodState) {
        #expect(PodState(of: Self.pod(stamp), plan: Self.plan, isForged: false) == state)
    }

    @Test(
        "a pod without what its stamp says is not injected; one with another stamp is not asked for",
        arguments: Stamp.allCases)
    private func judgesForged(stamp: Stamp) {
        let isStale = [.stale, .staleAndLacking].contains(stamp)
        let state = PodState(of: Self.pod(stamp), plan: Self.plan, isForged: true)
        #expect(state == (isStale ? .stale : .notInjected))
    }

    @Test("a pod that is left alone on purpose is none of them, and one that nothing can be injected into no trouble")
    func leavesAlone() {
        var exempt = Fixture.pod()
        exempt.labels = ["lanyard.dev/inject": "false"]
        let plan = Fixture.plan(Fixture.aws, pod: PodContext(exempt))
        #expect(PodState(of: exempt, plan: plan, isForged: true) == nil)
        let blocked = Fixture.plan(["lanyard.dev/providers": "openai"])
        #expect(PodState(of: Fixture.pod(), plan: blocked, isForged: true) == .unserved)
        #expect(PodReport([(exempt, plan)]).total == 0)
        #expect(PodReport([(Fixture.pod(), blocked)]).shortcoming() == nil)
    }

    @Test("a report counts each kind, and names the worst first")
    func counts() {
        let pods = [Stamp.all, .own, .lacking, .earlierRelease, .stale, .none].enumerated().map { index, stamp in
            var pod = Self.pod(stamp)
            pod.name = "p\(index)"
            return pod
        }
        #expect(
            Fixture.report(pods, Self.plan).json
                == [
                    "total": 6, "current": 2, "stale": 1, "notInjected": 1, "lacking": 1, "unknown": 1,
                    "attention": [
                        ["name": "p5", "state": "NotInjected"],
                        ["name": "p2", "state": "Lacking", "providers": ["azure-openai"]],
                        ["name": "p4", "state": "Stale"],
                        ["name": "p3", "state": "Unknown", "providers": ["azure-openai"]],
                    ],
                ])
    }

    @Test("of many pods ten are named, and the others counted")
    func boundsNames() {
        let pods = (10..<35).map { Fixture.pod("p\($0)") } + [Fixture.pod("z", plan: "old")]
        let report = Fixture.report(pods, Self.plan)
        #expect(report.named.map(\.pod.name) == (10..<20).map { "p\($0)" })
        #expect(report.json["others"] == 16)
        #expect(report.shortcoming()?.message.contains("(p10, p11, p12 and 22 more)") == true)
    }

    @Test(
        "the message says what has such pods created again",
        arguments: [
            (("Deployment", "app"), "kubectl rollout restart deployment/app -n ai"),
            (("StatefulSet", "db"), "kubectl rollout restart statefulset/db -n ai"),
            (nil, "delete and create again pod/p"), (("Job", "once"), "delete and create again job/once"),
            (("CronJob", "nightly"), "wait for the next run of cronjob/nightly"),
            (("ReplicaSet", "bare"), "delete pod/p for the controller to create again"),
            (("Rollout", "argo"), "delete pod/p for the controller to create again"),
        ] as [((String, String)?, String)])
    func advises(owner: (String, String)?, advice: String) {
        let pods = [Fixture.pod("p", of: owner.map { (kind: $0.0, name: $0.1) }), Fixture.pod("q", plan: "old")]
        #expect(
            Fixture.report(pods, Self.plan).shortcoming()
                == Shortcoming(.false, "PodsNotInjected", "1 of 2 pods was created without injection (p): \(advice)"))
    }

    @Test("pods of several workloads are advised together, each once")
    func advisesTogether() {
        let owners: [(kind: String, name: String)?] = [
            ("Deployment", "a"), ("Deployment", "a"), ("DaemonSet", "b"), nil,
        ]
        let pods = owners.enumerated().map { Fixture.pod("p\($0)", of: $1) }
        #expect(
            Fixture.report(pods, Self.plan).shortcoming()?.message.hasSuffix(
                ": kubectl rollout restart deployment/a daemonset/b -n ai; delete and create again pod/p3") == true)
    }

    @Test("what a pod lacks is told with the stamp's own words on that provider")
    func explainsLacking() {
        let pod = Fixture.pod(
            "app-1", plan: Self.plan.hash, injected: "aws-bedrock=irsa,azure-openai=lacking",
            problems: [
                "StaticCredential: aws-bedrock: container app: AWS_ACCESS_KEY_ID is set",
                "StaticCredential: azure-openai: container app: AZURE_CLIENT_SECRET is set",
                "CredentialFileMissing: azure-openai: container app: AZURE_FEDERATED_TOKEN_FILE is /x; remove it",
                "and 3 more",
            ])
        #expect(
            Fixture.report([pod], Self.plan).shortcoming()
                == Shortcoming(
                    .false, "PodsLackCredentials",
                    """
                    1 of 1 pod has no credential of azure-openai that can work (app-1): azure-openai: container app: \
                    AZURE_FEDERATED_TOKEN_FILE is /x; remove it
                    """))
    }

    @Test("of a pod of an earlier release nothing is claimed")
    func reportsEarlierRelease() throws {
        let report = Fixture.report([Self.pod(.earlierRelease), Self.pod(.all)], Self.plan)
        let shortcoming = try #require(report.shortcoming())
        #expect(shortcoming.status == .unknown && shortcoming.reason == "PodsOfEarlierRelease")
        #expect(shortcoming.message.contains("azure-openai (p): ") && !shortcoming.message.contains("aws-bedrock"))
        #expect(report[.notInjected] == 0 && report.current == 1)
    }

    @Test(
        "a line of a stamp is a problem only in its form",
        arguments: [
            ("StaticCredential: m", true), ("and 3 more", false), ("lower: m", false), ("Two words: m", false),
            (": m", false), ("No\u{1B}[31m: m", false), (String(repeating: "A", count: 65) + ": m", false), ("", false),
        ])
    func readsProblems(line: String, isProblem: Bool) {
        #expect((StatusProblem(stamp: line) != nil) == isProblem)
    }

    @Test("a stamp's message is short, and nothing that a terminal would obey")
    func boundsMessages() throws {
        let problem = try #require(StatusProblem(stamp: "R: a\u{1B}[2J\u{7}b" + String(repeating: "x", count: 5000)))
        #expect(problem.message.hasPrefix("a [2J bxx") && problem.message.count == 1000)
    }
}
