import Testing

@testable import WorkloadIdentity

/// What containers may set that is in the way of an identity.
@Suite("Hazards") struct HazardTests {
    private static func messages(
        _ provider: ProviderName, _ annotations: [String: String], on platform: Platform = .eks,
        _ variables: [String: Hazard.Setting], configuration: Configuration = Configuration()
    ) throws -> [String] {
        let outcome = try #require(
            Fixture.plan(annotations, on: platform, configuration: configuration).outcome(provider))
        return outcome.hazards.compactMap { hazard in
            let set = hazard.variables { variables[$0] ?? .absent }
            return set.isEmpty ? nil : hazard.message(set)
        }
    }

    private static let podIdentity = ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]

    @Test(
        "each variable that holds other credentials is known, for every provider",
        arguments: [
            (Fixture.aws, Platform.eks, "aws-bedrock", "AWS_ACCESS_KEY_ID"),
            (Fixture.aws, .gke, "aws-bedrock", "AWS_SECRET_ACCESS_KEY"),
            (Fixture.aws, .eks, "aws-bedrock", "AWS_BEARER_TOKEN_BEDROCK"),
            (Fixture.aws, .eks, "aws-bedrock", "AWS_PROFILE"),
            (Fixture.aws, .eks, "aws-bedrock", "AWS_DEFAULT_PROFILE"),
            (Fixture.aws, .eks, "aws-bedrock", "AWS_SHARED_CREDENTIALS_FILE"),
            (Fixture.aws, .eks, "aws-bedrock", "AWS_CONFIG_FILE"),
            (podIdentity, .eks, "aws-bedrock", "AWS_SHARED_CREDENTIALS_FILE"),
            (podIdentity, .eks, "aws-bedrock", "AWS_CONFIG_FILE"),
            (podIdentity, .eks, "aws-bedrock", "AWS_DEFAULT_PROFILE"),
            (podIdentity, .eks, "aws-bedrock", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            (Fixture.azure, .aks, "azure-openai", "AZURE_CLIENT_SECRET"),
            (Fixture.azure, .aks, "azure-openai", "AZURE_OPENAI_API_KEY"),
            (Fixture.google, .eks, "google-vertex", "GOOGLE_API_KEY"),
            (["lanyard.dev/providers": "google-vertex"], .gke, "google-vertex", "GOOGLE_APPLICATION_CREDENTIALS"),
            (Fixture.ibm, .iks, "ibm-watsonx", "IBM_CREDENTIALS_FILE"),
            (Fixture.ibm, .iks, "ibm-watsonx", "WATSONX_APIKEY"),
            (Fixture.oracle, .oke, "oracle-genai", "OCI_CONFIG_FILE"),
            (Fixture.alibaba, .ack, "alibaba-modelstudio", "ALIBABA_CLOUD_ACCESS_KEY_ID"),
            (Fixture.openAI, .eks, "openai", "OPENAI_API_KEY"),
            (Fixture.anthropic, .eks, "anthropic", "ANTHROPIC_API_KEY"),
            (Fixture.anthropic, .eks, "anthropic", "ANTHROPIC_PROFILE"),
        ] as [([String: String], Platform, ProviderName, String)])
    func knows(annotations: [String: String], platform: Platform, provider: ProviderName, variable: String) throws {
        let messages = try Self.messages(provider, annotations, on: platform, [variable: .text("x")])
        #expect(messages.count == 1 && messages.first?.hasPrefix("\(variable) is set, and ") == true, "\(messages)")
        // What is taken from a Secret is set, too; SDKs take an empty one for none.
        #expect(try Self.messages(provider, annotations, on: platform, [variable: .unknown]) == messages)
        #expect(try Self.messages(provider, annotations, on: platform, [variable: .text("")]).isEmpty)
    }

    @Test("the two halves of one key are one mistake")
    func joinsHalves() throws {
        let key: [String: Hazard.Setting] = ["AWS_ACCESS_KEY_ID": .text("a"), "AWS_SECRET_ACCESS_KEY": .unknown]
        #expect(
            try Self.messages("aws-bedrock", Fixture.aws, key) == [
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, and the SDK uses them in place of the identity; "
                    + "remove them"
            ])
    }

    @Test("a variable that is the identity's own is none")
    func excludesOwn() throws {
        let second = Fixture.aws.merging(["lanyard.dev/aws-assume-role-arn": "arn:aws:iam::222233334444:role/b"]) { $1 }
        #expect(try Self.messages("aws-bedrock", second, ["AWS_CONFIG_FILE": .text("/x")]).isEmpty)
        #expect(
            try Self.messages("google-vertex", Fixture.google, ["GOOGLE_APPLICATION_CREDENTIALS": .text("/x")]).isEmpty)
    }

    @Test("a stored key that is delivered has no rival")
    func ignoresStored() throws {
        #expect(try Self.messages("openai", Fixture.vaultOpenAI, ["OPENAI_API_KEY": .text("x")]).isEmpty)
    }

    @Test(
        "a proxy gets the token of Pod Identity unless the agent's address is an exception",
        arguments: [
            (["HTTP_PROXY": .text("http://proxy:3128")], true),
            (["http_proxy": .text("http://proxy:3128")], true),
            (["ALL_PROXY": .unknown], true),
            (["HTTPS_PROXY": .text("http://proxy:3128")], false),
            (["HTTP_PROXY": .text("")], false),
            (["HTTP_PROXY": .text("http://proxy:3128"), "NO_PROXY": .text("10.0.0.0/8,.svc")], true),
            (["HTTP_PROXY": .text("http://proxy:3128"), "NO_PROXY": .text("10.0.0.0/8, 169.254.170.23")], false),
            (["HTTP_PROXY": .text("http://proxy:3128"), "no_proxy": .text("169.254.0.0/16")], false),
            (["HTTP_PROXY": .text("http://proxy:3128"), "NO_PROXY": .text("169.254.170.0/29")], true),
            (["HTTP_PROXY": .text("http://proxy:3128"), "NO_PROXY": .text("169.254.0.0/99,a/b/c,1.2.3/8")], true),
            (["HTTP_PROXY": .text("http://proxy:3128"), "NO_PROXY": .text("*")], false),
            (["HTTP_PROXY": .text("http://proxy:3128"), "NO_PROXY": .unknown], false),
        ] as [([String: Hazard.Setting], Bool)])
    func seesProxy(variables: [String: Hazard.Setting], isHazard: Bool) throws {
        let messages = try Self.messages("aws-bedrock", Self.podIdentity, variables)
        let name = variables.keys.first { $0.uppercased() != "NO_PROXY" } ?? ""
        let expected =
            "\(name) is set, and NO_PROXY does not have 169.254.170.23, so some SDKs send the pod's token to the proxy; set "
            + "NO_PROXY=169.254.170.23"
        #expect(messages == (isHazard ? [expected] : []))
        #expect(try Self.messages("aws-bedrock", Fixture.aws, variables).isEmpty)
    }

    @Test("the exception is for the agent's address as it is configured")
    func namesConfiguredAddress() throws {
        var configuration = Configuration()
        configuration.aws.podIdentity.credentialsURI = "http://[fd00:ec2::23]/v1/credentials"
        let messages = try Self.messages(
            "aws-bedrock", Self.podIdentity, ["HTTP_PROXY": .text("x"), "NO_PROXY": .text("169.254.170.23")],
            configuration: configuration)
        #expect(messages.first?.hasSuffix("set NO_PROXY=fd00:ec2::23") == true, "\(messages)")
    }
}
