"""What is shown: workloads on platforms, the mechanism by which each credential arrives, and who uses it there."""

from dataclasses import dataclass, field

from control_plane import NAMESPACE
from endpoints.aws import AWS
from node import AGENT
from sdks import (
    ACCOUNT, ALIBABA_APIS, ANTHROPIC, ANTHROPIC_KEY, AZURE_OPENAI, BEDROCK, CLIENT, DASHSCOPE_KEY, EMAIL, EXTERNAL_ID,
    FEDERATED_OPENAI, FEDERATED_VERTEX, GKE_VERTEX, IMPERSONATING_VERTEX, OPENAI_ACCOUNT, OPENAI_KEY, OPENAI_PROVIDER,
    ORACLE_CHAT, ORGANIZATION, POD_IDENTITY_BEDROCK, PROFILE, PROFILE_NAME, PROVIDER, RAM_PROVIDER, RAM_ROLE, ROLE,
    RULE, SECOND_ROLE, SECOND_ROLE_BEDROCK, TENANT, WATSONX, WATSONX_BY_NAME, WORKSPACE)

AWS_KEYS = {"eks.amazonaws.com/role-arn": ROLE, "lanyard.dev/aws-region": AWS.region}
SECOND_ROLE_KEYS = {
    **AWS_KEYS, "lanyard.dev/aws-assume-role-arn": SECOND_ROLE, "lanyard.dev/aws-external-id": EXTERNAL_ID,
}
POD_IDENTITY_KEYS = {
    "lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity", "lanyard.dev/aws-region": AWS.region,
}
AZURE_KEYS = {"azure.workload.identity/client-id": CLIENT, "azure.workload.identity/tenant-id": TENANT}
GKE_KEYS = {
    "lanyard.dev/providers": "google-vertex", "lanyard.dev/gcp-project": "my-project",
    "lanyard.dev/gcp-location": "us-central1",
}
GOOGLE_KEYS = {**GKE_KEYS, "cloud.google.com/workload-identity-provider": PROVIDER}
IMPERSONATION_KEYS = {**GOOGLE_KEYS, "cloud.google.com/service-account-email": EMAIL}
ANTHROPIC_KEYS = {
    "lanyard.dev/anthropic-federation-rule-id": RULE, "lanyard.dev/anthropic-organization-id": ORGANIZATION,
    "lanyard.dev/anthropic-service-account-id": ACCOUNT, "lanyard.dev/anthropic-workspace-id": WORKSPACE,
}
OPENAI_KEYS = {
    "lanyard.dev/openai-identity-provider-id": OPENAI_PROVIDER,
    "lanyard.dev/openai-service-account-id": OPENAI_ACCOUNT,
}
IBM_KEYS = {"lanyard.dev/ibm-trusted-profile": PROFILE}
ORACLE_KEYS = {"lanyard.dev/providers": "oracle-genai", "lanyard.dev/oci-region": "us-chicago-1"}
ALIBABA_KEYS = {
    "lanyard.dev/alibaba-role-arn": RAM_ROLE, "lanyard.dev/alibaba-oidc-provider-arn": RAM_PROVIDER,
    "lanyard.dev/alibaba-region": "ap-southeast-1",
}
VAULT_ROLE = {"lanyard.dev/vault-role": "conformance"}
VAULT_KEYS = {
    **VAULT_ROLE, "lanyard.dev/vault-path.openai": "secret/data/ai/key",
    "lanyard.dev/vault-path.anthropic": "secret/data/ai/key", "lanyard.dev/mechanism.anthropic": "vault-agent",
    "lanyard.dev/vault-key.anthropic": "anthropic-key",
}


def subject(name):
    return f"system:serviceaccount:{NAMESPACE}:{name}"


@dataclass(frozen=True)
class Workload:
    """A ServiceAccount with its annotations, a pod of it, and the applications that run there."""

    name: str
    annotations: dict
    # Of each: the provider, the mechanism by which its credential arrives, and the application.
    credentials: list
    # Whether the reverse is shown here, too.
    reverse: bool = True
    # Whether any provider trusts it.
    trusted: bool = True
    # What Lanyard's report on it says: ready, or why it is not.
    reason: str = "Ready"
    # The variables that its container sets itself.
    variables: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    name: str
    settings: dict
    workloads: list


