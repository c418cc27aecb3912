import KubernetesModel
import Testing
import WorkloadIdentity

@testable import lanyard

@Suite struct ObjectArgumentTests {
    @Test(
        "KIND/NAME with a namespace is that object, NS/NAME and NAME are a ServiceAccount",
        arguments: [
            ("llm", nil, .serviceAccount, nil), ("llm", "ai", .serviceAccount, "ai"),
            ("ai/llm", nil, .serviceAccount, "ai"), ("ai/llm", "ai", .serviceAccount, "ai"),
            ("sa/llm", "ai", .serviceAccount, "ai"), ("ServiceAccounts/llm", "ai", .serviceAccount, "ai"),
            ("sa/llm", nil, .serviceAccount, "sa"), ("deployment/llm", nil, .serviceAccount, "deployment"),
            ("deployment/llm", "ai", .workload(.deployment), "ai"), ("deploy/llm", "ai", .workload(.deployment), "ai"),
            ("deployment.apps/llm", "ai", .workload(.deployment), "ai"),
            ("sts/llm", "ai", .workload(.statefulSet), "ai"),
            ("daemonsets/llm", "ai", .workload(.daemonSet), "ai"), ("cj/llm", "ai", .workload(.cronJob), "ai"),
            ("pod/llm", "ai", .workload(.pod), "ai"), ("pod/llm", "pod", .workload(.pod), "pod"),
        ] as [(String, String?, ObjectArgument.Kind, String?)])
    func reads(text: String, option: String?, kind: ObjectArgument.Kind, namespace: String?) throws {
        let object = try ObjectArgument(text, namespace: option)
        #expect(object.kind == kind && object.namespace == namespace && object.name == "llm")
        let isAccount = kind == .serviceAccount
        #expect((object.subject(in: "default") != nil) == isAccount)
        #expect(object.key(in: "default").namespace == namespace ?? "default")
    }

    @Test(
        "where only workloads are meant, a kind is one without a namespace, too, and a name is a pod's",
        arguments: [
            ("pod/llm", nil, .pod, nil), ("llm", "ai", .pod, "ai"), ("deployment/llm", nil, .deployment, nil),
        ] as [(String, String?, WorkloadKind, String?)])
    func readsWorkload(text: String, option: String?, kind: WorkloadKind, namespace: String?) throws {
        let object = try ObjectArgument(text, namespace: option, isWorkload: true)
        #expect(object.kind == .workload(kind) && object.namespace == namespace && object.name == "llm")
    }

    @Test(
        "where only workloads are meant, what stands before the slash is a kind",
        arguments: ["x/llm", "ai/llm", "x/y/z"])
    func expectsWorkload(text: String) {
        let problem = #expect(throws: UsageProblem.self) {
            try ObjectArgument(text, namespace: nil, isWorkload: true)
        }
        #expect(problem?.description.hasPrefix("\(text): name a pod or a workload") == true)
    }

    @Test(
        "what is not such a name is refused",
        arguments: [
            ("ai/llm", "other", "-n other and ai/llm name two namespaces"),
            ("deployment.example.com/llm", "ai", "name two namespaces"),
            ("ai/..", nil, "\"..\" is not usable as a ServiceAccount's name"),
            ("pod/a/b", "ai", "\"a/b\" is not usable as a Pod's name"), ("", "ai", "\"\" is not usable"),
            ("llm", "A", "\"A\" is not usable as a namespace's name"),
        ] as [(String, String?, String)])
    func refuses(text: String, option: String?, message: String) {
        let problem = #expect(throws: UsageProblem.self) { try ObjectArgument(text, namespace: option) }
        #expect(problem?.description.contains(message) == true, "\(problem?.description ?? "")")
    }
}
