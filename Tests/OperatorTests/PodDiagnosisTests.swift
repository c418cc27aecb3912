import Foundation
import JSON
import KubernetesModel
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

/// Each thing that keeps a pod from its credentials, and what is said of it.
@Suite struct PodDiagnosisTests {
    private typealias Fixture = StatusFixture

    private static let made = Timestamp(seconds: 1_700_000_000)
    private static let before = Timestamp(seconds: 1_600_000_000)
    private static let after = Timestamp(seconds: 1_800_000_000)
    private static let deployment = OwnerReference(
        apiVersion: "apps/v1", kind: "Deployment", name: "app", uid: "d", isController: true)
    private static let restart = "kubectl rollout restart deployment/app -n ai"

    private static func registration(at created: Timestamp = before, caBundle: [UInt8] = [1])
        -> PodObservation.Registration
    {
        var webhook = RegisteredWebhook(name: "pod-injector.lanyard.dev")
        webhook.caBundle = caBundle
        var metadata = ObjectMetadata(name: "pod-injector.lanyard.dev")
        metadata.creationTimestamp = created
        return PodObservation.Registration(MutatingWebhookConfiguration(metadata: metadata, webhooks: [webhook]))
    }

    private static let aws = Fixture.aws(and: ["lanyard.dev/aws-region": "eu-central-1"])

    /// - Parameters:
    ///   - annotations: the ServiceAccount's.
    ///   - spec: of the pod's only container, beside its name.
    ///   - isInjected: whether the webhook saw the pod.
    private static func observation(
        _ annotations: [String: String] = aws, container: JSONValue = [:], volumes: JSONValue = [],
        labels: [String: String] = [:], namespace: String = "ai", isInjected: Bool = true
    ) throws -> PodObservation {
        var container = container
        container["name"] = "app"
        var pod: JSONValue = [
            "metadata": [
                "name": "p", "namespace": .string(namespace), "uid": "u", "labels": .object(JSONObject(labels)),
                "creationTimestamp": .string(made.description),
            ],
            "spec": ["serviceAccountName": "llm", "containers": [container], "volumes": volumes],
        ]
        let plan = Plan(
            for: Subject(namespace: namespace, serviceAccount: "llm"), serviceAccount: annotations,
            pod: PodContext(pod: PodManifest(pod)), facts: Fixture.facts, configuration: Configuration())
        if isInjected { try pod.apply(Injection(of: plan, into: PodManifest(pod)).patch) }
        var observation = PodObservation(pod: pod, facts: Fixture.facts, configuration: Configuration())
        var account = ObjectMetadata(name: "llm", namespace: namespace)
        account.annotations = annotations
        observation.account = .found(ServiceAccount(metadata: account))
        observation.accountChanged = before
        observation.namespaceLabels = [:]
        observation.registration = .found(registration())
        observation.isOperatorAlive = true
        observation.origin = deployment
        return observation
    }

    private static func state(_ container: JSONValue) -> JSONValue {
        var status = container
        status["name"] = "app"
        return ["phase": "Pending", "containerStatuses": [status]]
    }

    private static func report(_ status: JSONValue) throws -> WorkloadIdentityObject {
        let object: JSONValue = ["metadata": ["name": "llm", "namespace": "ai"], "status": status]
        return try WorkloadIdentityObject(parsing: object.serialized())
    }

    /// A pod, and the likeliest cause of its trouble.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var standing: String
        /// `nil`: there is none.
        var cause: Cause.Kind?
        var message = ""
        var next = ""
        var observation: @Sendable () throws -> PodObservation

