"""Installing, configuring and running: what the chart makes of a cluster."""

import base64

from processes import Failure, eventually
from release import INJECTOR, LEASE, NAMESPACE, SECRET, VALIDATOR, has_running_container

RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def install(world):
    release, cluster = world.release, world.cluster
    yield "helm installs two replicas, which become ready", lambda: release.install("eks") and None
    yield "they keep the restricted Pod Security Standard", lambda: expect_restricted(
        [pod for pod in release.pods() if has_running_container(pod)])
    yield "one of them leads", lambda: leader(cluster, release)
    yield "both webhook configurations trust the one CA of the Secret", lambda: expect_trust(cluster)
    yield "kubectl get wid shows an identity", lambda: listed_identity(cluster)


def expect_restricted(pods):
    if len(pods) != 2:
        raise Failure(f"there are {len(pods)} pods")
    for pod in pods:
        specification = pod["spec"]
        context = specification["securityContext"]
        if not context["runAsNonRoot"] or context["seccompProfile"] != {"type": "RuntimeDefault"}:
            raise Failure(f"the pod's security context is {context}")
        for container in specification["containers"]:
            if container["securityContext"] != RESTRICTED:
                raise Failure(f"the container's security context is {container['securityContext']}")
        if any(field in specification for field in ["hostPID", "hostIPC"]):
            raise Failure("it shares the node's processes")
        if restarts := [each["restartCount"] for each in pod["status"]["containerStatuses"] if each["restartCount"]]:
            raise Failure(f"containers were restarted: {restarts}")


def leader(cluster, release):
    def attempt():
        holder = cluster.call("GET", LEASE)["spec"]["holderIdentity"]
        if not any(pod["metadata"]["name"] in holder for pod in release.pods()):
            raise Failure(f"{holder!r} leads, which is none of the pods")
        return holder

    return eventually(attempt, "a replica leads")


def expect_trust(cluster):
    certificates = "".join(
        base64.b64decode(value).decode() for value in cluster.call("GET", SECRET)["data"].values())
    for path, count in [(INJECTOR, 3), (VALIDATOR, 1)]:
        hooks = cluster.call("GET", path)["webhooks"]
        bundles = {hook["clientConfig"].get("caBundle") for hook in hooks}
        if len(hooks) != count or len(bundles) != 1:
            raise Failure(f"{path.rpartition('/')[2]} has {len(hooks)} entries and {len(bundles)} CAs")
        if base64.b64decode(bundles.pop() or "").decode().strip() not in certificates:
            raise Failure(f"what {path.rpartition('/')[2]} trusts is not in the Secret")


def listed_identity(cluster):
    cluster.apply({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
            "name": "listed", "namespace": "default", "annotations": {
                "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/listed",
                "lanyard.dev/aws-region": "us-east-1",
            },
        },
    })

    def attempt():
        header, *lines = cluster.kubectl("get", "wid", "-n", "default").splitlines()
        if header.split() != ["NAME", "PLATFORM", "PROVIDERS", "READY", "REASON", "PODS", "AGE"]:
            raise Failure(f"the columns are {header!r}")
        line = next((line.split() for line in lines if line.startswith("listed ")), None)
        if line is None or line[1:5] != ["eks", "aws-bedrock", "True", "Ready"]:
            raise Failure(f"it is shown as {line}")
        return " ".join(line[:5])

    return eventually(attempt, "the identity is listed")


def bad_configuration(world):
    """A configuration that Lanyard refuses. It comes by a variable, which the chart's schema does not look into."""
    release = world.release
    world.require_installed()
    release.install("eks", more={"extraEnv": [{"name": "LANYARD_PLATFORM", "value": "nonsense"}]}, wait=False)
    try:
        yield "what is wrong with a configuration stands in the pod's status", lambda: told_in_status(release)
        yield "the replicas with the good one serve on", lambda: release.expect_injection()
    finally:
        release.install("eks")


def told_in_status(release):
    def attempt():
        messages = [
            state["terminated"].get("message", "")
            for pod in release.pods() for each in pod["status"].get("containerStatuses", [])
            for state in [each["state"], each["lastState"]] if "terminated" in state
        ]
        if not messages:
            raise Failure("no container has ended")
        if not any("nonsense" in message for message in messages):
            raise Failure(f"the messages are {messages}")
        return next(message.strip().splitlines()[-1] for message in messages if "nonsense" in message)

    return eventually(attempt, "a container ends with a message")


def ipv6(world):
    """Another cluster, whose pods and Services have IPv6 addresses alone."""
    with world.another_cluster("ipv6", "--ipv6") as (cluster, release):
        yield "Lanyard becomes ready where there is no IPv4", lambda: release.install("eks") and None
        yield "all addresses are of IPv6", lambda: expect_ipv6(cluster, release)
        yield "kubectl get wid shows an identity", lambda: listed_identity(cluster)


def expect_ipv6(cluster, release):
    services = cluster.items(f"/api/v1/namespaces/{NAMESPACE}/services")
    addresses = [pod["status"]["podIP"] for pod in release.pods()]
    addresses += [service["spec"]["clusterIP"] for service in services]
    if others := [address for address in addresses if ":" not in address]:
        raise Failure(f"there are {others}")
    return ", ".join(addresses)
