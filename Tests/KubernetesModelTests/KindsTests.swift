import JSON
import KubernetesModel
import Testing

@Suite("Kinds")
struct KindsTests {
    @Test("a Deployment is read with its pod template, replicas and conditions")
    func deployment() throws {
        let deployment = try Deployment(
            parsing: Array(
                """
                {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","generation":2},
                 "spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},"template":{
                   "metadata":{"creationTimestamp":null,"labels":{"app":"web"},"annotations":{"a":"b"}},
                   "spec":{"serviceAccountName":"checkout","automountServiceAccountToken":false,"os":{"name":"linux"},
                     "nodeSelector":{"kubernetes.io/os":"linux"},
                     "initContainers":[{"name":"init"}],
                     "containers":[{"name":"app","image":"i","env":[
                        {"name":"A","value":"1"},{"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}},
                        {"name":"C"}],
                       "envFrom":[{"prefix":"P_","secretRef":{"name":"s"}},{"configMapRef":{"name":"c"}}]}]}}},
                 "status":{"observedGeneration":2,"conditions":[{"type":"Available","status":"True","reason":"R",
                   "message":"m","lastUpdateTime":"2024-02-29T12:34:56Z","lastTransitionTime":"2024-02-29T12:34:56Z"}]}}
                """.utf8))
        let workload = deployment.workload
        #expect(workload.kind == .deployment)
        #expect(workload.replicas == 3)
        #expect(workload.observedGeneration == 2)
        #expect(workload.serviceAccountKey == ObjectKey(namespace: "shop", name: "checkout"))
        #expect(workload.conditions["Available"]?.status == .true)
        #expect(workload.template.labels == ["app": "web"])
        #expect(workload.template.annotations == ["a": "b"])
        #expect(workload.template.automountServiceAccountToken == false)
        #expect(workload.template.osName == "linux")
        #expect(workload.template.initContainers.map(\.name) == ["init"])
        let container = try #require(workload.template.containers.first)
        #expect(container.environment.map(\.name) == ["A", "B", "C"])
        #expect(container.environment.map(\.value) == ["1", nil, ""])
        #expect(container.environmentSources.map(\.kind) == [.secret, .configMap])
        #expect(container.environmentSources.map(\.name) == ["s", "c"])
        #expect(container.environmentSources.map(\.prefix) == ["P_", ""])
    }

    @Test("a CronJob's template is the one inside its Jobs' template")
    func cronJob() throws {
        let text = """
            {"metadata":{"name":"night","namespace":"shop"},"spec":{"schedule":"0 0 * * *","jobTemplate":{"spec":{
              "template":{"spec":{"serviceAccountName":"batch","containers":[{"name":"c"}]}}}}}}
            """
        let cronJob = try CronJob(parsing: Array(text.utf8))
        #expect(cronJob.workload.kind == .cronJob)
        #expect(cronJob.workload.template.serviceAccountName == "batch")
    }

    @Test("pods run as the ServiceAccount default unless they say otherwise")
    func defaultServiceAccount() throws {
        let text = #"{"spec":{"template":{"spec":{"serviceAccountName":"","containers":null}}}}"#
        #expect(try StatefulSet(parsing: Array(text.utf8)).workload.template.serviceAccountName == "default")
    }

    @Test("every kind of workload names its own resource type", arguments: WorkloadKind.allCases)
    func workloadKinds(kind: WorkloadKind) {
        #expect(kind.resourceType.kind == kind.rawValue)
        #expect(kind.resourceType.plural == kind.rawValue.lowercased() + "s")
    }

    @Test("an object of which only the metadata is wanted is read from a whole one too")
    func partialObjectMetadata() throws {
        let text = #"{"spec":{"containers":[]},"metadata":{"name":"p","namespace":"n"},"status":{}}"#
        let pod = try PartialObjectMetadata<Pod>(parsing: Array(text.utf8))
        #expect(pod.key == ObjectKey(namespace: "n", name: "p"))
        #expect(PartialObjectMetadata<Pod>.resourceType.plural == "pods")
        #expect(PartialObjectMetadata<Pod>.representation == .metadata)
    }

    @Test("a Secret's values are decoded, and are not in its description")
    func secret() throws {
        let text = #"{"metadata":{"name":"s","namespace":"n"},"data":{"tls.key":"c2VjcmV0"}}"#
        let secret = try Secret(parsing: Array(text.utf8))
        #expect(secret.data["tls.key"] == Array("secret".utf8))
        #expect("\(secret)" == "Secret n/s with tls.key")
    }

