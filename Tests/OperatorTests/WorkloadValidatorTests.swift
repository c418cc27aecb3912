import AdmissionWebhook
import JSON
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(1))) struct WorkloadValidatorTests {
    private static let role = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"]
    private static let good = role.merging(["lanyard.dev/aws-region": "eu-central-1"]) { $1 }
    private static let bad = ["eks.amazonaws.com/role-arn": "bedrock"]
    private static let enforce = ["lanyard.dev/policy": "enforce"]

    private let cluster = FakeCluster()

    private func review(
        _ application: Application, configuration: Configuration = Configuration()
    ) async throws -> AdmissionResponse {
        try await WorkloadValidator(planner: cluster.planner(on: .eks, configuration), client: cluster.client)
            .review(application)
    }

    // MARK: What is judged

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

    @Test("every kind of workload is judged by its template", arguments: WorkloadKind.allCases.filter { $0 != .pod })
    func judges(kind: WorkloadKind) async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        let workload = JSONValue.workload(kind, template: ["lanyard.dev/foo": "bar"])
        #expect(
            try await review(.applying(workload, kind)).warnings == [
                "lanyard: \(kind.rawValue) ai/app: the pod: lanyard.dev/foo is not a key that Lanyard knows; remove it, or "
                    + "see the list of annotations in the README"
            ])
        #expect(try await review(.applying(.workload(kind), kind)).warnings.isEmpty)
    }

    private static let notJudged: [(String, @Sendable (inout Application) -> Void)] = [
        ("a deletion", { $0.request.operation = .delete }),
        ("a connection", { $0.request.operation = .connect }),
        ("a subresource", { $0.request.subResource = "scale" }),
        ("another group", { $0.request.resource.group = "apps.example.com" }),
        ("another kind", { $0.request.resource.resource = "controllerrevisions" }),
        ("a pod, which is judged as it is injected", { $0.request.resource = .init(version: "v1", resource: "pods") }),
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
        "what is not to be judged goes ahead without a word, and without a question to the API server",
        arguments: notJudged)
    fileprivate func leavesAlone(what: String, change: @Sendable (inout Application) -> Void) async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.bad)
        var application = Application.applying(.workload(.deployment, template: ["lanyard.dev/providers": "x"]))
        #expect(try await !review(application).allowed)
        let reads = cluster.reads
        change(&application)
        #expect(try await review(application) == .allowed(), "\(what)")
        #expect(cluster.reads == reads, "\(what)")
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
                "Deployment ai/app is refused, because Namespace ai is labelled lanyard.dev/policy=enforce:") == true)
    }

    @Test("what a controller makes that is not judged itself is judged")
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
        // Of the ServiceAccount's: its errors, and how its credentials arrive; but not a key that is misspelt there.
        #expect(account.filter { !workload.contains($0) }.map { $0.contains("aws-regoin") } == [true])
        #expect(workload.contains { $0.contains("/vault/secrets/openai.env") })
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
        "a ServiceAccount that is not there is a warning, and nothing is refused for it; but `default` comes by itself")
    func warnsOfAbsence() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let workload = JSONValue.workload(.deployment, template: ["lanyard.dev/providers": "openai,opnai"])
        let response = try await review(.applying(workload))
        #expect(response.allowed)
        #expect(
            response.warnings.contains(
                "lanyard: Deployment ai/app: ServiceAccount ai/llm does not exist yet, so its annotations are not known; "
                    + "create it"))
        // What the template says is known, and what comes of it is not.
        #expect(response.warnings.contains { $0.contains("opnai") })
        #expect(!response.warnings.contains { $0.contains("no usable mechanism") })

        let ofDefault = JSONValue.workload(.deployment, serviceAccount: nil)
        #expect(try await review(.applying(ofDefault)) == .allowed())
    }

    @Test(
        "pods that are to be refused without credentials are told of when their workload is applied",
        arguments: [
            ([:], [:], "ServiceAccount ai/llm asks for no provider; annotate it", false),
            (good, [:], nil, true),
            (bad, [:], nil, false),
            (
                good.merging(["lanyard.dev/inject": "false"]) { $1 }, [:],
                "ServiceAccount ai/llm is annotated lanyard.dev/inject=false", true
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
        let sentence = "its pods are labelled lanyard.dev/inject=required, so they will be refused: "
        #expect(told.contains { $0.contains(sentence + (obstacle ?? "")) } == (obstacle != nil), "\(told)")
    }

    @Test("what is left alone on purpose is not judged", arguments: ["excluded", "namespace", "account", "pod"])
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

    // MARK: Refusals

    @Test("in a strict namespace one error is refused in a sentence, and several in a list; warnings are still told")
    func refuses() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let one = try await review(
            .applying(.serviceAccount(["lanyard.dev/providers": "opnai", "lanyard.dev/x": "y"])))
        #expect(
            one.refusal?.message
                == "ServiceAccount ai/llm is refused, because Namespace ai is labelled lanyard.dev/policy=enforce: "
                + "ServiceAccount ai/llm: lanyard.dev/providers names \"opnai\", which is not a provider; did you mean openai?"
        )
        #expect(one.warnings.count == 1 && one.warnings[0].contains("lanyard.dev/x is not a key"))

        let two = try await review(.applying(.serviceAccount(["lanyard.dev/providers": "opnai, antropic"])))
        let lines = two.refusal?.message.split(separator: "\n").map(String.init) ?? []
        #expect(
            lines.first
                == "ServiceAccount ai/llm is refused, because Namespace ai is labelled lanyard.dev/policy=enforce:")
        #expect(lines.dropFirst().map { $0.prefix(3) } == ["1. ", "2. "])

        let many = (0..<100).map { "nobody\($0)" }.joined(separator: ",")
        let cut = try await review(.applying(.serviceAccount(["lanyard.dev/providers": many])))
        #expect(cut.refusal?.message.split(separator: "\n").count == 22)
        #expect(cut.refusal?.message.hasSuffix("\nand 80 more") == true)
    }

    @Test("warnings never refuse")
    func allowsWarnings() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let response = try await review(.applying(.serviceAccount(["lanyard.dev/foo": "bar"])))
        #expect(response.allowed && response.warnings.count == 1)
    }

    @Test(
        "an update is refused for what it makes worse, and for nothing else",
        arguments: [
            ("nothing changes", ["lanyard.dev/providers": "opnai"], ["lanyard.dev/providers": "opnai"], nil),
            (
                "one error more", ["lanyard.dev/providers": "opnai"], ["lanyard.dev/providers": "opnai,antropic"],
                "antropic"
            ),
            ("one error less", ["lanyard.dev/providers": "opnai,antropic"], ["lanyard.dev/providers": "opnai"], nil),
            ("one for another", ["lanyard.dev/providers": "opnai"], ["lanyard.dev/providers": "antropic"], "antropic"),
            ("a new key", [:], ["lanyard.dev/providers": "opnai"], "opnai"),
            (
                "half of what is missing", ["lanyard.dev/providers": "openai"],
                ["lanyard.dev/openai-service-account-id": "sa-1"], nil
            ),
            (
                "a malformed half", ["lanyard.dev/providers": "openai"],
                ["lanyard.dev/vault-path.openai": "/x"], "lanyard.dev/vault-path.openai is"
            ),
            (
                "another provider without a way", ["lanyard.dev/providers": "openai"],
                ["lanyard.dev/providers": "openai,anthropic"], "anthropic: no usable mechanism"
            ),
            (
                "left alone before", ["lanyard.dev/inject": "false", "lanyard.dev/providers": "opnai"],
                ["lanyard.dev/providers": "opnai"], "opnai"
            ),
            ("mended", ["lanyard.dev/providers": "opnai"], [:], nil),
        ] as [(String, [String: String], [String: String], String?)])
    func ratchets(
        change: String, before: [String: String], after: [String: String], refused: String?
    ) async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", [:])
        for (old, new, kind) in [
            (JSONValue.serviceAccount(before), JSONValue.serviceAccount(after), nil),
            (.workload(.deployment, template: before), .workload(.deployment, template: after), .deployment),
        ] as [(JSONValue, JSONValue, WorkloadKind?)] {
            let response = try await review(.applying(new, kind, replacing: old))
            #expect(response.allowed == (refused == nil), "\(change): \(response.refusal?.message ?? "")")
            if let refused { #expect(response.refusal?.message.contains(refused) == true) }
            // What was wrong before and still is, is told all the same.
            if change == "nothing changes" { #expect(response.warnings.count == 1) }
        }
    }

    @Test(
        "a workload is not refused for its ServiceAccount's old errors, but for changing to a ServiceAccount with others"
    )
    func ratchetsServiceAccounts() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.bad)
        cluster.add(serviceAccount: "other", ["lanyard.dev/providers": "openai"])
        cluster.add(serviceAccount: "good", Self.good)
        func update(_ old: String, _ new: String) async throws -> AdmissionResponse {
            try await review(
                .applying(
                    .workload(.deployment, serviceAccount: new),
                    replacing: .workload(.deployment, serviceAccount: old)))
        }
        #expect(try await update("llm", "llm").allowed)
        #expect(try await update("llm", "llm").warnings.count == 1)
        #expect(try await update("llm", "good").allowed)
        #expect(try await !update("good", "llm").allowed)
        #expect(try await !update("llm", "other").allowed)
        #expect(try await review(.applying(.workload(.deployment))).allowed == false)
    }

    @Test("an update that does not say what was before is not refused")
    func allowsUnknownPast() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let response = try await review(.applying(.serviceAccount(Self.bad), replacing: .null))
        #expect(response.allowed && response.warnings.count == 1)
    }

    // MARK: The policy

    @Test(
        "the policy is a label of the Namespace, or a label or annotation of the workload; what is misspelt is told",
        arguments: [
            (
                ["lanyard.dev/policy": "enforce"], [:], [:], [:], "Namespace ai is labelled lanyard.dev/policy=enforce",
                nil
            ),
            ([:], [:], ["lanyard.dev/policy": "enforce"], [:], "it has the annotation lanyard.dev/policy=enforce", nil),
            ([:], [:], [:], ["lanyard.dev/policy": "enforce"], "it has the label lanyard.dev/policy=enforce", nil),
            (
                ["lanyard.dev/policy": "enforced"], [:], [:], [:], nil,
                "Namespace ai: the label lanyard.dev/policy is \"enforced\" and has no effect; write \"enforce\""
            ),
            (
                [:], ["lanyard.dev/policy": "enforce"], [:], [:], nil,
                "Namespace ai: lanyard.dev/policy has no effect as an annotation; make it a label: kubectl label namespace "
                    + "ai lanyard.dev/policy=enforce"
            ),
            (
                [:], [:], ["lanyard.dev/policy": "strict"], [:], nil,
                "Deployment ai/app: the annotation lanyard.dev/policy is \"strict\" and has no effect; write \"enforce\""
            ),
            (
                ["lanyard.dev/policy": "enforce"], [:], ["lanyard.dev/policy": "warn"], [:],
                "Namespace ai is labelled lanyard.dev/policy=enforce",
                "Deployment ai/app: the annotation lanyard.dev/policy is \"warn\" and has no effect; write \"enforce\""
            ),
        ]
            as [(
                [String: String], [String: String], [String: String], [String: String], enforcement: String?,
                warning: String?
            )])
    func readsPolicy(
        namespaceLabels: [String: String], namespaceAnnotations: [String: String], annotations: [String: String],
        labels: [String: String], enforcement: String?, warning: String?
    ) async throws {
        cluster.addNamespace(labels: namespaceLabels, annotations: namespaceAnnotations)
        cluster.add(serviceAccount: "llm", Self.bad)
        let response = try await review(
            .applying(.workload(.deployment, metadata: annotations, metadataLabels: labels)))
        #expect(response.allowed == (enforcement == nil))
        if let enforcement {
            #expect(
                response.refusal?.message.hasPrefix("Deployment ai/app is refused, because \(enforcement):") == true)
        }
        let told = response.warnings.filter { $0.contains("lanyard.dev/policy") }
        #expect(told == [warning].compactMap { $0 }.map { "lanyard: \($0)" })
    }

    @Test("what has nothing to do with Lanyard is not told of a namespace's misspelt policy")
    func spareOthers() async throws {
        cluster.addNamespace(labels: ["lanyard.dev/policy": "enforced"])
        cluster.add(serviceAccount: "llm", [:])
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())
        #expect(try await review(.applying(.serviceAccount(["example.com/team": "shop"]))) == .allowed())
    }

    // MARK: What is known

    @Test("what the watch knows is enough for what is well")
    func usesStore() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())
        #expect(cluster.reads.isEmpty)
    }

    @Test("what the watch has not told of yet is read")
    func readsUnknown() async throws {
        cluster.addNamespace(labels: Self.enforce, .byServer)
        cluster.add(serviceAccount: "llm", Self.good, .byServer)
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())
        #expect(cluster.reads == ["/api/v1/namespaces/ai", "/api/v1/namespaces/ai/serviceaccounts/llm"])
        #expect(try await !review(.applying(.serviceAccount(Self.bad))).allowed)
    }

    @Test("nothing is said or refused on account of what has been mended since the watch told of it")
    func looksAgain() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.bad, .byWatch)
        cluster.add(serviceAccount: "llm", Self.good, .byServer)
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())

        cluster.addNamespace(labels: Self.enforce, .byWatch)
        cluster.addNamespace(.byServer)
        let response = try await review(.applying(.serviceAccount(Self.bad)))
        #expect(response.allowed && response.warnings.count == 1)
    }

    @Test("if the API server does not answer there is no verdict, and the failurePolicy decides")
    func throwsIfDown() async throws {
        let down = FakeCluster(isDown: true)
        let validator = WorkloadValidator(planner: down.planner(), client: down.client)
        await #expect(throws: (any Error).self) {
            try await validator.review(.applying(.workload(.deployment)))
        }
        down.addNamespace(labels: Self.enforce, .byWatch)
        down.add(serviceAccount: "llm", Self.good, .byWatch)
        #expect(try await validator.review(.applying(.workload(.deployment))) == .allowed())
        down.add(serviceAccount: "llm", Self.bad, .byWatch)
        await #expect(throws: (any Error).self) {
            try await validator.review(.applying(.workload(.deployment)))
        }
    }

    // MARK: Any input

    @Test("whatever stands anywhere in an object, there is an answer")
    func survivesAnything() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.good)
        var owned = JSONValue.workload(
            .deployment, metadata: Self.enforce, template: Self.good,
            containers: [
                ["name": "app", "env": [["name": "A", "value": "b"]], "envFrom": [["secretRef": ["name": "s"]]]]
            ])
        owned.own(by: "apps/v1", "Nothing")
        let values: [JSONValue] = [.null, true, -1, "", "\u{0}\u{2028}", [], [[]], [:], ["": .null]]
        let validator = WorkloadValidator(planner: cluster.planner(), client: cluster.client)
        for value in values {
            for broken in owned.replacingEach(with: value) {
                _ = try await validator.review(.applying(broken))
                _ = try await validator.review(.applying(owned, replacing: broken))
            }
        }
    }

    @Test("an object with very many keys, names or containers is judged in time")
    func survivesMuch() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.good)
        // The API server lets 256 KiB of annotations through, and objects of some MiB.
        let keys = Dictionary(uniqueKeysWithValues: (0..<4_000).map { ("lanyard.dev/aws-regio\($0)", "x") })
        let names = (0..<20_000).map { "n\($0)" }.joined(separator: ",")
        let containers = (0..<5_000).map { number -> JSONValue in
            ["name": .string("c\(number)"), "env": [["name": "AWS_ACCESS_KEY_ID", "value": "x"]]]
        }
        for workload in [
            .workload(.deployment, metadata: keys, template: keys),
            .workload(.deployment, template: ["lanyard.dev/providers": names]),
            .workload(.deployment, template: ["lanyard.dev/include-containers": names]),
        ] as [JSONValue] {
            _ = try await review(.applying(workload))
        }
        await #expect(throws: JSONLimitExceeded("the pod has more than 1000 containers")) {
            try await review(.applying(.workload(.deployment, containers: containers)))
        }
    }
}

