import JSON
import Testing
import WorkloadIdentity

/// What the scripts of `explain` tell providers, against what pods present; how they try it; and how they take it down.
@Suite struct TrustInScriptsTests {
    private func script(
        _ provider: ProviderName, on platform: Platform, _ annotations: [String: String]? = nil,
        mechanism: Mechanism? = nil, configuration: Configuration = Configuration()
    ) throws -> ShellScript {
        try ExplanationFixture.script(
            provider, on: platform, annotations, mechanism: mechanism, configuration: configuration)
    }

    @Test("issuer, subject and audience are those of the token that the pods get, to the letter")
    func namesTheToken() throws {
        var configuration = Configuration()
        configuration.issuer.url = "https://issuer.example.com/Cluster/"
        configuration.issuer.isPublic = true
        configuration.vault.audience = "https://vault.example.com"
        configuration.vault.allowedPaths = ["**"]
        configuration.externalSecrets.store = "lanyard"
        var withoutAudience: Set<Mechanism> = []
        for (platform, provider, mechanism) in ExplanationFixture.ways {
            let place: Comment = "\(platform) \(provider) \(mechanism)"
            let script = try script(provider, on: platform, mechanism: mechanism, configuration: configuration)
            let values = ExplanationFixture.values(provider).filter { $0.key != "ISSUER" }
            if script.assignments["ISSUER"] != nil {
                #expect(script.expanded("${ISSUER}", values) == "https://issuer.example.com/Cluster/", place)
            }
            if script.assignments["SUBJECT"] != nil {
                #expect(script.expanded("${SUBJECT}", values) == Fixture.subject.claim, place)
            }
            let plan = Fixture.plan(script.annotations(values), on: platform, configuration: configuration)
            let outcome = try #require(plan.outcome(provider), place)
            let isFederated = outcome.tier == .federated || [.irsa, .azureWorkloadIdentity].contains(mechanism)
            #expect(!isFederated || script.assignments["ISSUER"] != nil, place)
            guard let token = outcome.addition.volume?.token else { continue }
            if script.assignments["AUDIENCE"] == nil {
                withoutAudience.insert(mechanism)
            } else {
                #expect(script.expanded("${AUDIENCE}", values) == token.audience, place)
            }
        }
        // Its agent asks for the audience; nothing at AWS names it.
        #expect(withoutAudience == [.eksPodIdentity])
    }

    @Test("every way says how to try it, with a token of its own that is not printed, or in a pod")
    func saysHowToTry() throws {
        for (platform, provider, mechanism) in ExplanationFixture.ways {
            let script = try script(provider, on: platform, mechanism: mechanism)
            let place: Comment = "\(platform) \(provider) \(mechanism)"
            #expect(script.lines.contains { $0.contains(#/^# [0-9]+\. Try /#) }, place)
            let tokens = script.joinedCommands.filter { $0.hasPrefix("kubectl create token ") }
            let pods = script.joinedCommands.filter { $0.hasPrefix("kubectl run lanyard-explain ") }
            #expect(!tokens.isEmpty || !pods.isEmpty, place)
            #expect(tokens.allSatisfy { $0.contains(#"--audience "$AUDIENCE""#) && $0.hasSuffix(" |") }, place)
            #expect(pods.allSatisfy { $0.contains(#"\"serviceAccountName\": \"${SERVICE_ACCOUNT}\""#) }, place)
            // Arguments are in the list of processes.
            #expect(!script.commands.contains { $0.contains("\"$(kubectl create token") }, place)
        }
    }

