"""A real OpenBao that trusts the cluster, and its agent, configured from a pod's annotations as the injector does."""

import contextlib
import json
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from control_plane import NAMESPACE
from processes import Failure, eventually, free_port, running

PREFIX = "vault.hashicorp.com/"
SECRETS = "/vault/secrets"
# Where the injector mounts a token volume that no container of the pod mounts.
TOKEN_FOLDER = "/var/run/secrets/vault.hashicorp.com/serviceaccount"


class Vault:
    """OpenBao with one secret of version 2 of the KV engine, which it gives to one role."""

    path = "secret/data/ai/key"
    role = "conformance"
    # Each of these characters means something to a shell, a template or JSON.
    value = """sk- it's a "key" $HOME `id` \\n {{ braces }} #!"""

    def __init__(self, address, token):
        self.address = address
        self._token = token

    @classmethod
    @contextlib.contextmanager
    def serving(cls, bao, folder):
        port = free_port()
        vault = cls(f"http://127.0.0.1:{port}", "conformance-root")
        arguments = [
            bao, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id", vault._token,
            "-dev-listen-address", f"127.0.0.1:{port}",
        ]
        with running(arguments, folder / "bao.log", env={"PATH": os.environ["PATH"], "HOME": str(folder)}):
            eventually(lambda: vault._call("GET", "sys/health"), "OpenBao answers")
            yield vault

    def trust(self, plane, path, service_accounts, audience=None, host=None):
        """Kubernetes authentication at a path. The API server reviews the tokens, on behalf of an account for that.

        `host` is the API server's URL, if Vault knows it by another than these tests.
        """
        reviewer = {"name": "token-reviewer", "namespace": NAMESPACE}
        plane.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": reviewer},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": {"name": "token-reviewer"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator",
                },
                "subjects": [{"kind": "ServiceAccount", **reviewer}],
            })
        self._call("POST", f"sys/{path}", {"type": "kubernetes"})
        self._call("POST", f"{path}/config", {
            **self.configuration(plane, host), "token_reviewer_jwt": plane.token(NAMESPACE, reviewer["name"]),
        })
        policy = f'path "{self.path}" {{ capabilities = ["read"] }}'
        self._call("POST", f"sys/policies/acl/{self.role}", {"policy": policy})
        bound = {"bound_service_account_names": service_accounts, "bound_service_account_namespaces": [NAMESPACE]}
        self._call("POST", f"{path}/role/{self.role}", {
            **bound, "token_policies": [self.role], **({"audience": audience} if audience else {}),
        })

    @staticmethod
    def configuration(plane, host=None):
        """Of the Kubernetes authentication, all but the token by which it reviews others."""
        authority = plane.config_map(NAMESPACE, "kube-root-ca.crt")
        return {
            "kubernetes_host": host or plane.url, "kubernetes_ca_cert": authority["ca.crt"], "disable_local_ca_jwt": True,
        }

    def tokens(self):
        """The tokens that have neither expired nor been revoked, by their accessors."""
        return set(json.loads(self._call("LIST", "auth/token/accessors"))["data"]["keys"])

    def set(self, path, settings):
        """Writes what stands at a path, or removes it."""
        self._call("DELETE" if settings is None else "POST", path, settings)

    def store(self):
        """Stores the value under the default field and under another."""
        self._call("POST", self.path, {"data": {"api_key": self.value, "anthropic-key": self.value}})

    def login(self, address, path, role, token):
        """Who presents a ServiceAccount's token, for reading."""
        if address != self.address:
            raise Failure(f"the address is {address}")
        return json.loads(self._call("POST", f"{path}/login", {"role": role, "jwt": token}))["auth"]["client_token"]

    def read(self, path, token=None):
        """The fields of a secret of version 2 of the KV engine, as its API path names it."""
        return json.loads(self._call("GET", path, token=token))["data"]["data"]

    def _call(self, method, path, body=None, token=None):
        request = urllib.request.Request(
            f"{self.address}/v1/{path}", method=method, headers={"X-Vault-Token": token or self._token},
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read().decode()}") from error


def asks_for_agent(pod):
    return pod["metadata"].get("annotations", {}).get(f"{PREFIX}agent-inject") == "true"


def render(container, annotations, vault, bao, folder):
    """Runs the agent as the init container that the injector adds, and returns how it ended.

    It runs in the container of the application, whose `/vault/secrets` it shares. What is not the injector's: the
    agent ends at the first failure, where in a cluster it tries on.
    """
    configuration = agent_configuration(annotations, vault.address, token_path(container, annotations))
    configuration["vault"]["retry"] = {"num_retries": 1}
    configuration["auto_auth"]["method"][0]["exit_on_err"] = True
    configuration["template_config"] = {"exit_on_retry_failure": True}
    container.empty_folder(SECRETS)
    file = Path(tempfile.mkdtemp(dir=folder)) / "agent.json"
    file.write_text(container.seen(json.dumps(configuration)))
    return container.run([bao, "agent", f"-config={file}"], {}, within=20)


def agent_configuration(annotations, address, token, is_init=True):
    """The agent's configuration, as the injector makes it of a pod's annotations. `address` is the injector's own."""
    return {
        "exit_after_auth": is_init,
        "vault": {"address": annotations.get(f"{PREFIX}service", address)},
        "auto_auth": {
            "method": [{
                "type": "kubernetes", "mount_path": annotations.get(f"{PREFIX}auth-path", "auth/kubernetes"),
                "config": {"role": annotations[f"{PREFIX}role"], "token_path": token},
            }],
        },
        "template": templates(annotations),
    }


def templates(annotations):
    """What the agent is to write: a file for each secret."""
    prefix = f"{PREFIX}agent-inject-secret-"
    names = [key.removeprefix(prefix) for key in annotations if key.startswith(prefix)]
    return [
        {
            "destination": f"{SECRETS}/{annotations.get(f'{PREFIX}agent-inject-file-{name}', name)}",
            "contents": annotations[f"{PREFIX}agent-inject-template-{name}"],
            "left_delimiter": "{{", "right_delimiter": "}}",
        }
        for name in names
    ]


def token_path(container, annotations):
    """The token that the injector lets the agent present: of the volume that is named, else of the first mount whose
    path contains `serviceaccount`."""
    volume = annotations.get(f"{PREFIX}agent-service-account-token-volume-name")
    if volume is None:
        return next(each["mountPath"] for each in container.mounts if "serviceaccount" in each["mountPath"]) + "/token"
    if all(each["name"] != volume for each in container.mounts):
        container.mount(volume, TOKEN_FOLDER)
    folder = next((each["mountPath"] for each in container.mounts if each["name"] == volume), TOKEN_FOLDER)
    tokens = [each["serviceAccountToken"] for each in container.volumes[volume]["projected"]["sources"]]
    return f"{folder}/{tokens[0]['path']}"
