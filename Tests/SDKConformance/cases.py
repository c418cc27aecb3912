"""What is shown: workloads on platforms, and for each what its SDK must say, and when it must fail."""

from dataclasses import dataclass, field, replace

from control_plane import NAMESPACE
from endpoints import AWS, Entra, Google

POOL = "projects/123456789012/locations/global/workloadIdentityPools/clusters"
PROVIDER = f"{POOL}/providers/demo"
EMAIL = "vertex@my-project.iam.gserviceaccount.com"
ROLE = "arn:aws:iam::111122223333:role/bedrock"
CLIENT = "11111111-2222-4333-8444-555555555555"
TENANT = "66666666-7777-4888-9999-aaaaaaaaaaaa"
RULE, ORGANIZATION = "fdrl_01Rule", "22222222-2222-4333-8444-555555555555"
ACCOUNT, WORKSPACE = "svac_01Account", "wrkspc_01Workspace"

AWS_KEYS = {"eks.amazonaws.com/role-arn": ROLE, "lanyard.dev/aws-region": AWS.region}
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
VAULT_ROLE = {"lanyard.dev/vault-role": "conformance"}

# In place of the key that is stored in Vault.
STORED_KEY = "the stored key"

# The one whom no provider trusts.
STRANGER = "stranger"


def subject(name):
    return f"system:serviceaccount:{NAMESPACE}:{name}"


@dataclass(frozen=True)
class Without:
    """A variable that was injected is taken away: how the SDK fails, and whom it asks besides."""

    variable: str
    failure: str
    hosts: frozenset = frozenset()


@dataclass(frozen=True)
class Application:
    """An application with its SDK, and what is known of how the SDK behaves."""

    sdk: str
    script: str
    # What the SDK must say of its credential, and who must have called the model by then.
    credential: str
    caller: str
    # Whom it must ask, and whom it may ask in the background.
    hosts: set
    background: set = field(default_factory=set)
    without: tuple = ()
    # With a token for another audience, and with the token of a ServiceAccount that is not trusted.
    other_audience: str = ""
    stranger: str = ""
    # Kept from looking for the metadata server of a machine that has none, when it finds nothing else.
    guard: dict = field(default_factory=dict)


BEDROCK = Application(
    sdk="boto3", script="bedrock", credential="assume-role-with-web-identity", caller=ROLE, hosts=AWS.hosts,
    without=(
        Without("AWS_ROLE_ARN", "InvalidConfigError"),
        Without("AWS_WEB_IDENTITY_TOKEN_FILE", "NoCredentialsError: Unable to locate credentials"),
        Without("AWS_DEFAULT_REGION", "NoRegionError: You must specify a region."),
    ),
    other_audience="(InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: Incorrect token",
    stranger="(AccessDenied) when calling the AssumeRoleWithWebIdentity operation",
    guard={"AWS_EC2_METADATA_DISABLED": "true"})

AZURE_OPENAI = Application(
    sdk="azure-identity", script="azure_openai", credential="WorkloadIdentityCredential", caller=CLIENT,
    hosts=Entra.hosts,
    without=(
        Without("AZURE_CLIENT_ID", "Missing required arguments: 'client_id'"),
        Without("AZURE_TENANT_ID", "Missing required arguments: 'tenant_id'"),
        Without("AZURE_FEDERATED_TOKEN_FILE", "Missing required arguments: 'token_file_path'"),
    ),
    other_audience="AADSTS700212", stranger="AADSTS700213",
    guard={"AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential"})

FEDERATED_VERTEX = Application(
    sdk="google-auth", script="vertex", credential="google.auth.identity_pool.Credentials",
    caller=f"principal://iam.googleapis.com/{POOL}/subject/{{subject}}",
    hosts={Google.exchange, Google.model},
    # It asks for the locations that the pool allows.
    background={Google.impersonation},
    without=(
        Without("GOOGLE_APPLICATION_CREDENTIALS", "Your default credentials were not found"),
        # Then it asks for the name of the project that has the pool's number.
        Without("GOOGLE_CLOUD_PROJECT", "ProxyError", frozenset({"cloudresourcemanager.googleapis.com"})),
    ),
    other_audience="The audience in ID Token [...] does not match the expected audience.",
    stranger="The given credential is rejected by the attribute condition.",
    guard={"NO_GCE_CHECK": "true"})

IMPERSONATING_VERTEX = replace(FEDERATED_VERTEX, caller=EMAIL, hosts=Google.hosts)

GKE_VERTEX = Application(
    sdk="google-auth", script="vertex", credential="google.auth.compute_engine.credentials.Credentials",
    caller="the pod's principal", hosts={Google.model},
    # The metadata server names the project of the node, which is not the one to be billed.
    without=(Without("GOOGLE_CLOUD_PROJECT", "404 Client Error"),))

