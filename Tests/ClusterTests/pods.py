"""Pods, and what is seen in them."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from endpoints.endpoint import Verifier
from processes import Failure, eventually
from release import is_ready

SEEN_IN_POD = (Path(__file__).parent / "seen_in_pod.py").read_text()
INJECTED = "lanyard.dev/injected"


@dataclass(frozen=True)
class Token:
    """A token that a pod's provider takes, and the variable that leads to its file."""

    variable: str
    audience: str
    seconds: int = 3600


def stamp(pod):
    return pod["metadata"].get("annotations", {}).get(INJECTED)


def only_pod(cluster, namespace, app):
    """The one pod of a Deployment that is not ending."""
    pods = [
        pod for pod in cluster.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app={app}")
        if "deletionTimestamp" not in pod["metadata"]
    ]
    if len(pods) != 1:
        raise Failure(f"{namespace}/{app} has {len(pods)} pods")
    return pods[0]


def running_pod(cluster, namespace, app, within=60):
    """A Deployment's pod once its containers run."""
    def attempt():
        pod = only_pod(cluster, namespace, app)
        if not is_ready(pod):
            raise Failure(f"{namespace}/{pod['metadata']['name']} is not ready: {plight(pod)}")
        return pod

    return eventually(attempt, f"{namespace}/{app} runs", within)


def plight(pod):
    """Why a pod does not run, as far as its status says."""
    status = pod.get("status", {})
    states = [
        state for kind in ("initContainerStatuses", "containerStatuses") for each in status.get(kind, [])
        for state in [each.get("state", {}), each.get("lastState", {})]
    ]
    reasons = {
        f"{what.get('reason')}: {what.get('message', what.get('exitCode', ''))}"
        for state in states for kind, what in state.items() if kind != "running"
    }
    return ", ".join(sorted(reasons)) or status.get("phase")


def seen(cluster, pod, container, variables):
    """What a process of the container reads."""
    metadata = pod["metadata"]
    said = cluster.kubectl(
        "exec", "-n", metadata["namespace"], metadata["name"], "-c", container, "--", "python3", "-c", SEEN_IN_POD,
        *variables)
    return json.loads(said)


def variables_of(pod, container="app"):
    """The names of a container's variables."""
    return [
        each["name"] for candidate in pod["spec"]["containers"] if candidate["name"] == container
        for each in candidate.get("env", [])
    ]


def expect_tokens(cluster, pod, container, tokens):
    """A process of the container, which is not root, reads the tokens that it needs; returns what it says."""
    said = seen(cluster, pod, container, variables_of(pod, container))
    if said["uid"] == 0:
        raise Failure("the process is root's")
    if missing := [name for name, value in said["variables"].items() if not value]:
        raise Failure(f"empty: {missing}")
    for token in tokens:
        expect_token(cluster, pod, token_text(said, token), token)
    return said


def token_text(said, token):
    path = said["variables"].get(token.variable)
    if path is None:
        raise Failure(f"{token.variable} is not set")
    text = said["files"][path]
    if text.startswith("{"):
        text = said["files"][json.loads(text)["credential_source"]["file"]]
    return text


def expect_token(cluster, pod, text, token):
    """The API server's signature, and every claim that a provider looks at."""
    claims = Verifier(cluster.issuer, cluster.keys).claims(text, token.audience)
    metadata, account = pod["metadata"], pod["spec"]["serviceAccountName"]
    bound = claims["kubernetes.io"]["pod"]
    expected = {
        "sub": f"system:serviceaccount:{metadata['namespace']}:{account}", "aud": [token.audience],
        "pod": metadata["uid"], "seconds": token.seconds,
    }
    found = {
        "sub": claims["sub"], "aud": claims["aud"], "pod": bound["uid"], "seconds": claims["exp"] - claims["iat"],
    }
    if found != expected:
        raise Failure(f"the token says {found}, not {expected}")
    if claims["exp"] <= time.time():
        raise Failure("the token has expired")


def container_end(cluster, namespace, name, container, within=120):
    """The exit code of a container that ends, while others of its pod may go on."""
    def attempt():
        pod = cluster.call("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
        for each in pod.get("status", {}).get("containerStatuses", []):
            if each["name"] == container and "terminated" in each["state"]:
                return each["state"]["terminated"]["exitCode"]
        raise Failure(f"{namespace}/{name} goes on: {plight(pod)}")

    return eventually(attempt, f"{namespace}/{name} ends", within)


def logs(cluster, namespace, name, container):
    status, text = cluster.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}/log?container={container}")
    if status != 200:
        raise Failure(f"no logs of {namespace}/{name}: {text}")
    return text
