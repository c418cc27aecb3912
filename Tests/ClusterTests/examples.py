"""The examples as they stand in manifests/examples: their pods run, and read what the variables name."""

from dataclasses import dataclass

from pods import Token, expect_tokens, running_pod, stamp
from processes import Failure, eventually

EXAMPLES = "ai-demo"
POOL = "projects/123456789012/locations/global/workloadIdentityPools/clusters/providers/demo"

AWS = Token("AWS_WEB_IDENTITY_TOKEN_FILE", "sts.amazonaws.com", 86400)
AZURE = Token("AZURE_FEDERATED_TOKEN_FILE", "api://AzureADTokenExchange")
GOOGLE = Token("GOOGLE_APPLICATION_CREDENTIALS", f"https://iam.googleapis.com/{POOL}")
ANTHROPIC = Token("ANTHROPIC_IDENTITY_TOKEN_FILE", "https://api.anthropic.com")
OPENAI = Token("OPENAI_IDENTITY_TOKEN_FILE", "https://api.openai.com/v1")
ALIBABA = Token("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "sts.aliyuncs.com")
IBM = Token("WATSONX_CR_TOKEN_FILENAME", "iam")


@dataclass(frozen=True)
class Example:
    name: str
    # What its pod is stamped with, on EKS or on its own platform.
    injected: str
    tokens: tuple = ()
    # What the Deployment's condition and `kubectl get wid` say.
    reason: str = "Ready"
    # The provider whose key Vault's agent brings, and the variable that it exports.
    key: tuple = ()


ON_EKS = [
    Example("bedrock", "aws-bedrock=irsa", (AWS,)),
    Example("azure-openai", "azure-openai=azure-workload-identity", (AZURE,)),
    Example("vertex-ai", "google-vertex=gcp-workload-identity-federation", (GOOGLE,)),
    Example("anthropic-federation", "anthropic=anthropic-federation", (ANTHROPIC,)),
    Example("openai-federation", "openai=openai-federation", (OPENAI,)),
    Example("openai-vault", "openai=vault-agent", key=("openai", "OPENAI_API_KEY")),
    Example("anthropic-vault", "anthropic=vault-agent", key=("anthropic", "ANTHROPIC_API_KEY")),
    Example(
        "alibaba-modelstudio", "alibaba-modelstudio=alibaba-rrsa,alibaba-modelstudio=vault-agent", (ALIBABA,),
        key=("alibaba-modelstudio", "DASHSCOPE_API_KEY")),
    Example(
        "gateway",
        "aws-bedrock=irsa,azure-openai=azure-workload-identity,google-vertex=gcp-workload-identity-federation,"
        "openai=vault-agent", (AWS, AZURE, GOOGLE), key=("openai", "OPENAI_API_KEY")),
]
# On EKS they have no usable mechanism; their pods run without.
ELSEWHERE = {
    "iks": Example("ibm-watsonx", "ibm-watsonx=ibm-trusted-profile", (IBM,)),
    "oke": Example("oracle-genai", "oracle-genai=oke-workload-identity"),
}


def examples(world):
    """All of them at once, on EKS, with Vault and its injector in the cluster."""
    cluster = world.cluster
    world.require_installed()
    world.require_vault()
    cluster.kubectl("delete", "namespace", EXAMPLES, "--ignore-not-found", "--timeout=50s")
    cluster.kubectl("apply", "-k", f"{cluster.repository}/manifests/examples")
    for example in ON_EKS:
        yield f"{example.name} runs and reads its credentials", lambda example=example: show(world, example)
    for example in ELSEWHERE.values():
        yield f"{example.name} has no usable mechanism on EKS, and runs", (
            lambda example=example: runs_without(world, example))


def example_of(world, platform):
    """The check of the example that belongs to this platform, if there is one; its pod is made again there."""
    example = ELSEWHERE.get(platform)
    if example is not None:
        world.cluster.kubectl("apply", "-f", f"{world.cluster.repository}/manifests/examples/namespace.yaml")
        world.cluster.kubectl(
            "apply", "-f", f"{world.cluster.repository}/manifests/examples/{example.name}.yaml")
        world.cluster.kubectl("delete", "pods", "-n", EXAMPLES, "-l", f"app={example.name}", "--wait=false")
        yield f"{example.name} runs and reads its credentials", lambda: show(world, example)


def show(world, example):
    cluster = world.cluster
    pod = running_pod(cluster, EXAMPLES, example.name)
    if sorted((stamp(pod) or "").split(",")) != sorted(example.injected.split(",")):
        raise Failure(f"the pod is stamped {stamp(pod)!r}")
    said = expect_tokens(cluster, pod, "app", example.tokens)
    if example.key:
        expect_key(world, pod, *example.key)
    expect_condition(cluster, example.name, "True")
    eventually(lambda: expect_report(world.release, example), "the report says that all is well")
    return f"uid {said['uid']}, {len(said['files'])} files, {len(said['variables'])} variables"


def expect_key(world, pod, provider, variable):
    """The key reaches the environment of who reads the agent's file: of the container's command, if that does."""
    read = f'. /vault/secrets/{provider}.env && printf %s "${variable}"'
    command = pod["spec"]["containers"][0]["command"]
    if command[-1].startswith(". /vault/secrets/"):
        read = f"tr '\\0' '\\n' </proc/1/environ | sed -n 's/^{variable}=//p' | tr -d '\\n'"
    said = world.cluster.kubectl(
        "exec", "-n", EXAMPLES, pod["metadata"]["name"], "-c", "app", "--", "sh", "-c", read)
    if said != world.vault.value:
        raise Failure(f"{variable} is {said!r}")


def runs_without(world, example):
    pod = running_pod(world.cluster, EXAMPLES, example.name)
    if stamp(pod) is not None and "=" in stamp(pod):
        raise Failure(f"the pod is stamped {stamp(pod)!r}")
    expect_condition(world.cluster, example.name, "False")


def expect_condition(cluster, name, status):
    """What the Deployment says of its credentials."""
    cluster.kubectl(
        "wait", "-n", EXAMPLES, f"deployment/{name}", f"--for=condition=lanyard.dev/CredentialsReady={status}",
        "--timeout=30s")


def expect_report(release, example):
    condition = release.reports().get((EXAMPLES, example.name), {})
    if condition.get("reason") != example.reason:
        raise Failure(f"the report says {condition}")