ANTHROPIC = Application(
    sdk="anthropic", script="anthropic_messages", credential="WorkloadIdentityCredentials", caller=RULE,
    hosts={"api.anthropic.com"},
    without=(
        *(
            Without(variable, "Could not resolve authentication method")
            for variable in [
                "ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_ORGANIZATION_ID", "ANTHROPIC_IDENTITY_TOKEN_FILE",
            ]
        ),
        # Optional for the SDK, and not for this rule.
        *(
            Without(variable, "Token exchange failed (HTTP 401)")
            for variable in ["ANTHROPIC_SERVICE_ACCOUNT_ID", "ANTHROPIC_WORKSPACE_ID"]
        ),
    ),
    other_audience="Token exchange failed (HTTP 401)", stranger="Token exchange failed (HTTP 401)")

OPENAI_KEY = Application(
    sdk="openai", script="openai_chat", credential=STORED_KEY, caller="the stored key", hosts={"api.openai.com"},
    without=(Without("OPENAI_API_KEY", "Missing credentials."),))

ANTHROPIC_KEY = Application(
    sdk="anthropic", script="anthropic_messages", credential=STORED_KEY, caller="the stored key",
    hosts={"api.anthropic.com"}, without=(Without("ANTHROPIC_API_KEY", "Could not resolve authentication method"),))


@dataclass(frozen=True)
class Workload:
    """A ServiceAccount with its annotations, a pod of it, and the applications that run there."""

    name: str
    annotations: dict
    # By provider: its mechanism and its application.
    providers: dict
    # Whether the reverse is shown here, too.
    reverse: bool = True


@dataclass(frozen=True)
class Platform:
    name: str
    settings: dict
    workloads: list


def platforms(vault_address):
    """All that is shown. On GKE, Vault wants tokens of its own audience; on EKS, it takes the pod's own."""
    # The stranger asks for all of these.
    federations = {**AWS_KEYS, **AZURE_KEYS, **IMPERSONATION_KEYS, **ANTHROPIC_KEYS}
    on_eks = {
        "aws-bedrock": ("irsa", BEDROCK),
        "azure-openai": ("azure-workload-identity", AZURE_OPENAI),
        "google-vertex": ("gcp-workload-identity-federation", IMPERSONATING_VERTEX),
        "anthropic": ("anthropic-federation", ANTHROPIC),
    }
    vault_keys = {
        **VAULT_ROLE, "lanyard.dev/vault-path.openai": "secret/data/ai/key",
        "lanyard.dev/vault-path.anthropic": "secret/data/ai/key", "lanyard.dev/mechanism.anthropic": "vault-agent",
        "lanyard.dev/vault-key.anthropic": "anthropic-key",
    }
    vault = {"openai": ("vault-agent", OPENAI_KEY), "anthropic": ("vault-agent", ANTHROPIC_KEY)}
    return [
        Platform("eks", {}, [
            Workload("irsa", AWS_KEYS, {"aws-bedrock": ("irsa", BEDROCK)}),
            Workload("azure-from-eks", AZURE_KEYS, {
                "azure-openai": ("azure-workload-identity", AZURE_OPENAI)}, reverse=False),
            Workload("vertex-from-eks", GOOGLE_KEYS, {
                "google-vertex": ("gcp-workload-identity-federation", FEDERATED_VERTEX)}),
            Workload("anthropic", ANTHROPIC_KEYS, {"anthropic": ("anthropic-federation", ANTHROPIC)}),
            # One pod for four providers, also of Vault's agent beside IRSA.
            Workload("gateway", {
                **AWS_KEYS, **AZURE_KEYS, **IMPERSONATION_KEYS, **VAULT_ROLE,
                "lanyard.dev/vault-path.openai": "secret/data/ai/key",
            }, {
                **{name: on_eks[name] for name in ["aws-bedrock", "azure-openai", "google-vertex"]},
                "openai": vault["openai"],
            }, reverse=False),
            Workload("vertex-impersonating", IMPERSONATION_KEYS, {
                "google-vertex": ("gcp-workload-identity-federation", IMPERSONATING_VERTEX)}),
            Workload("vault", vault_keys, vault),
            Workload(STRANGER, federations, on_eks),
        ]),
        Platform("aks", {}, [
            Workload("azure-on-aks", AZURE_KEYS, {"azure-openai": ("azure-workload-identity", AZURE_OPENAI)}),
        ]),
        Platform("gke", {
            "vault": {"audience": "vault", "address": vault_address, "authPath": "auth/gke"},
        }, [
            Workload("bedrock-from-gke", AWS_KEYS, {"aws-bedrock": ("aws-web-identity", BEDROCK)}),
            Workload("vertex-on-gke", GKE_KEYS, {"google-vertex": ("gke-workload-identity", GKE_VERTEX)}),
            Workload("vault-with-audience", vault_keys, vault),
        ]),
    ]
