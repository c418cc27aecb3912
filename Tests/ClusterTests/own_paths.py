"""Deployments that were written for other means, and say themselves where they expect a file.

Their containers set variables that the vendors' documents tell people to set, while nothing puts a file there.
"""

from pods import Token, expect_tokens, running_pod, stamp
from processes import Failure
from sdks import CLIENT, PROVIDER, TENANT

NAMESPACE = "own-paths"

AZURE_PATH = "/var/run/secrets/azure/tokens/azure-identity-token"
GOOGLE_PATH = "/var/run/secrets/workload-identity/google-application-credentials.json"


def workload(world, name, annotations, variables, pod_annotations=None, required=True):
    """A ServiceAccount and a Deployment as their authors wrote them."""
    labels = {"app": name, **({"lanyard.dev/inject": "required"} if required else {})}
    return [
        {
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": NAMESPACE, "annotations": annotations},
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": labels, "annotations": pod_annotations or {}},
                    "spec": {
                        "serviceAccountName": name, "terminationGracePeriodSeconds": 1,
                        "securityContext": {"runAsNonRoot": True, "runAsUser": 10002},
                        "containers": [{
                            "name": "app", "image": world.python.name, "imagePullPolicy": "Never",
                            "command": ["sleep", "infinity"],
                            "env": [{"name": key, "value": value} for key, value in variables.items()],
                        }],
                    },
                },
            },
        },
    ]


def own_paths(world):
    cluster = world.cluster
    world.require_installed()
    world.require_vault()
    cluster.namespace(NAMESPACE)
    azure = {"AZURE_CLIENT_ID": CLIENT, "AZURE_TENANT_ID": TENANT, "AZURE_FEDERATED_TOKEN_FILE": AZURE_PATH}
    google = {"GOOGLE_APPLICATION_CREDENTIALS": GOOGLE_PATH}
    cluster.apply(
        *workload(world, "azure", {
            "azure.workload.identity/client-id": CLIENT, "azure.workload.identity/tenant-id": TENANT}, azure),
        *workload(world, "google", {
            "lanyard.dev/providers": "google-vertex", "cloud.google.com/workload-identity-provider": PROVIDER,
            "lanyard.dev/gcp-project": "my-project", "lanyard.dev/gcp-location": "us-central1"}, google),
        *workload(world, "oracle", {}, {
            "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2", "OCI_RESOURCE_PRINCIPAL_REGION": "us-ashburn-1"}, required=False),
        *workload(world, "vault", {}, {}, vault_annotations(), required=False))
    yield "Azure's variables lead to a token at the container's own path", lambda: expect_file(
        world, "azure", Token("AZURE_FEDERATED_TOKEN_FILE", "api://AzureADTokenExchange"), AZURE_PATH)
    yield "Google's variable leads to a credential file at the container's own path", lambda: expect_file(
        world, "google", Token(
            "GOOGLE_APPLICATION_CREDENTIALS", f"https://iam.googleapis.com/{PROVIDER}"), GOOGLE_PATH)
    yield "a pod with OCI's variables alone asks for nothing, and runs as it is", lambda: expect_untouched(world)
    yield "a pod with the annotations of Vault's injector has the keys of its own templates", lambda: expect_keys(world)


def vault_annotations():
    prefix = "vault.hashicorp.com/"
    result = {f"{prefix}agent-inject": "true", f"{prefix}role": "ai-demo"}
    for name, variable in [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")]:
        path = f"secret/data/{name}/api-key"
        result[f"{prefix}agent-inject-secret-{name}"] = path
        result[f"{prefix}agent-inject-template-{name}"] = (
            f'{{{{- with secret "{path}" -}}}}\nexport {variable}="{{{{ .Data.data.key }}}}"\n{{{{- end }}}}\n')
    return result


def expect_file(world, name, token, path):
    pod = running_pod(world.cluster, NAMESPACE, name)
    said = expect_tokens(world.cluster, pod, "app", [token])
    if said["variables"][token.variable] != path:
        raise Failure(f"{token.variable} is {said['variables'][token.variable]}")
    return f"uid {said['uid']}, stamped {stamp(pod)}"


def expect_untouched(world):
    pod = running_pod(world.cluster, NAMESPACE, "oracle")
    if stamp(pod) is not None:
        raise Failure(f"the pod is stamped {stamp(pod)!r}")


def expect_keys(world):
    pod = running_pod(world.cluster, NAMESPACE, "vault")
    key, read = world.vault.value, "cat /vault/secrets/openai /vault/secrets/anthropic"
    said = world.cluster.kubectl(
        "exec", "-n", NAMESPACE, pod["metadata"]["name"], "-c", "app", "--", "sh", "-c", read)
    if said != f'export OPENAI_API_KEY="{key}"\nexport ANTHROPIC_API_KEY="{key}"\n':
        raise Failure(f"the files say {said!r}")
