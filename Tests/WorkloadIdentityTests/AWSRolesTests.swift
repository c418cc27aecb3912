import Testing
import WorkloadIdentity

/// What may be written about roles, and what is said about what may not.
@Suite struct AWSRolesTests {
    private static let role = "arn:aws:iam::111122223333:role"

    @Test(
        "a list of roles may hold whatever roles' names may",
        arguments: [
            ("main=\(role)/a", true),
            ("main=\(role)/a,worker=\(role)/b", true),
            (" main=\(role)/a , worker=\(role)/b ", true),
            ("main=\(role)/a,b,worker=\(role)/c=d", true),
            ("main=\(role)/a,main=\(role)/b", false),
            ("Main=\(role)/a", false),
            ("=\(role)/a", false),
            ("main=\(role)", false),
            ("main:\(role)/a", false),
            ("main=\(role)/a,", true),
            ("main=\(role)/a;worker=\(role)/b", false),
            ("\(role)/a", false),
        ])
    func readsRoles(list: String, isValid: Bool) {
        let plan = Fixture.plan(["lanyard.dev/aws-role-arns": list])
        #expect((plan.problem(.invalidValue) == nil) == isValid)
        #expect((plan.outcome("aws-bedrock") != nil) == isValid)
    }

    @Test(
        "what says which identity is meant blocks if it is malformed: another identity is none",
        arguments: [
            ["lanyard.dev/aws-role-arns": "main"],
            ["lanyard.dev/aws-assume-role-arn": "second"],
            ["lanyard.dev/aws-assume-role-arn": "\(role)/second", "lanyard.dev/aws-external-id": "a\nrole_arn = b"],
            ["lanyard.dev/aws-assume-role-arn": "\(role)/second\n[default]"],
            ["lanyard.dev/aws-assume-role-arn": "\(role)/second", "lanyard.dev/aws-role-arns": "a=\(role)/b"],
        ])
    func blocksMalformedIdentity(annotations: [String: String]) {
        let plan = Fixture.plan(Fixture.aws.merging(annotations) { $1 }, on: .gke)
        #expect(plan.outcome("aws-bedrock") == nil)
        #expect(plan.bindings.flatMap(\.problems).contains { $0.severity == .error })
    }

    @Test(
        "a value that could end its line in the configuration file is refused",
        arguments: [
            ("lanyard.dev/aws-external-id", "a b"), ("lanyard.dev/aws-external-id", "x"),
            ("lanyard.dev/aws-external-id", "a#b"), ("lanyard.dev/aws-session-name", "a\nb"),
            ("lanyard.dev/aws-session-name", "a"), ("lanyard.dev/aws-session-name", String(repeating: "a", count: 65)),
            ("lanyard.dev/aws-session-name", "a/b"), ("lanyard.dev/aws-session-duration", "1h"),
        ])
    func refusesValues(key: String, value: String) {
        let assumed = ["lanyard.dev/aws-assume-role-arn": "\(Self.role)/second", key: value]
        #expect(Fixture.plan(Fixture.aws.merging(assumed) { $1 }).problem(.invalidValue)?.field == key)
    }

    @Test(
        "a session after another one lasts an hour at most",
        arguments: [("60", "900"), ("900", "900"), ("3600", "3600"), ("43200", "3600")])
    func clampsDuration(written: String, used: String) throws {
        let assumed = [
            "lanyard.dev/aws-assume-role-arn": "\(Self.role)/second", "lanyard.dev/aws-session-duration": written,
        ]
        let plan = Fixture.plan(Fixture.aws.merging(assumed) { $1 })
        let file = try #require(plan.outcome("aws-bedrock")?.addition.annotations.first)
        #expect(file.value.contains("duration_seconds = \(used)\n"))
        #expect((plan.problem(.outOfRange) != nil) == (written != used))
    }

    @Test(
        "on EKS the managed webhook would set the variables first, unless the pod's label keeps it away",
        arguments: [
            ["lanyard.dev/aws-assume-role-arn": "\(role)/second"], ["lanyard.dev/aws-role-arns": "app=\(role)/second"],
        ])
    func warnsOfManagedWebhook(annotations: [String: String]) {
        let annotations = Fixture.aws.merging(annotations) { $1 }
        #expect(Fixture.plan(annotations).problem(.managedWebhookFirst)?.severity == .warning)
        #expect(Fixture.plan(annotations, on: .gke).problem(.managedWebhookFirst) == nil)
        let labelled = PodContext(labels: ["eks.amazonaws.com/skip-pod-identity-webhook": "true"])
        #expect(Fixture.plan(annotations, pod: labelled).problem(.managedWebhookFirst) == nil)
    }

