"""Runs in a pod: a mutating webhook that does what Vault's injector does with `vault.hashicorp.com/` annotations.

It adds an init container and a sidecar with the real agent, a volume in memory at /vault/secrets, and the token's
mount: https://developer.hashicorp.com/vault/docs/deploy/kubernetes/injector/annotations
"""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from proxy import server_context
from vault import SECRETS, agent_configuration, asks_for_agent, token_path

AGENT = "vault-agent"
SECRETS_MOUNT = {"name": "vault-secrets", "mountPath": SECRETS}
CONFIGURATION = "/home/vault/config.json"
COMMAND = f"echo ${{VAULT_CONFIG?}} | base64 -d > {CONFIGURATION} && exec bao agent -config={CONFIGURATION}"


class Mounts:
    """The mounts of the pod's first container, of which the agent takes over that of the token."""

    def __init__(self, pod):
        specification = pod["spec"]
        self.mounts = list(specification["containers"][0].get("volumeMounts", []))
        self.volumes = {each["name"]: each for each in specification["volumes"]}

    def mount(self, volume, path):
        self.mounts.append({"name": volume, "mountPath": path, "readOnly": True})

    def of_token(self, path):
        return next(each for each in self.mounts if path.startswith(f"{each['mountPath']}/"))


def patch(pod):
    """The operations on a pod that asks for the agent and does not have it yet."""
    if not asks_for_agent(pod) or any(each["name"] == AGENT for each in pod["spec"]["containers"]):
        return
    annotations = pod["metadata"]["annotations"]
    mounts = Mounts(pod)
    token = token_path(mounts, annotations)
    for volume in ["vault-secrets", "vault-home"]:
        yield add("/spec/volumes/-", {"name": volume, "emptyDir": {"medium": "Memory"}})
    for index, container in enumerate(pod["spec"]["containers"]):
        if "volumeMounts" not in container:
            yield add(f"/spec/containers/{index}/volumeMounts", [])
        yield add(f"/spec/containers/{index}/volumeMounts/-", SECRETS_MOUNT)
    if "initContainers" not in pod["spec"]:
        yield add("/spec/initContainers", [])
    for name, path in [(f"{AGENT}-init", "/spec/initContainers/0"), (AGENT, "/spec/containers/-")]:
        configuration = agent_configuration(annotations, os.environ["VAULT"], token, is_init=name != AGENT)
        yield add(path, agent(name, configuration, mounts.of_token(token)))


def agent(name, configuration, token_mount):
    encoded = base64.b64encode(json.dumps(configuration).encode()).decode()
    return {
        "name": name, "image": os.environ["IMAGE"], "imagePullPolicy": "Never",
        "command": ["sh", "-ec", COMMAND], "env": [{"name": "VAULT_CONFIG", "value": encoded}],
        "volumeMounts": [SECRETS_MOUNT, {"name": "vault-home", "mountPath": "/home/vault"}, token_mount],
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": 100, "runAsGroup": 1000, "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
    }


def add(path, value):
    return {"op": "add", "path": path, "value": value}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        operations = json.dumps(list(patch(request["object"]))).encode()
        answer = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch",
                  "patch": base64.b64encode(operations).decode()}
        body = json.dumps(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    server = ThreadingHTTPServer(("0.0.0.0", 8443), Handler)
    server.socket = server_context("/etc/injector/chain.pem").wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


main()