// MARK: - Fixtures

/// What the API server asks about an object that is applied.
private struct Application: Sendable {
    var request: AdmissionRequest
    var object: JSONValue?
    var oldObject: JSONValue?

    /// - Parameters:
    ///   - kind: of the workload; `nil` for a ServiceAccount.
    ///   - old: what is updated; `nil` for a creation.
    static func applying(_ object: JSONValue, _ kind: WorkloadKind?, replacing old: JSONValue? = nil) -> Application {
        let judged = JudgedResource.all.first { $0.kind == kind.map { .workload($0) } ?? .serviceAccount }
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "", kind: ""),
            resource: .init(
                group: judged?.group ?? "", version: judged?.versions[0] ?? "", resource: judged?.name ?? ""),
            namespace: "ai", operation: old == nil ? .create : .update)
        return Application(request: request, object: object, oldObject: old)
    }

    /// A Deployment, or what has no `spec`: a ServiceAccount.
    static func applying(_ object: JSONValue, replacing old: JSONValue? = nil) -> Application {
        applying(object, object["kind"] == "ServiceAccount" ? nil : .deployment, replacing: old)
    }
}

extension AdmissionRequest {
    fileprivate func asked(by user: String) -> AdmissionRequest {
        AdmissionRequest(
            uid: uid, kind: kind, resource: resource, subResource: subResource, name: name, namespace: namespace,
            operation: operation, dryRun: dryRun, username: user)
    }
}