    @Test("every way says how to take it down, in comments, with no more than the variables of the script")
    func saysHowToTakeDown() throws {
        for (platform, provider, mechanism) in ExplanationFixture.ways {
            let script = try script(provider, on: platform, mechanism: mechanism)
            let place: Comment = "\(platform) \(provider) \(mechanism)"
            let removal = script.removal
            // What only the provider knows is asked for, by `:?`.
            let asked = Set(removal.commands.flatMap { $0.matches(of: #/\$\{([A-Z_]+):\?/#).map { String($0.1) } })
            #expect(removal.undefined.subtracting(asked) == [], place)
            let shared: Set<String> = [
                "lanyard.dev/providers", "lanyard.dev/vault-role", "lanyard.dev/secret-delivery",
            ]
            let written = Set(script.annotations(ExplanationFixture.values(provider)).keys)
            let removed = removal.commands.filter { $0.hasPrefix("kubectl annotate ") }.joined()
            for key in written.subtracting(shared) {
                #expect(script.removal.expanded(removed, [:]).contains("\"\(key)-\""), "\(key) of \(place)")
            }
            for key in written.intersection(shared) {
                #expect(!removed.contains(key) && script.comments.contains(key), "\(key) of \(place)")
            }
            #expect(!script.commands.contains { $0.contains(" delete") }, place)
        }
    }

    // MARK: What the application does

    @Test("an application that stays as it is, and one that passes the key, are never said of the same way")
    func saysOneThing() throws {
        var unchanged: Set<ProviderName> = []
        for (platform, provider, mechanism) in ExplanationFixture.ways where mechanism.isSecretDelivery {
            let script = try script(provider, on: platform, mechanism: mechanism)
            let known = try #require(Provider.all(Configuration()).first { $0.name == provider })
            let place: Comment = "\(platform) \(provider) \(mechanism)"
            let staysAsItIs = script.comments.contains("stays as it is")
            #expect(staysAsItIs == (known.reach(of: mechanism) == .sdkDefault), place)
            if staysAsItIs { unchanged.insert(provider) }
            let isPassed = script.comments.contains("to its SDK")
            #expect(isPassed == !known.apiKey.isReadBySDK, place)
        }
        #expect(unchanged.count > 5 && !unchanged.contains("ibm-watsonx"))
    }

    // MARK: A second role

    private static let second = Fixture.aws.merging([
        "lanyard.dev/aws-assume-role-arn": "arn:aws:iam::444455556666:role/ai/models",
        "lanyard.dev/aws-external-id": "tenant-7",
    ]) { $1 }

    private func policies(_ script: ShellScript) throws -> [JSONValue] {
        let values = ["ISSUER": "https://issuer.example.com/a", "ROLE_ARN": "arn:aws:iam::111122223333:role/bedrock"]
        return try script.documents("JSON").map { try JSONValue(parsing: Array(script.expanded($0, values).utf8)) }
    }

    private func statement(_ policy: JSONValue) -> JSONValue? { policy["Statement"]?.array?.first }

    @Test("of two roles the first may assume the second, which trusts it with the external id and alone calls models")
    func setsSecondRoleUp() throws {
        let script = try script("aws-bedrock", on: .gke, Self.second)
        #expect(script.undefined == [] && script.unused == [])
        let policies = try policies(script)
        #expect(policies.count == 4)
        #expect(statement(policies[1])?["Action"] == "sts:AssumeRole")
        #expect(statement(policies[1])?["Resource"] == "arn:aws:iam::444455556666:role/ai/models")
        #expect(statement(policies[2])?["Principal"] == ["AWS": "arn:aws:iam::111122223333:role/bedrock"])
        #expect(statement(policies[2])?["Condition"] == ["StringEquals": ["sts:ExternalId": "tenant-7"]])
        #expect(
            statement(policies[3])?["Resource"]?.array?.last == "arn:aws:bedrock:*:444455556666:inference-profile/*")
        let creations = script.joinedCommands.filter { $0.hasPrefix("aws iam create-role ") }
        #expect(creations.count == 2 && creations.last?.contains(#"--path "$SECOND_ROLE_PATH""#) == true)
        #expect(script.assignments["SECOND_ROLE_PATH"] == "/ai/")
        let annotations = script.annotations(ExplanationFixture.values("aws-bedrock"))
        #expect(Fixture.plan(annotations, on: .gke).outcome("aws-bedrock")?.variables["AWS_CONFIG_FILE"] != nil)
    }

    @Test(
        "which SDKs can use the second role is said, and what becomes of the others",
        arguments: [(true, "sends no external id"), (false, "without the session's duration. C++")])
    func saysWhoReads(hasExternalID: Bool, ofJavaScript: String) throws {
        let annotations = Self.second.filter { hasExternalID || $0.key != "lanyard.dev/aws-external-id" }
        let script = try script("aws-bedrock", on: .eks, annotations)
        #expect(script.comments.contains("JavaScript version 2"))
        #expect(script.comments.contains(ofJavaScript))
        for name in ["Python", "Go (version 2", "Ruby", "aws-c-auth", "pyarrow", "obstore", "opendal"] {
            #expect(script.comments.contains(name), "\(name)")
        }
        #expect(script.comments.contains("call as the node's role"))
        let first = try self.script("aws-bedrock", on: .eks, Fixture.aws)
        #expect(!first.comments.contains("pyarrow"))
    }

    @Test("roles of single containers stay with them: none is annotated for all")
    func keepsContainersRoles() throws {
        let roles = [
            "lanyard.dev/aws-role-arns":
                "app=arn:aws:iam::111122223333:role/app,worker=arn:aws:iam::111122223333:role/worker"
        ]
        let script = try script("aws-bedrock", on: .gke, roles)
        #expect(script.assignments["ROLE_NAME"] == "app")
        #expect(script.comments.contains("worker has arn:aws:iam::111122223333:role/worker"))
        #expect(script.annotations([:])["eks.amazonaws.com/role-arn"] == nil)
    }
}