        init(
            _ description: String, _ standing: String, _ cause: Cause.Kind?, _ message: String = "", next: String = "",
            _ observation: @escaping @Sendable () throws -> PodObservation
        ) {
            testDescription = description
            (self.standing, self.cause, self.message, self.next) = (standing, cause, message, next)
            self.observation = observation
        }
    }

    private static func changed(
        _ observation: PodObservation, _ change: (inout PodObservation) throws -> Void
    ) rethrows -> PodObservation {
        var observation = observation
        try change(&observation)
        return observation
    }

    private static let ofServiceAccount: [Case] = [
        Case("as it should be", "Current", nil) { try observation() },
        Case("no ServiceAccount", "ServiceAccountUnknown", .serviceAccountNotFound, "there is no ServiceAccount ai/llm")
        {
            try changed(observation()) { $0.account = .absent }
        },
        Case(
            "a ServiceAccount that may not be read", "ServiceAccountUnknown", .notKnown,
            "ServiceAccount ai/llm cannot be read"
        ) { try changed(observation()) { $0.account = .unread } },
        Case("a static pod", "ServiceAccountUnknown", .exempt, "a pod without a ServiceAccount") {
            try changed(observation()) {
                $0.subject = nil
                $0.account = .unread
            }
        },
        Case(
            "nothing is asked for", "NotAsked", .notAsked, "ServiceAccount ai/llm asks for no provider",
            next: "lanyard explain PROVIDER ai/llm"
        ) { try observation([:]) },
        Case(
            "another name of a provider is asked for", "NotAsked", .notAsked,
            "ServiceAccount ai/llm asks for no provider; lanyard.dev/providers names \"bedrok\""
        ) { try observation(["lanyard.dev/providers": "bedrok"]) },
        Case(
            "the namespace is left alone", "Exempt", .exempt, "nothing is injected, since namespace ai is labelled",
            next: "kubectl label namespace ai lanyard.dev/inject-, then \(restart)"
        ) { try changed(observation(isInjected: false)) { $0.namespaceLabels = ["lanyard.dev/inject": "false"] } },
        Case(
            "the pod is left alone", "Exempt", .exempt, "nothing is injected, since the pod is labelled",
            next: "remove lanyard.dev/inject from the pod's template, then \(restart)"
        ) { try observation(labels: ["lanyard.dev/inject": "false"]) },
        Case(
            "the namespace is excluded", "Exempt", .exempt,
            "nothing is injected, since namespace kube-system is excluded",
            next: "take kube-system out of namespaces.exclude"
        ) { try observation(namespace: "kube-system") },
        Case(
            "a provider without a way", "Blocked", .blocked, "openai: no usable mechanism on eks",
            next: "lanyard explain ai/llm"
        ) { try observation(["lanyard.dev/providers": "openai"]) },
    ]

    private static let ofInjection: [Case] = [
        Case(
            "not registered", "NotInjected", .notInjected, "Lanyard's webhook is not registered",
            next: "kubectl get mutating"
        ) {
            try changed(observation(isInjected: false)) { $0.registration = .absent }
        },
        Case("registered without certificates", "NotInjected", .notInjected, "Lanyard's webhook is registered without")
        {
            try changed(observation(isInjected: false)) { $0.registration = .found(registration(caBundle: [])) }
        },
        Case(
            "older than the webhook", "NotInjected", .notInjected, "the pod was created before Lanyard's webhook",
            next: restart
        ) { try changed(observation(isInjected: false)) { $0.registration = .found(registration(at: after)) } },
        Case(
            "older than the annotation", "NotInjected", .notInjected,
            "the pod was created without injection; its ServiceAccount was changed after that", next: restart
        ) { try changed(observation(isInjected: false)) { $0.accountChanged = after } },
        Case(
            "while no webhook answered", "NotInjected", .notInjected,
            "the pod was created without injection: most likely no replica of Lanyard answered then", next: restart
        ) { try observation(isInjected: false) },
        Case(
            "and none answers now", "NotInjected", .notInjected,
            "the pod was created without injection: most likely no replica of Lanyard answered then, and none does now",
            next: "kubectl get pods -n lanyard-system; then \(restart)"
        ) { try changed(observation(isInjected: false)) { $0.isOperatorAlive = false } },
        Case("a copied stamp", "NotInjected", .notInjected, "the pod lacks what its stamp says") {
            try changed(observation()) {
                let annotations = $0.pod["metadata"]?["annotations"]
                $0 = try observation(isInjected: false)
                $0.pod["metadata"]?["annotations"] = annotations
            }
        },
        Case("an earlier plan", "Stale", .stale, "the pod was created before what it gets was changed", next: restart) {
            try changed(observation()) {
                let later = try observation(Fixture.aws(and: ["lanyard.dev/aws-region": "us-east-1"]))
                $0.account = later.account
            }
        },
        Case("an earlier plan, with another audience", "Stale", .stale) {
            try changed(observation()) { $0.configuration.aws.audience = "sts.example.com" }
        },
        Case("the operator knows that the plan is another", "Stale", .stale) {
            try changed(observation()) {
                $0.report = try report(["pods": ["attention": [["name": "p", "state": "Stale"]]]])
            }
        },
        Case("the operator knows that the plan is this one", "Current", nil) {
            try changed(observation()) {
                $0.configuration.aws.audience = "sts.example.com"
                $0.report = try report(["pods": ["total": 1, "current": 1]])
            }
        },
        Case("no operator", "Current", .operatorAway, "no operator is alive") {
            try changed(observation()) { $0.isOperatorAlive = false }
        },
        Case("what the operator says beside", "Current", .reported, "aws-bedrock: SecretSyncedError: not found") {
            try changed(observation()) {
                $0.report = try report([
                    "providers": [["name": "aws-bedrock", "ready": false, "message": "SecretSyncedError: not found"]]
                ])
            }
        },
    ]

    private static let ofContainers: [Case] = [
        Case(
            "a stored key", "Current", .storedCredential, "aws-bedrock: container app: AWS_ACCESS_KEY_ID is set",
            next: "kubectl set env deployment/app -n ai -c app AWS_ACCESS_KEY_ID-"
        ) { try observation(container: ["env": [["name": "AWS_ACCESS_KEY_ID", "value": "AKIA"]]]) },
        Case(
            "a stored key of a pod that nobody can change", "Current", .storedCredential,
            "aws-bedrock: container app: ",
            next: "take AWS_ACCESS_KEY_ID out of the pod's template, then delete and create again pod/p"
        ) {
            try changed(observation(container: ["env": [["name": "AWS_ACCESS_KEY_ID", "value": "AKIA"]]])) {
                $0.origin = nil
            }
        },
        Case(
            "a stored key of a Secret", "Current", .storedCredential,
            "aws-bedrock: container app: AWS_ACCESS_KEY_ID is set",
            next: "take AWS_ACCESS_KEY_ID out of what envFrom names, then \(restart)"
        ) {
            try changed(observation(container: ["envFrom": [["secretRef": ["name": "app"]]]])) {
                $0.keys = [EnvironmentSource(.secret, named: "app"): ["AWS_ACCESS_KEY_ID"]]
            }
        },
        Case(
            "a Secret that may not be looked at", "Current", .doubt,
            "aws-bedrock: container app: what Secret app in envFrom"
        ) {
            try observation(container: ["envFrom": [["secretRef": ["name": "app"]]]])
        },
        Case(
            "a file that is not there", "Lacking", .noCredential,
            "aws-bedrock: container app: AWS_WEB_IDENTITY_TOKEN_FILE is /app/token, where nothing puts a token"
        ) { try observation(container: ["env": [["name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/app/token"]]]) },
        Case(
            "a volume of the same name", "Lacking", .noCredential,
            "aws-bedrock: the pod has a volume aws-iam-token of other content"
        ) { try observation(volumes: [["name": "aws-iam-token", "emptyDir": [:]]]) },
        Case(
            "a mount over the token", "Current", .noCredential,
            "aws-bedrock: container app: /var/run/secrets/eks.amazonaws.com/serviceaccount/token: the volume other, "
        ) {
            let path = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
            return try observation(
                container: ["volumeMounts": [["name": "other", "mountPath": .string(path)]]],
                volumes: [["name": "other", "emptyDir": [:]]])
        },
    ]

    private static let ofStart: [Case] = [
        Case(
            "no node", "Current", .unschedulable, "no node takes the pod: 0/3 nodes",
            next: "kubectl describe pod p -n ai"
        ) {
            try changed(observation()) {
                $0.pod["status"] = [
                    "conditions": [["type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"]]
                ]
            }
        },
        Case(
            "a Secret that is not there", "Current", .notStarted,
            "container app waits: CreateContainerConfigError: secret"
        ) {
            try changed(observation()) {
                $0.pod["status"] = state([
                    "state": ["waiting": ["reason": "CreateContainerConfigError", "message": "secret \"x\" not found"]]
                ])
            }
        },
        Case("a volume that cannot be mounted", "Current", .notStarted, "FailedMount: MountVolume.SetUp failed") {
            try changed(observation()) {
                $0.pod["status"] = state(["state": ["waiting": ["reason": "ContainerCreating"]]])
                $0.events = [
                    PodEvent(["type": "Warning", "reason": "FailedMount", "message": "MountVolume.SetUp failed"])
                ]
            }
        },
        Case("too little memory", "Current", .outOfMemory, "container app was killed for lack of memory") {
            try changed(observation()) {
                $0.pod["status"] = state([
                    "state": ["running": [:]], "restartCount": 3,
                    "lastState": ["terminated": ["reason": "OOMKilled", "exitCode": 137]],
                ])
            }
        },
        Case(
            "a program that ends", "Current", .restarts,
            "container app waits: CrashLoopBackOff, ended before with 1 (Error), 3 restarts: its log says why",
            next: "kubectl logs p -n ai -c app --previous"
        ) {
            try changed(observation()) {
                $0.pod["status"] = state([
                    "state": ["waiting": ["reason": "CrashLoopBackOff"]], "restartCount": 3,
                    "lastState": ["terminated": ["reason": "Error", "exitCode": 1, "message": "token eyJ"]],
                ])
            }
        },
        Case("a program that ends, with a key that wins", "Current", .storedCredential) {
            try changed(observation(container: ["env": [["name": "AWS_ACCESS_KEY_ID", "value": "AKIA"]]])) {
                $0.pod["status"] = state([
                    "state": ["waiting": ["reason": "CrashLoopBackOff"]], "restartCount": 3,
                    "lastState": ["terminated": ["reason": "Error", "exitCode": 1]],
                ])
            }
        },
    ]

    private static func tried(_ verdict: Verdict, _ observation: PodObservation) -> PodObservation {
        changed(observation) {
            $0.trials = [TrialResult(provider: "aws-bedrock", mechanism: .irsa, verdict: verdict)]
        }
    }

    private static let denial = Verdict.denied("RoleNotFound", "there is no such role", fix: "aws iam get-role")

    private static let ofTrust: [Case] = [
        Case("a role that is not there", "Current", .notTrusted, "aws-bedrock: RoleNotFound: there is", next: "aws iam")
        { tried(denial, try observation()) },
        Case("a denial without a command", "Current", .notTrusted, next: "lanyard explain aws-bedrock ai/llm") {
            tried(.denied("RoleNotFound", ""), try observation())
        },
        Case("no way to the provider from here", "Current", nil) {
            tried(.failed("Unreachable", "no egress"), try observation())
        },
        Case("no right to make tokens", "Current", nil) {
            tried(.failed("NotPermitted", "no right"), try observation())
        },
        Case("what a pod alone can try", "Current", nil) {
            tried(.unknown("OnlyInPod", "the agent"), try observation())
        },
        Case("a denial, and a program that ends for it", "Current", .notTrusted) {
            tried(
                denial,
                try changed(observation()) {
                    $0.pod["status"] = state([
                        "state": ["waiting": ["reason": "CrashLoopBackOff"]], "restartCount": 3,
                        "lastState": ["terminated": ["reason": "Error", "exitCode": 1]],
                    ])
                })
        },
        Case("a denial, and a key that wins", "Current", .storedCredential) {
            let key: JSONValue = ["env": [["name": "AWS_ACCESS_KEY_ID", "value": "AKIA"]]]
            return tried(denial, try observation(container: key))
        },
    ]

    @Test(
        "the likeliest cause comes first, with what to do next",
        arguments: ofServiceAccount + ofInjection + ofContainers + ofStart + ofTrust)
    func finds(pod: Case) throws {
        let diagnosis = PodDiagnosis(of: try pod.observation())
        #expect(diagnosis.standingWord == pod.standing)
        let first = diagnosis.causes.first
        #expect(first?.kind == pod.cause, "\(diagnosis.causes)")
        #expect((first?.message ?? "").hasPrefix(pod.message), "\(first?.message ?? "")")
        #expect((first?.next ?? "").hasPrefix(pod.next), "\(first?.next ?? "")")
        #expect(diagnosis.hasFault == (first?.isCertain ?? false))
        let text = "\(diagnosis)"
        #expect(!text.contains("AKIA") && !text.contains("eyJ"))
    }

    @Test("of a pod that was not injected it is not said of each container that it has nothing")
    func saysOnce() throws {
        let diagnosis = PodDiagnosis(of: try Self.observation(isInjected: false))
        #expect(diagnosis.causes.map(\.kind) == [.notInjected])
        #expect(diagnosis.containers.flatMap(\.choices).map(\.winner) == [.nothing])
    }

    @Test("docs/command.md has a row for each cause, in the order in which they are looked at")
    func documentsCauses() throws {
        let text = try String(contentsOfFile: "docs/command.md", encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("`lanyard doctor`\n") })
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.map { $0.split(separator: "`")[1] } == Cause.Kind.allCases.map { Substring($0.rawValue) })
    }

    @Test("the claims are those that the provider must trust")
    func namesClaims() throws {
        let claims = PodDiagnosis(of: try Self.observation()).claims
        #expect(claims.map(\.issuer) == [Fixture.facts.issuer.url])
        #expect(claims.map(\.subject) == ["system:serviceaccount:ai:llm"])
        #expect(claims.map(\.audience) == ["sts.amazonaws.com"])
        #expect(claims.map(\.identity) == [Fixture.role])
    }

    @Test(
        "an event's count and time are read from the older fields and the newer ones",
        arguments: [
            (["count": 3, "lastTimestamp": "2026-01-02T03:04:05Z"], 3),
            (
                [
                    "series": ["count": 4, "lastObservedTime": "2026-01-02T03:04:05.000000Z"],
                    "eventTime": "2020-01-01T00:00:00Z",
                ], 4
            ),
            (["eventTime": "2026-01-02T03:04:05.000000Z", "lastTimestamp": .null], 1),
        ] as [(JSONValue, Int)])
    func readsEvents(event: JSONValue, count: Int) {
        let event = PodEvent(event)
        #expect(event.count == count && event.last == Timestamp("2026-01-02T03:04:05Z"))
    }
}