extension WorkloadValidator {
    fileprivate func review(_ application: Application) async throws -> AdmissionResponse {
        func read(_ object: JSONValue?) throws -> WorkloadManifest? {
            try object.map { try WorkloadManifest(parsing: $0.serialized()) }
        }
        return try await review(
            application.request, of: try read(application.object), replacing: try read(application.oldObject))
    }
}

extension JSONValue {
    fileprivate static func serviceAccount(_ annotations: [String: String]) -> JSONValue {
        [
            "kind": "ServiceAccount",
            "metadata": ["name": "llm", "namespace": "ai", "annotations": .object(JSONObject(annotations))],
        ]
    }

    fileprivate static func workload(
        _ kind: WorkloadKind, serviceAccount: String? = "llm", metadata: [String: String] = [:],
        metadataLabels: [String: String] = [:], template: [String: String] = [:], labels: [String: String] = [:],
        containers: [JSONValue] = [["name": "app", "image": "app:1"]]
    ) -> JSONValue {
        var pod: JSONValue = [
            "metadata": ["annotations": .object(JSONObject(template)), "labels": .object(JSONObject(labels))],
            "spec": ["containers": .array(containers)],
        ]
        if let serviceAccount { pod.set("spec", "serviceAccountName", .string(serviceAccount)) }
        for step in kind.podPointer.tokens.reversed() { pod = [step: pod] }
        pod["metadata"] = [
            "name": "app", "namespace": "ai", "annotations": .object(JSONObject(metadata)),
            "labels": .object(JSONObject(metadataLabels)),
        ]
        return pod
    }

    fileprivate mutating func set(_ field: String, _ member: String, _ value: JSONValue) {
        var object = self[field] ?? [:]
        object[member] = value
        self[field] = object
    }

    fileprivate mutating func own(by apiVersion: String, _ kind: String) {
        set(
            "metadata", "ownerReferences",
            [
                [
                    "apiVersion": .string(apiVersion), "kind": .string(kind), "name": "owner", "uid": "1",
                    "controller": true,
                ]
            ])
    }

    /// This value with each of its parts, and then itself, replaced.
    fileprivate func replacingEach(with value: JSONValue) -> [JSONValue] {
        var variants: [JSONValue] = [value]
        if let members = object {
            for (key, member) in members {
                for variant in member.replacingEach(with: value) {
                    var copy = members
                    copy[key] = variant
                    variants.append(.object(copy))
                }
            }
        } else if let elements = array {
            for index in elements.indices {
                for variant in elements[index].replacingEach(with: value) {
                    var copy = elements
                    copy[index] = variant
                    variants.append(.array(copy))
                }
            }
        }
        return variants
    }
}
