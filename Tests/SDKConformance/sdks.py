"""The applications, and what is known of their SDKs: what they say when all is well, and how they fail."""

from dataclasses import dataclass, field, replace

from endpoints.alibaba import Alibaba
from endpoints.aws import AWS, EKSPodIdentityAgent
from endpoints.azure import Entra
from endpoints.google import Google
from endpoints.ibm import IBM
from endpoints.openai import OpenAI
from endpoints.oracle import Oracle

# The identities that the providers know.
POOL = "projects/123456789012/locations/global/workloadIdentityPools/clusters"
PROVIDER = f"{POOL}/providers/demo"
EMAIL = "vertex@my-project.iam.gserviceaccount.com"
ROLE = "arn:aws:iam::111122223333:role/bedrock"
SECOND_ROLE, EXTERNAL_ID = "arn:aws:iam::444455556666:role/models", "team/1"
CLIENT = "11111111-2222-4333-8444-555555555555"
TENANT = "66666666-7777-4888-9999-aaaaaaaaaaaa"
RULE, ORGANIZATION = "fdrl_01Rule", "22222222-2222-4333-8444-555555555555"
ACCOUNT, WORKSPACE = "svac_01Account", "wrkspc_01Workspace"
OPENAI_PROVIDER, OPENAI_ACCOUNT = "idp_conformance", "sa_conformance"
PROFILE, PROFILE_NAME = "Profile-33333333-2222-4333-8444-555555555555", "Models of the team"
COMPARTMENT = "ocid1.compartment.oc1..conformance"
RAM_ROLE = "acs:ram::1234567890123456:role/models"
RAM_PROVIDER = "acs:ram::1234567890123456:oidc-provider/cluster"

# In place of the key that is stored in Vault.
STORED_KEY = "the stored key"


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
    # Whether a path of the pod stands in the SDK, and not in a variable.
    has_fixed_path: bool = False
    # Kept from looking for the metadata server of a machine that has none, when it finds nothing else.
    guard: dict = field(default_factory=dict)

    def output(self, subject, stored_key):
        """What it prints when all is well."""
        return {
            "credential": stored_key if self.credential == STORED_KEY else self.credential,
            "answer": f"called by {self.caller.format(subject=subject)}",
        }


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

# The role is in a file, with the first one that assumes it.
SECOND_ROLE_BEDROCK = replace(
    BEDROCK, credential="assume-role", caller=SECOND_ROLE,
    without=(Without("AWS_CONFIG_FILE", "NoCredentialsError: Unable to locate credentials"),))

POD_IDENTITY_BEDROCK = replace(
    BEDROCK, credential="container-role", hosts=EKSPodIdentityAgent.hosts,
    without=(
        Without("AWS_CONTAINER_CREDENTIALS_FULL_URI", "NoCredentialsError: Unable to locate credentials"),
        # It asks without a token.
        Without("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "Received non 200 response 400 from container metadata"),
        Without("AWS_DEFAULT_REGION", "NoRegionError: You must specify a region."),
    ),
    other_audience="InvalidTokenException: Audience doesn't match", stranger="ResourceNotFoundException")

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

# The application reads the variables by itself, so it is the one that fails without them.
FEDERATED_OPENAI = Application(
    sdk="openai", script="openai_federation", credential="WorkloadIdentityAuth", caller=OPENAI_ACCOUNT,
    hosts=OpenAI.hosts,
    without=tuple(
        Without(variable, f"KeyError: '{variable}'")
        for variable in ["OPENAI_IDENTITY_PROVIDER_ID", "OPENAI_SERVICE_ACCOUNT_ID", "OPENAI_IDENTITY_TOKEN_FILE"]
    ),
    other_audience="The subject token is not valid: Audience doesn't match",
    stranger="No mapping of the service account matches the subject token.")

# WATSONX_AUTH_TYPE is not among what it fails without: it is the default where there is no key.
WATSONX = Application(
    sdk="ibm-cloud-sdk-core", script="watsonx_chat", credential="ContainerAuthenticator", caller=PROFILE,
    hosts=IBM.hosts,
    without=(
        Without("WATSONX_IAM_PROFILE_ID", "At least one of iam_profile_name or iam_profile_id must be specified."),
        Without("WATSONX_CR_TOKEN_FILENAME", "Unable to retrieve the CR token"),
    ),
    other_audience="Provided token is not valid.", stranger="Selected trusted profile not eligible.")

WATSONX_BY_NAME = replace(WATSONX, caller=PROFILE_NAME)

# OCI_RESOURCE_PRINCIPAL_VERSION is not among what it fails without: it is the SDK for Go that wants it.
ORACLE_CHAT = Application(
    sdk="oci", script="oracle_chat", credential="OkeWorkloadIdentityResourcePrincipalSigner", caller="{subject}",
    hosts=Oracle.hosts,
    without=(Without("OCI_RESOURCE_PRINCIPAL_REGION", "Must supply either a region or an endpoint."),),
    # What it says of every token that the proxymux refuses.
    other_audience="Please ensure the cluster type is enhanced", stranger="NotAuthorizedOrNotFound",
    has_fixed_path=True)

# It reaches Alibaba Cloud's APIs, and no model. ALIBABA_CLOUD_STS_REGION is not among what it fails without: it would
# ask the central endpoint. Nor is ALIBABA_CLOUD_ECS_METADATA_DISABLED: it would ask the node, which is not loopback.
ALIBABA_APIS = Application(
    sdk="alibabacloud-credentials", script="alibaba_apis", credential="default/oidc_role_arn",
    caller=RAM_ROLE.replace(":role/", ":assumed-role/"), hosts={Alibaba.exchange},
    without=tuple(
        # The chain passes from keys to profiles without having looked for a role.
        Without(variable, "accessKeyId cannot be empty', 'CLIProfileCredentialsProvider")
        for variable in [
            "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
        ]
    ),
    other_audience="AuthenticationFail.OIDCToken.AudienceNotMatch", stranger="AuthenticationFail.NoPermission")

OPENAI_KEY = Application(
    sdk="openai", script="openai_chat", credential=STORED_KEY, caller="the stored key", hosts={OpenAI.model},
    without=(Without("OPENAI_API_KEY", "Missing credentials."),))

ANTHROPIC_KEY = Application(
    sdk="anthropic", script="anthropic_messages", credential=STORED_KEY, caller="the stored key",
    hosts={"api.anthropic.com"}, without=(Without("ANTHROPIC_API_KEY", "Could not resolve authentication method"),))

DASHSCOPE_KEY = Application(
    sdk="openai", script="dashscope_chat", credential=STORED_KEY, caller="the stored key", hosts={Alibaba.model},
    without=(Without("DASHSCOPE_API_KEY", "Missing credentials."),))
