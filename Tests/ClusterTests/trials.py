"""Pods that try their own trust as they start: the node's agent is asked, which answers nobody else."""

import json
from datetime import datetime

from cases import POD_IDENTITY_KEYS
from control_plane import NAMESPACE
from pods import logs, running_pod
from processes import Failure, eventually

CONTAINER = "lanyard-verify"
# One has an association at the agent.
OUTCOMES = {
    "pod-identity": ("True", "Verified"), "stranger-without-association": ("False", "AssociationNotFound"),
}
NOBODY_THERE = "tried-for-nothing"


def trials(world):
    world.require_vault()
    cluster = world.cluster
    world.release.install("eks", {"verify": {"endpoints": {"openai": "http://127.0.0.1:1"}}}, 1, more={
        "verify": {"inPods": {"enabled": True}}})
    openai = {"lanyard.dev/openai-identity-provider-id": "idp-1", "lanyard.dev/openai-service-account-id": "sa-1"}
    cluster.kubectl("delete", "deployments", "-n", NAMESPACE, "--all", "--wait")
    cluster.service_accounts({**dict.fromkeys(OUTCOMES, POD_IDENTITY_KEYS), NOBODY_THERE: openai})
    cluster.apply(*(deployment(world, name) for name in [*OUTCOMES, NOBODY_THERE]))
    for name, (status, reason) in OUTCOMES.items():
        yield f"{name}: its pod tries it with its own token, and starts", lambda: tried(cluster, name, reason)
        yield f"{name}: the report says {reason}", lambda: reported(cluster, name, status, reason)
    yield "where nobody answers the pod starts within seconds", lambda: tried(cluster, NOBODY_THERE, "Unreachable")


def deployment(world, name):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"lanyard.dev/verify": "true"}},
                "spec": {
                    "serviceAccountName": name, "terminationGracePeriodSeconds": 1,
                    # Its file must be readable for a user that the pod does not name.
                    "containers": [{
                        "name": "app", "image": world.python.name, "imagePullPolicy": "Never",
                        "command": ["sleep", "infinity"], "securityContext": {"runAsUser": 10001},
                    }],
                },
            },
        },
    }


def tried(cluster, name, reason):
    pod = running_pod(cluster, NAMESPACE, name)
    states = {each["name"]: each["state"] for each in pod["status"]["initContainerStatuses"]}
    end = states[CONTAINER]["terminated"]
    if end["exitCode"] != 0 or end["reason"] != "Completed":
        raise Failure(f"it ended so: {end}")
    seconds = (moment(end["finishedAt"]) - moment(end["startedAt"])).total_seconds()
    if seconds > 10:
        raise Failure(f"it took {seconds} s")
    (result,) = json.loads(end["message"])["results"]
    if result["reason"] != reason:
        raise Failure(f"it says {result}")
    log = logs(cluster, NAMESPACE, pod["metadata"]["name"], CONTAINER)
    if log != end["message"] + "\n" or "ey" + "J" in log:
        raise Failure(f"its log is {log!r}")
    return f"{seconds:.0f} s"


def reported(cluster, name, status, reason):
    def attempt():
        report = cluster.call("GET", f"/apis/lanyard.dev/v1alpha1/namespaces/{NAMESPACE}/workloadidentities/{name}")
        conditions = report.get("status", {}).get("conditions", [])
        found = next(((each["status"], each["reason"]) for each in conditions if each["type"] == "Verified"), None)
        if found != (status, reason):
            raise Failure(f"Verified is {found}")
        (result,) = report["status"]["verification"]["results"]
        if not result.get("pod", "").startswith(name):
            raise Failure(f"it was seen in {result.get('pod')}")

    eventually(attempt, f"{name} is reported", 90)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