    @Test("a Secret that is not Base64 is an error")
    func badSecret() {
        #expect(throws: JSONError.self) { try Secret(parsing: Array(#"{"data":{"a":"*"}}"#.utf8)) }
    }

    @Test("a webhook is read with its certificates and its URL")
    func webhook() throws {
        let text = """
            {"metadata":{"name":"w"},"webhooks":[{"name":"a","clientConfig":{"caBundle":"Q0E=","url":"https://h/p"}},
              {"name":"b","clientConfig":{"service":{"name":"s","namespace":"n"}},"rules":[]}]}
            """
        let configuration = try MutatingWebhookConfiguration(parsing: Array(text.utf8))
        #expect(configuration.webhooks.map(\.name) == ["a", "b"])
        #expect(configuration.webhooks.map(\.caBundle) == [Array("CA".utf8), []])
        #expect(configuration.webhooks.map(\.url) == ["https://h/p", nil])
        let validating = try ValidatingWebhookConfiguration(parsing: Array(text.utf8))
        #expect(validating.webhooks == configuration.webhooks)
        #expect(ValidatingWebhookConfiguration.resourceType != MutatingWebhookConfiguration.resourceType)
    }

    @Test(
        "an owner is a workload by its kind and its group",
        arguments: [
            ("apps/v1", "ReplicaSet", .replicaSet), ("batch/v1beta1", "CronJob", .cronJob), ("batch/v1", "Job", .job),
            ("batch.volcano.sh/v1alpha1", "Job", nil), ("argoproj.io/v1alpha1", "Rollout", nil), ("v1", "Node", nil),
            ("v1", "ReplicationController", .replicationController), ("v1", "Pod", nil), ("v1", "Deployment", nil),
        ] as [(String, String, WorkloadKind?)])
    func owner(apiVersion: String, kind: String, expected: WorkloadKind?) {
        #expect(OwnerReference(apiVersion: apiVersion, kind: kind, name: "o", uid: "1").workloadKind == expected)
    }

    @Test("a ServiceAccount, a Node and a Namespace are read")
    func smallKinds() throws {
        let account = #"{"metadata":{"name":"a"},"secrets":[{"name":"x"}],"automountServiceAccountToken":false}"#
        #expect(try ServiceAccount(parsing: Array(account.utf8)).automountServiceAccountToken == false)
        let node = #"{"metadata":{"name":"n"},"spec":{"providerID":"aws:///eu-west-1a/i-1","podCIDR":"10.0.0.0/24"}}"#
        #expect(try Node(parsing: Array(node.utf8)).providerID == "aws:///eu-west-1a/i-1")
        let namespace = #"{"metadata":{"name":"n","labels":{"a":"b"}},"spec":{"finalizers":["kubernetes"]}}"#
        #expect(try Namespace(parsing: Array(namespace.utf8)).metadata.labels == ["a": "b"])
    }

    @Test("a Lease is read, also one that nobody holds")
    func lease() throws {
        let text = """
            {"metadata":{"name":"l"},"spec":{"holderIdentity":"me","leaseDurationSeconds":15,
              "renewTime":"2024-02-29T12:34:56.000001Z","leaseTransitions":2}}
            """
        let lease = try Lease(parsing: Array(text.utf8))
        #expect(lease.holderIdentity == "me")
        #expect(lease.renewTime == Timestamp(seconds: 1_709_210_096, nanoseconds: 1000))
        #expect(lease.leaseTransitions == 2)
        #expect(try Lease(parsing: Array(#"{"spec":{"holderIdentity":null}}"#.utf8)).holderIdentity.isEmpty)
    }

    @Test("a refusal is read with its causes")
    func status() throws {
        let text = """
            {"kind":"Status","status":"Failure","message":"m","reason":"Invalid","code":422,"details":{"name":"x",
              "retryAfterSeconds":3,"causes":[{"reason":"FieldValueInvalid","message":"bad","field":"spec.x"}]}}
            """
        let status = try APIStatus(parsing: Array(text.utf8))
        #expect(status.code == 422)
        #expect(status.reason == "Invalid")
        #expect(status.retryAfterSeconds == 3)
        #expect(status.causes.map(\.field) == ["spec.x"])
    }
}