    @Test(
        "a key that does nothing here is a problem",
        arguments: [
            ["lanyard.dev/aws-external-id": "ab"], ["lanyard.dev/aws-session-name": "ab"],
            ["lanyard.dev/aws-session-duration": "900"],
            [
                "lanyard.dev/aws-assume-role-arn": "\(role)/second", "lanyard.dev/aws-session-name-from-pod": "true",
            ],
            [
                "lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity",
                "lanyard.dev/aws-session-name-from-pod": "true",
            ],
        ])
    func reportsNoEffect(annotations: [String: String]) {
        #expect(Fixture.plan(Fixture.aws.merging(annotations) { $1 }).problem(.noEffect) != nil)
    }

    @Test("the plan's hash covers roles and sessions, and no pod's name")
    func coversRoles() {
        func hash(_ annotations: [String: String], pod: PodContext = PodContext()) -> String? {
            Fixture.plan(Fixture.aws.merging(annotations) { $1 }, on: .gke, pod: pod).hash
        }
        let session = ["lanyard.dev/aws-session-name-from-pod": "true"]
        let hashes = [
            hash([:]), hash(session), hash(["lanyard.dev/aws-role-arns": "a=\(Self.role)/a"]),
            hash(["lanyard.dev/aws-role-arns": "a=\(Self.role)/b"]),
            hash(["lanyard.dev/aws-assume-role-arn": "\(Self.role)/a"]),
            hash(["lanyard.dev/aws-assume-role-arn": "\(Self.role)/a", "lanyard.dev/aws-external-id": "ab"]),
        ]
        #expect(Set(hashes).count == hashes.count)
        #expect(hash(session) == hash(session, pod: PodContext(name: String(repeating: "a", count: 80))))
        let list = "a=\(Self.role)/a,b=\(Self.role)/b"
        let reversed = "b=\(Self.role)/b,a=\(Self.role)/a"
        #expect(hash(["lanyard.dev/aws-role-arns": list]) == hash(["lanyard.dev/aws-role-arns": reversed]))
    }

    @Test("where the second role is asked for, SDKs that cannot read it get nothing, and are named once")
    func namesSDKsThatCannotAssume() throws {
        let assumed = Fixture.aws.merging(["lanyard.dev/aws-assume-role-arn": "\(Self.role)/second"]) { $1 }
        let plan = Fixture.plan(assumed, on: .gke)
        #expect(plan.outcome("aws-bedrock")?.variables["AWS_EC2_METADATA_DISABLED"] == "true")
        #expect(plan.problems.map(\.reason) == [.roleNotReadByAllSDKs])
        let message = try #require(plan.problem(.roleNotReadByAllSDKs)).message
        #expect(message.contains("C++") && message.contains("Rust") && !message.contains("JavaScript"))
        let external = Fixture.plan(assumed.merging(["lanyard.dev/aws-external-id": "ab"]) { $1 }, on: .gke)
        #expect(external.problem(.roleNotReadByAllSDKs)?.message.contains("JavaScript") == true)
        let first = Fixture.plan(Fixture.aws, on: .gke)
        #expect(first.outcome("aws-bedrock")?.variables["AWS_EC2_METADATA_DISABLED"] == nil)
        #expect(first.problem(.roleNotReadByAllSDKs) == nil)
    }

    @Test(
        "a role and a region of different partitions cannot work together",
        arguments: [
            ("aws", "us-east-1", nil), ("aws-us-gov", "us-gov-west-1", nil), ("aws-cn", "cn-north-1", nil),
            ("aws-us-gov", "us-east-1", "us-gov-west-1"), ("aws-cn", "eu-central-1", "cn-north-1"),
            ("aws", "cn-north-1", "us-east-1"), ("aws", "us-gov-east-1", "us-east-1"), ("aws-new", "us-east-1", ""),
        ] as [(String, String, String?)])
    func comparesPartitions(partition: String, region: String, example: String?) throws {
        let role = "arn:\(partition):iam::111122223333:role/bedrock"
        for key in ["eks.amazonaws.com/role-arn", "lanyard.dev/aws-role-arns"] {
            let value = key.hasSuffix("arns") ? "app=\(role)" : role
            let plan = Fixture.plan([key: value, "lanyard.dev/aws-region": region], on: .gke)
            #expect(plan.outcome("aws-bedrock") != nil)
            #expect(plan.bindings.map(\.isReady) == [example == nil])
            let problem = plan.problem(.partitionMismatch)
            #expect((problem == nil) == (example == nil))
            guard let problem, let example else { continue }
            #expect(problem.severity == .error && problem.field == "lanyard.dev/aws-region")
            #expect(problem.message.contains(region) && problem.message.contains(role))
            #expect(problem.message.hasSuffix(example.isEmpty ? "lanyard.dev/aws-region" : "such as \(example)"))
        }
        var configuration = Configuration()
        configuration.aws.region = region
        let plan = Fixture.plan(["eks.amazonaws.com/role-arn": role], configuration: configuration)
        #expect(
            plan.problem(.partitionMismatch)?.field == nil
                && (plan.problem(.partitionMismatch) == nil) == (example == nil))
    }
}
