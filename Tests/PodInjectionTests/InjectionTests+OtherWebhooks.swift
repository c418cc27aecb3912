import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// Credential files, and what is meant for other webhooks.
extension InjectionTests {
    @Test("Google's credential configuration travels in an annotation that the volume reads")
    func deliversCredentialConfiguration() throws {
        let result = try Self.pod().applying(Self.inject(Self.pod(), Self.google).patch)
        let text = try #require(result["metadata"]?["annotations"]?["lanyard.dev/google-vertex-credentials"]?.string)
        #expect(
            try JSONValue(parsing: Array(text.utf8)) == [
                "type": "external_account",
                "audience":
                    "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/clusters/providers/prod",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": [
                    "file": "/var/run/secrets/lanyard.dev/google-vertex/token", "format": ["type": "text"],
                ],
                "service_account_impersonation_url":
                    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/llm@proj.iam.gserviceaccount.com:generateAccessToken",
            ])
        let env = result["spec"]?["containers"]?.array?.first?["env"]?.array
        #expect(env?.first { $0["name"] == "GOOGLE_CLOUD_PROJECT" }?["value"] == "proj")
    }

    @Test("Vault's agent is asked for one line that a shell can source")
    func annotatesForVault() throws {
        let annotations = try #require(
            try Self.pod().applying(Self.inject(Self.pod(), Self.vault).patch)["metadata"]?["annotations"])
        #expect(annotations["vault.hashicorp.com/agent-inject-containers"] == nil)
        #expect(annotations["vault.hashicorp.com/agent-inject"] == "true")
        #expect(annotations["vault.hashicorp.com/role"] == "llm")
        #expect(annotations["vault.hashicorp.com/agent-inject-secret-openai"] == "secret/data/ai/openai")
        #expect(annotations["vault.hashicorp.com/agent-inject-file-openai"] == "openai.env")
        #expect(
            annotations["vault.hashicorp.com/agent-inject-template-openai"]?.string
                == #"""
                {{- with secret "secret/data/ai/openai" -}}
                export OPENAI_API_KEY='{{ index .Data.data "api_key" | replaceAll "'" "'\\''" }}'
                {{ end -}}
                """#)
        #expect(annotations["lanyard.dev/injected"] == "openai=vault-agent")
    }

    @Test(
        "Vault's injector is told which containers are meant, if not all are",
        arguments: [
            (["lanyard.dev/skip-containers": "b"], "a,c"), (["lanyard.dev/include-containers": "c,first"], "c"),
            ([:], nil),
            (["lanyard.dev/skip-containers": "b", "vault.hashicorp.com/agent-inject-containers": "b"], "b"),
        ] as [([String: String], String?)])
    func listsContainersForVault(annotations: [String: String], list: String?) throws {
        let pod = Self.pod(
            annotations: annotations, containers: ["a", "b", "c"].map { ["name": $0] },
            spec: ["initContainers": [["name": "first"]]])
        let injected = try pod.applying(Self.inject(pod, Self.vault).patch)
        #expect(injected["metadata"]?["annotations"]?["vault.hashicorp.com/agent-inject-containers"]?.string == list)
        #expect(Self.inject(injected, Self.vault).patch.isEmpty)
    }

    @Test("Vault's injector serves no init container alone: the binding is left out, and says so")
    func leavesOutInitContainers() {
        let pod = Self.pod(
            annotations: ["lanyard.dev/include-containers": "first"],
            spec: ["initContainers": [["name": "first"]]])
        let injection = Self.inject(pod, Self.vault)
        #expect(injection.injected.isEmpty && injection.leftOut.count == 1)
        #expect(injection.problems.contains { $0.reason == .noEffect && $0.message.contains("only init containers") })
    }

    @Test("the user's role for the injector is kept; a template of theirs keeps the whole binding out")
    func respectsVaultAnnotations() throws {
        let role = Self.pod(annotations: ["vault.hashicorp.com/role": "mine"])
        let kept = try role.applying(Self.inject(role, Self.vault).patch)
        #expect(kept["metadata"]?["annotations"]?["vault.hashicorp.com/role"] == "mine")

        let template = Self.pod(annotations: ["vault.hashicorp.com/agent-inject-template-openai": "mine"])
        let injection = Self.inject(template, Self.vault)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.contains { $0.reason == .userValueKept })
        #expect(!injection.patch.json.serializedString().contains(#"/vault.hashicorp.com"#))

        let late = Self.pod(annotations: ["vault.hashicorp.com/agent-inject-status": "injected"])
        #expect(Self.inject(late, Self.vault).problems.contains { $0.reason == .annotatedTooLate })
    }

    @Test("OpenBao's injector has its own prefix")
    func annotatesForOpenBao() throws {
        var configuration = Configuration()
        configuration.vault.injector = .openbao
        let result = try Self.pod().applying(Self.inject(Self.pod(), Self.vault, configuration: configuration).patch)
        #expect(result["metadata"]?["annotations"]?["openbao.org/agent-inject-secret-openai"] != nil)
    }

    @Test("EKS Pod Identity is injected exactly as EKS' webhook does, label and all", arguments: [[:], ["app": "x"]])
    func injectsPodIdentity(labels: [String: String]) throws {
        var pod = Self.pod()
        if !labels.isEmpty { pod["metadata"]?["labels"] = .object(JSONObject(labels)) }
        let annotations = [
            "lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity", "lanyard.dev/aws-region": "eu-west-1",
        ]
        let result = try pod.applying(Self.inject(pod, annotations).patch)
        #expect(result["metadata"]?["labels"]?["eks.amazonaws.com/pod-identity"] == "enabled")
        #expect(result["metadata"]?["labels"]?.object?.count == labels.count + 1)
        let container = try #require(result["spec"]?["containers"]?.array?.first)
        #expect(
            container["env"] == [
                ["name": "AWS_DEFAULT_REGION", "value": "eu-west-1"],
                ["name": "AWS_REGION", "value": "eu-west-1"],
                ["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"],
                [
                    "name": "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                    "value": "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
                ],
            ])
        let volume = try #require(result["spec"]?["volumes"]?.array?.first)
        #expect(volume["name"] == "eks-pod-identity-token")
        let token = volume["projected"]?["sources"]?.array?.first?["serviceAccountToken"]
        #expect(token?["audience"] == "pods.eks.amazonaws.com" && token?["path"] == "eks-pod-identity-token")
        #expect(Self.inject(result, annotations).patch.isEmpty)
    }

    @Test("of several mechanisms for one provider the stamp names each")
    func stampsEach() throws {
        let annotations = [
            "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
            "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/p",
            "lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/k", "lanyard.dev/vault-role": "llm",
        ]
        let result = try Self.pod().applying(Self.inject(Self.pod(), annotations, on: .ack).patch)
        #expect(
            result["metadata"]?["annotations"]?["lanyard.dev/injected"]
                == "alibaba-modelstudio=alibaba-rrsa,alibaba-modelstudio=vault-agent")
    }
}
