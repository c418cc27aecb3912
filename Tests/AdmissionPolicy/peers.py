"""What webhooks of others do to a pod, as their sources say it, as far as they may meet what the policy has done. See policy.py.

Those that serve the same identity on their own platform are not among them: there the policy has nothing to do with it
(CompiledPlanTests).
"""

import copy


def containers_of(pod):
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]


def add(place, name, item, first=False):
    """Adds to a list what is not there by its name."""
    items = place.setdefault(name, [])
    if all(other["name"] != item["name"] for other in items):
        items.insert(0 if first else len(items), item)


def add_token(pod, volume, audience, file, path, first=False):
    add(pod["spec"], "volumes", {"name": volume, "projected": {"sources": [
        {"serviceAccountToken": {"audience": audience, "expirationSeconds": 3600, "path": file}}]}}, first)
    for container in containers_of(pod):
        add(container, "volumeMounts", {"name": volume, "mountPath": path, "readOnly": True})


def azure(pod, volume="azure-workload-identity-reserved-0123456789", path="/var/run/secrets/azure/wi",
          file="token/azure-identity-token"):
    """https://github.com/Azure/azure-workload-identity/blob/v1.6.0/pkg/webhook/webhook.go"""
    add_token(pod, volume, "api://AzureADTokenExchange", file, path)
    for container in containers_of(pod):
        for name, value in (
                ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"), ("AZURE_TENANT_ID", "theirs"),
                ("AZURE_FEDERATED_TOKEN_FILE", f"{path}/{file}"), ("AZURE_AUTHORITY_HOST", "https://login.example/")):
            add(container, "env", {"name": name, "value": value})


def azure_until_1_5(pod):
    """https://github.com/Azure/azure-workload-identity/blob/v1.5.1/pkg/webhook/consts.go"""
    azure(pod, "azure-identity-token", "/var/run/secrets/azure/tokens", "azure-identity-token")


def eks(pod):
    """https://github.com/aws/amazon-eks-pod-identity-webhook/blob/master/pkg/handler/handler.go, by a name that says nothing"""
    # A role that a configuration file assumes gives way to the peer's in either order, and the webhook says so.
    if any(item["name"] == "AWS_CONFIG_FILE" for container in containers_of(pod) for item in container.get("env", [])):
        return
    path = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    add_token(pod, "aws-iam-token", "sts.amazonaws.com", "token", path, first=True)
    for container in containers_of(pod):
        for pair in ((("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_REGION", "us-east-1")),
                     (("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/theirs"),
                      ("AWS_WEB_IDENTITY_TOKEN_FILE", f"{path}/token"))):
            names = {item["name"] for item in container.get("env", [])}
            if names.isdisjoint(name for name, _ in pair):
                for name, value in pair:
                    add(container, "env", {"name": name, "value": value})


def mesh(pod, first=False):
    """A sidecar beside the others, and an init container; some put theirs first."""
    add(pod["spec"], "initContainers", {"name": "mesh-init", "image": "mesh"}, first)
    add(pod["spec"], "containers", {
        "name": "mesh-proxy", "image": "mesh", "env": [{"name": "MESH", "value": "x"}],
        "volumeMounts": [{"name": "mesh", "mountPath": "/var/run/secrets/mesh"}]}, first)
    add(pod["spec"], "volumes", {"name": "mesh", "emptyDir": {}}, first)


def mesh_first(pod):
    mesh(pod, first=True)


PEERS = [azure, azure_until_1_5, eks, mesh, mesh_first]


def after(peer, pod):
    pod = copy.deepcopy(pod)
    peer(pod)
    return pod


def failures(pod, by_peer, by_webhook):
    """What is wrong with a pod that the policy has injected, then a peer's webhook, and then Lanyard's."""
    if "denied" in by_webhook:
        yield f"is denied: {by_webhook['denied']}"
        return
    for what, result in (("it", by_peer), ("the webhook after it", by_webhook)):
        for container in containers_of(pod):
            same = next(item for item in containers_of(result) if item["name"] == container["name"])
            for part in ("env", "volumeMounts"):
                if any(item not in same.get(part, []) for item in container.get(part, [])):
                    yield f"{what} changes {part} of {container['name']}"
        if any(volume not in result["spec"]["volumes"] for volume in pod["spec"]["volumes"]):
            yield f"{what} changes the volumes"
        for container in containers_of(result):
            names = [item["name"] for item in container.get("env", [])]
            paths = [item["mountPath"] for item in container.get("volumeMounts", [])]
            if len({*names}) < len(names) or len({*paths}) < len(paths):
                yield f"{what} gives {container['name']} something twice"
    known = {container["name"] for container in containers_of(pod)}
    for container, before in zip(containers_of(by_webhook), containers_of(by_peer), strict=True):
        if container["name"] in known and container != before:
            yield f"the webhook after it adds to {container['name']}"
    for stamp in ("lanyard.dev/plan", "lanyard.dev/injected"):
        if by_webhook["metadata"]["annotations"][stamp] != pod["metadata"]["annotations"][stamp]:
            yield f"{stamp} is {by_webhook['metadata']['annotations'][stamp]}"