def platforms(vault_address):
    """All that is shown. On GKE, Vault wants tokens of its own audience; elsewhere, it takes the pod's own."""
    irsa = ("aws-bedrock", "irsa", BEDROCK)
    pod_identity = ("aws-bedrock", "eks-pod-identity", POD_IDENTITY_BEDROCK)
    azure = ("azure-openai", "azure-workload-identity", AZURE_OPENAI)
    vertex = ("google-vertex", "gcp-workload-identity-federation", FEDERATED_VERTEX)
    impersonation = ("google-vertex", "gcp-workload-identity-federation", IMPERSONATING_VERTEX)
    anthropic = ("anthropic", "anthropic-federation", ANTHROPIC)
    openai = ("openai", "openai-federation", FEDERATED_OPENAI)
    watsonx = ("ibm-watsonx", "ibm-trusted-profile", WATSONX)
    oracle = ("oracle-genai", "oke-workload-identity", ORACLE_CHAT)
    alibaba = ("alibaba-modelstudio", "alibaba-rrsa", ALIBABA_APIS)
    openai_file = ("openai", "vault-csi", OPENAI_KEY)
    openai_variable = ("openai", "external-secret", OPENAI_KEY)
    openai_key = ("openai", "vault-agent", OPENAI_KEY)
    anthropic_key = ("anthropic", "vault-agent", ANTHROPIC_KEY)
    dashscope_key = ("alibaba-modelstudio", "vault-agent", DASHSCOPE_KEY)

    # The cluster does not see the associations of EKS Pod Identity: they are declared, here or by an annotation.
    declared = {"namespace": NAMESPACE, "serviceAccount": "pod-identity-by-configuration"}
    pod_identity_settings = {
        "credentialsUri": "http://{}:{}/v1/credentials".format(*AGENT), "identities": [declared],
    }
    return [
        Platform("eks", {"aws": {"podIdentity": pod_identity_settings}}, [
            Workload("irsa", AWS_KEYS, [irsa]),
            Workload("second-role", SECOND_ROLE_KEYS, [("aws-bedrock", "irsa", SECOND_ROLE_BEDROCK)]),
            Workload("pod-identity", POD_IDENTITY_KEYS, [pod_identity]),
            Workload(
                "pod-identity-by-configuration", {"lanyard.dev/aws-region": AWS.region}, [pod_identity], reverse=False),
            Workload("azure-from-eks", AZURE_KEYS, [azure], reverse=False),
            Workload("vertex-from-eks", GOOGLE_KEYS, [vertex]),
            # Containers that say where they expect the file.
            Workload("azure-at-own-path", AZURE_KEYS, [azure], reverse=False, variables={
                "AZURE_CLIENT_ID": CLIENT, "AZURE_TENANT_ID": TENANT,
                "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
            }),
            Workload("vertex-at-own-path", GOOGLE_KEYS, [vertex], reverse=False, variables={
                "GOOGLE_APPLICATION_CREDENTIALS": "/var/run/secrets/workload-identity/credentials.json",
            }),
            Workload("two-at-one-path", {**AZURE_KEYS, **ANTHROPIC_KEYS}, [azure, anthropic], reverse=False, variables={
                "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/tokens/azure",
                "ANTHROPIC_IDENTITY_TOKEN_FILE": "/run/secrets/tokens/anthropic",
            }),
            Workload("anthropic", ANTHROPIC_KEYS, [anthropic]),
            Workload("openai", OPENAI_KEYS, [openai]),
            # One pod for four providers, also of Vault's agent beside IRSA.
            Workload("gateway", {
                **AWS_KEYS, **AZURE_KEYS, **IMPERSONATION_KEYS, **VAULT_ROLE,
                "lanyard.dev/vault-path.openai": "secret/data/ai/key",
            }, [irsa, azure, impersonation, openai_key], reverse=False),
            Workload("vertex-impersonating", IMPERSONATION_KEYS, [impersonation], reverse=False),
            Workload("vault", VAULT_KEYS, [openai_key, anthropic_key]),
            Workload(
                "stranger", {**AWS_KEYS, **AZURE_KEYS, **IMPERSONATION_KEYS, **ANTHROPIC_KEYS, **OPENAI_KEYS},
                [irsa, azure, impersonation, anthropic, openai], trusted=False),
            Workload("stranger-without-association", POD_IDENTITY_KEYS, [pod_identity], trusted=False),
        ]),
        Platform("aks", {}, [Workload("azure-on-aks", AZURE_KEYS, [azure])]),
        Platform("gke", {
            "vault": {
                "audience": "vault", "address": vault_address, "authPath": "auth/gke",
                "allowedPaths": ["secret/data/ai/*"],
            },
            "externalSecrets": {"store": "vault"},
        }, [
            Workload("bedrock-from-gke", AWS_KEYS, [("aws-bedrock", "aws-web-identity", BEDROCK)]),
            Workload(
                "bedrock-at-own-path", AWS_KEYS, [("aws-bedrock", "aws-web-identity", BEDROCK)], reverse=False,
                variables={
                    "AWS_ROLE_ARN": ROLE,
                    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
                }),
            Workload("vertex-on-gke", GKE_KEYS, [("google-vertex", "gke-workload-identity", GKE_VERTEX)]),
            Workload("vault-with-audience", VAULT_KEYS, [openai_key, anthropic_key]),
            Workload("file-from-vault", {
                **VAULT_ROLE, "lanyard.dev/vault-path.openai": "secret/data/ai/key",
                "lanyard.dev/secret-delivery": "vault-csi",
            }, [openai_file]),
            # Nobody says that the key has been fetched.
            Workload("variable-from-vault", {
                "lanyard.dev/vault-path.openai": "secret/data/ai/key",
                "lanyard.dev/secret-delivery": "external-secret",
            }, [openai_variable], reason="SecretNotSynced"),
        ]),
        Platform("iks", {}, [
            Workload("watsonx", IBM_KEYS, [watsonx]),
            Workload("watsonx-by-name", {"lanyard.dev/ibm-trusted-profile": PROFILE_NAME}, [
                ("ibm-watsonx", "ibm-trusted-profile", WATSONX_BY_NAME)], reverse=False),
            Workload("stranger-on-iks", IBM_KEYS, [watsonx], trusted=False),
        ]),
        Platform("oke", {}, [
            Workload("oracle", ORACLE_KEYS, [oracle]),
            Workload("stranger-on-oke", ORACLE_KEYS, [oracle], trusted=False),
            # RRSA is no matter of ACK alone.
            Workload("alibaba-from-oke", ALIBABA_KEYS, [alibaba], reverse=False, reason="ModelNotReachable"),
        ]),
        Platform("ack", {}, [
            Workload("rrsa", ALIBABA_KEYS, [alibaba], reverse=False, reason="ModelNotReachable"),
            # The key reaches models, and the role what else there is.
            Workload("model-studio", {
                **ALIBABA_KEYS, **VAULT_ROLE, "lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/ai/key",
            }, [alibaba, dashscope_key]),
            Workload("stranger-on-ack", ALIBABA_KEYS, [alibaba], trusted=False, reason="ModelNotReachable"),
        ]),
    ]
