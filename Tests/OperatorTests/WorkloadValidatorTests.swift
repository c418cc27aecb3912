import AdmissionWebhook
import JSON
import KubernetesModel
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct WorkloadValidatorTests: ReviewsApplications {
    let cluster = FakeCluster()

    // MARK: What is validated

    @Test("a ServiceAccount is told all that is wrong with it, the worst first, and is applied")
    func tellsServiceAccount() async throws {
        cluster.addNamespace()
        let annotations = Self.bad.merging(["lanyard.dev/aws-regoin": "x", "lanyard.dev/skip-containers": "a"]) { $1 }
        let response = try await review(.applying(.serviceAccount(annotations)))
        #expect(response.allowed)
        #expect(
            response.warnings == [
                "lanyard: ServiceAccount ai/llm: eks.amazonaws.com/role-arn is \"bedrock\"; write an IAM role's ARN, such "
                    + "as \"arn:aws:iam::111122223333:role/NAME\"",
                "lanyard: ServiceAccount ai/llm: lanyard.dev/aws-regoin is not a key that Lanyard knows; did you mean "
                    + "lanyard.dev/aws-region?",
                "lanyard: ServiceAccount ai/llm: lanyard.dev/skip-containers has no effect here; put it on the pod (in a "
                    + "workload: spec.template.metadata.annotations)",
            ])
    }

    @Test("every kind of workload is validated by its template", arguments: WorkloadKind.allCases.filter { $0 != .pod })
    func judges(kind: WorkloadKind) async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        let workload = JSONValue.workload(kind, template: ["lanyard.dev/foo": "bar"])
        #expect(
            try await review(.applying(workload, kind)).warnings == [
                "lanyard: \(kind.rawValue) ai/app: the pod: lanyard.dev/foo is not a key that Lanyard knows; remove it, or "
                    + "see the list in docs/annotations.md"
            ])
        #expect(try await review(.applying(.workload(kind), kind)).warnings.isEmpty)
    }

    private static let notJudged: [(String, @Sendable (inout Application) -> Void)] = [
        ("a deletion", { $0.request.operation = .delete }),
        ("a connection", { $0.request.operation = .connect }),
        ("a subresource", { $0.request.subResource = "scale" }),
        ("another group", { $0.request.resource.group = "apps.example.com" }),
        ("another kind", { $0.request.resource.resource = "controllerrevisions" }),
        (
            "a pod, which is reviewed as it is injected",
            { $0.request.resource = .init(version: "v1", resource: "pods") }
        ),
        (
            "an object that is being deleted",
            { $0.object?.set("metadata", "deletionTimestamp", "2026-11-21T00:00:00Z") }
        ),
        (
            "what a Deployment makes",
            {
                $0.object?.own(by: "apps/v1", "Deployment")
                $0.request = $0.request.asked(by: "system:serviceaccount:kube-system:deployment-controller")
            }
        ),
        (
            "what a CronJob makes",
            {
                $0.object?.own(by: "batch/v1beta1", "CronJob")
                $0.request = $0.request.asked(by: "system:kube-controller-manager")
            }
        ),
        ("no object", { $0.object = nil }),
        ("an object that is a text", { $0.object = "Deployment" }),
        ("an object without metadata", { $0.object?["metadata"] = nil }),
        ("metadata that is a list", { $0.object?["metadata"] = [] }),
        ("a workload without a template", { $0.object?["spec"] = ["template": "x"] }),
        ("no namespace", { $0.request.namespace = "" }),
    ]

    @Test(
        "what is not to be validated is admitted without a word, and without a question to the API server",
        arguments: notJudged)
    func leavesAlone(what: String, change: @Sendable (inout Application) -> Void) async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.bad)
        var application = Application.applying(.workload(.deployment, template: ["lanyard.dev/providers": "x"]))
        #expect(try await !review(application).allowed)
        let reads = cluster.reads
        change(&application)
        #expect(try await review(application) == .allowed(), "\(what)")
        #expect(cluster.reads == reads, "\(what)")
    }

    /// Defect B14.
    @Test(
        "a workload that expects a credential which pods do not have is told how to ask for one, though it asks for nothing"
    )
    func tellsOfOtherWays() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", [:])
        let container: JSONValue = [
            "name": "app", "env": [["name": "OCI_RESOURCE_PRINCIPAL_VERSION", "value": "2.2"]],
        ]
        let response = try await review(.applying(.workload(.deployment, containers: [container])))
        #expect(response.allowed && response.warnings.count == 1, "\(response.warnings)")
        #expect(response.warnings.first?.contains("lanyard.dev/providers: oracle-genai") == true)
    }

    /// Attack D6.
    @Test(
        "an owner that somebody else writes exempts from nothing",
        arguments: [
            "", "alice", "system:serviceaccount:ai:deployment-controller", "system:serviceaccount:kube-system:default",
            "system:serviceaccount:kube-system-controller",
        ])
    func judgesForgedOwner(user: String) async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.good)
        var application = Application.applying(.workload(.deployment, template: ["lanyard.dev/providers": "x"]))
        application.object?.own(by: "apps/v1", "Deployment")
        application.request = application.request.asked(by: user)
        #expect(
            try await review(application).refusal?.message.hasPrefix(
                "Deployment ai/app is denied, because Namespace ai is labelled lanyard.dev/policy=enforce:") == true)
    }

    @Test("what a controller makes that is not validated itself is validated")
    func judgesForeignControllers() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        for (version, kind) in [("argoproj.io/v1alpha1", "Rollout"), ("example.com/v1", "Deployment"), ("v1", "Node")] {
            var workload = JSONValue.workload(.replicaSet, template: ["lanyard.dev/foo": "bar"])
            workload.own(by: version, kind)
            #expect(try await review(.applying(workload, .replicaSet)).warnings.count == 1, "\(kind)")
        }
    }

    @Test("an object to be named by the API server is called by the beginning of its name")
    func namesGenerated() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        var workload = JSONValue.workload(.job, template: ["lanyard.dev/foo": "bar"])
        workload["metadata"] = ["generateName": "train-"]
        let warnings = try await review(.applying(workload, .job)).warnings
        #expect(warnings.first?.hasPrefix("lanyard: Job ai/train-: the pod") == true)
    }

    // MARK: Whose problems

    @Test(
        "a workload tells its own problems and what leaves its pods without credentials, in the ServiceAccount's words")
    func dividesProblems() async throws {
        cluster.addNamespace()
        let annotations = Self.bad.merging([
            "lanyard.dev/aws-regoin": "x", "lanyard.dev/vault-path.openai": "secret/data/openai",
            "lanyard.dev/vault-role": "llm",
        ]) { $1 }
        cluster.add(serviceAccount: "llm", annotations)
        let account = try await review(.applying(.serviceAccount(annotations))).warnings
        let workload = try await review(
            .applying(
                .workload(
                    .deployment, metadata: ["lanyard.dev/aws-region": "x"], template: ["lanyard.dev/foo": "bar"]))
        ).warnings
        let own = workload.filter { !account.contains($0) }
        #expect(own.map { $0.prefix(60) }.allSatisfy { $0.hasPrefix("lanyard: Deployment ai/app: ") })
        #expect(own.count == 2)
        #expect(
            own.contains { $0.contains("lanyard.dev/foo") } && own.contains { $0.contains("the Deployment itself") })
        // Of the ServiceAccount's: its errors, but not a key that is misspelt there. What the application has to do is a note.
        #expect(account.filter { !workload.contains($0) }.map { $0.contains("aws-regoin") } == [true])
        #expect(!(account + workload).contains { $0.contains("/vault/secrets/openai.env") })
    }

    @Test("a key on the workload itself is sent to where it has an effect")
    func sendsElsewhere() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        let keys = [
            "eks.amazonaws.com/role-arn": "x", "lanyard.dev/aws-region": "x", "lanyard.dev/skip-containers": "x",
        ]
        let warnings = try await review(.applying(.workload(.deployment, metadata: keys))).warnings
        let start = "lanyard: Deployment ai/app: "
        let middle = "has no effect on the Deployment itself; put it on"
        #expect(
            warnings == [
                "\(start)eks.amazonaws.com/role-arn \(middle) ServiceAccount ai/llm",
                "\(start)lanyard.dev/aws-region \(middle) spec.template.metadata.annotations, or on ServiceAccount ai/llm",
                "\(start)lanyard.dev/skip-containers \(middle) spec.template.metadata.annotations",
            ])
    }

    @Test("what a container has that spoils its credentials is told")
    func judgesContainers() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        let workload = JSONValue.workload(
            .statefulSet,
            containers: [["name": "app", "env": [["name": "AWS_ACCESS_KEY_ID", "value": "AKIA"]]]])
        #expect(
            try await review(.applying(workload, .statefulSet)).warnings == [
                "lanyard: StatefulSet ai/app: aws-bedrock: container app: AWS_ACCESS_KEY_ID is set, and the SDK uses it in "
                    + "place of the identity; remove it"
            ])
    }

    @Test(
        "a ServiceAccount that is not there is a warning, and nothing is denied for it; but `default` comes by itself")
    func warnsOfAbsence() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let workload = JSONValue.workload(.deployment, template: ["lanyard.dev/providers": "openai,opnai"])
        let response = try await review(.applying(workload))
        #expect(response.allowed)
        #expect(
            response.warnings.contains(
                "lanyard: Deployment ai/app: ServiceAccount ai/llm was not found, so nothing can be injected; add its manifest"
            ))
        // What the template says is known, and what comes of it is not.
        #expect(response.warnings.contains { $0.contains("opnai") })
        #expect(!response.warnings.contains { $0.contains("no usable mechanism") })

        let ofDefault = JSONValue.workload(.deployment, serviceAccount: nil)
        #expect(try await review(.applying(ofDefault)) == .allowed())
    }

    @Test(
        "pods that will be denied without credentials are told of when their workload is applied",
        arguments: [
            ([:], [:], "ServiceAccount ai/llm asks for no provider; annotate it", false),
            (good, [:], nil, true),
            (bad, [:], nil, false),
            (
                good.merging(["lanyard.dev/inject": "false"]) { $1 }, [:],
                "ServiceAccount ai/llm is annotated lanyard.dev/inject=false", false
            ),
            (good, ["lanyard.dev/skip-containers": "app"], "aws-bedrock cannot be injected into them", false),
        ] as [([String: String], [String: String], String?, Bool)])
    func judgesRequirement(
        annotations: [String: String], template: [String: String], obstacle: String?, isAllowed: Bool
    ) async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", annotations)
        let workload = JSONValue.workload(
            .deployment, template: template, labels: ["lanyard.dev/inject": "required"])
        let response = try await review(.applying(workload))
        #expect(response.allowed == isAllowed)
        let told = response.warnings + [response.refusal?.message].compactMap { $0 }
        let sentence = "its pods are labelled lanyard.dev/inject=required, so they will be "
        #expect(told.contains { $0.contains(sentence) && $0.contains(obstacle ?? "") } == (obstacle != nil), "\(told)")
    }

    @Test("what is left alone on purpose is not validated", arguments: ["excluded", "namespace", "account", "pod"])
    func respectsExemptions(by place: String) async throws {
        let off = ["lanyard.dev/inject": "false"]
        cluster.addNamespace(labels: Self.enforce.merging(place == "namespace" ? off : [:]) { $1 })
        let annotations = Self.bad.merging(place == "account" ? off : [:]) { $1 }
        cluster.add(serviceAccount: "llm", annotations)
        var configuration = Configuration()
        if place == "excluded" { configuration.namespaces.exclude = ["ai"] }
        let workload = JSONValue.workload(
            .deployment, metadata: ["lanyard.dev/aws-region": "x"], template: ["lanyard.dev/foo": "bar"],
            labels: place == "pod" ? off : [:])
        #expect(try await review(.applying(workload), configuration: configuration) == .allowed())
        if place != "pod" {
            #expect(
                try await review(.applying(.serviceAccount(annotations)), configuration: configuration) == .allowed())
        }
    }
}
