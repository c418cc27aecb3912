"""`lanyard verify` as it is called: for whom, with which rights, and on which way to the provider."""

import json
import os
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from control_plane import NAMESPACE
from node import ADDRESS
from processes import Failure, run, tail
from proxy import Answer, Handler, Listener, Proxy

RIGHTS = [
    ("serviceaccounts", "get"), ("serviceaccounts/token", "create"),
]


class VerifyCommand:
    """Runs it, and keeps what it prints."""

    def __init__(self, plane, lanyard, folder):
        self._plane = plane
        self._lanyard = lanyard
        self._folder = folder
        self.outputs = []

    def results(self, words, settings, env, kubeconfig=None):
        """The results by the ServiceAccounts' names. The exit code and the summary must agree with them."""
        configuration = self._folder / f"verify-{'-'.join(words).replace('/', '-')}.json"
        configuration.write_text(json.dumps({"issuer": {"public": True}, **settings}))
        done = run(
            [
                self._lanyard, "verify", *words, "--kubeconfig", kubeconfig or self._plane.kubeconfig, "--config",
                configuration, "-o", "json",
            ], env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **env})
        self.outputs.append(done.stdout + done.stderr)
        if done.returncode not in (0, 1) or not done.stdout:
            raise Failure(f"lanyard verify ends with {done.returncode}: {tail(done.stderr)}")
        said = json.loads(done.stdout)
        accounts = {account["serviceAccount"]: account["results"] for account in said["serviceAccounts"]}
        counts = Counter(result["outcome"].lower() for results in accounts.values() for result in results)
        if said["summary"] != {each: counts[each] for each in ["verified", "failed", "unknown"]}:
            raise Failure(f"the summary is {said['summary']}, of {counts}")
        if done.returncode != (1 if counts["failed"] else 0) or not counts:
            raise Failure(f"lanyard verify ends with {done.returncode}, with {counts}")
        return accounts

    def reasons_in_pod(self, workload, pod, settings, env):
        """The reasons that the init container of a pod gives, run with the files that the kubelet would mount for it."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        configuration = folder / "configuration.json"
        configuration.write_text(json.dumps({
            "issuer": {"public": True}, **settings, "verify": {"image": "lanyard"}}))
        account = json.loads(self._plane.kubectl("get", "serviceaccount", workload, "-n", NAMESPACE, "-o", "json"))
        asking = {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "asking", "namespace": NAMESPACE, "annotations": {"lanyard.dev/verify": "true"}},
            "spec": {"serviceAccountName": workload, "containers": [{"name": "app", "image": "app"}]},
        }
        done = run(
            [self._lanyard, "inject", "-f", "-", "-o", "json", "--config", configuration],
            env={"PATH": os.environ["PATH"]}, text=json.dumps({"apiVersion": "v1", "kind": "List", "items": [account, asking]}))
        # RRSA alone reaches no model, which is an error; it is injected, and tried, all the same.
        if not done.stdout:
            raise Failure(f"lanyard inject ends with {done.returncode}: {tail(done.stderr)}")
        spec = json.loads(done.stdout)["items"][-1]["spec"]
        (container,) = spec["initContainers"]
        (volume,) = (each for each in spec["volumes"] if each["name"] == "lanyard-verify")
        for source in volume["projected"]["sources"]:
            token = source["serviceAccountToken"]
            (folder / token["path"]).write_text(
                self._plane.token(NAMESPACE, workload, audience=token["audience"], pod=pod))
        message = folder / "message"
        done = run(
            [self._lanyard, *container["command"][1:], "--tokens", folder, "--message", message],
            env={"PATH": os.environ["PATH"], **env, container["env"][0]["name"]: container["env"][0]["value"]})
        self.outputs.append(done.stdout + done.stderr)
        if done.returncode != 0 or done.stdout != message.read_text() + "\n":
            raise Failure(f"lanyard verify-in-pod ends with {done.returncode}: {tail(done.stderr)}")
        return {result["reason"] for result in json.loads(done.stdout)["results"]}

    def reasons(self, words, settings, env, kubeconfig=None):
        """The reasons of one ServiceAccount; that of a trust that is verified is this word."""
        (results,) = self.results(words, settings, env, kubeconfig).values()
        return {result["reason"] for result in results}


def show(command, surroundings, endpoints, settings):
    """Yields a title, what is expected and what was found, for each way to call the command.

    `endpoints` trust what `settings` of the configuration, for EKS, make.
    """
    plane, vault, authority = surroundings.plane, surroundings.vault, surroundings.authority
    eks = {"platform": "eks", **settings}
    with Proxy(endpoints, authority.context) as proxy:
        env = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(authority.file)}
        yield "a pod, for its ServiceAccount", {"Verified"}, command.reasons(
            ["pod/irsa", "-n", NAMESPACE], eks, env)

        found = command.results(["-n", NAMESPACE], eks, env)
        names = ["gateway", "irsa", "stranger"]
        yield "all of a namespace", (True, {
            "gateway": ["Verified", "Verified", "Verified", "VaultAddressUnknown"], "irsa": ["Verified"],
            "stranger": [
                "TrustPolicyMismatch", "SubjectNotTrusted", "SubjectNotTrusted", "TrustRejectedOpaque", "MappingNotFound",
            ],
        }), (len(found) > 20, {
            name: [
                result["reason"] for provider in ["aws-bedrock", "azure-openai", "google-vertex", "anthropic", "openai"]
                for result in found[name] if result["provider"] == provider
            ]
            for name in names
        })

        for count, expected in [(1, "NotPermitted"), (2, "Verified")]:
            kubeconfig = caller(plane, surroundings.folder, RIGHTS[:count])
            yield f"the rights {RIGHTS[:count]} and no others", {expected}, command.reasons(
                [f"{NAMESPACE}/irsa"], eks, env, kubeconfig)

        yield "NO_PROXY for the provider, which is not there", {"Unreachable"}, command.reasons(
            [f"{NAMESPACE}/irsa"], eks, {**env, "NO_PROXY": "amazonaws.com"})

    anthropic = next(each for each in endpoints if "api.anthropic.com" in each.hosts)
    with Listener(lambda connection, _, server: Handler(connection, server, anthropic)) as listener:
        endpoint = f"http://127.0.0.1:{listener.server_port}"
        yield "an endpoint of the configuration", {"Verified"}, command.reasons(
            [f"{NAMESPACE}/anthropic"], {**eks, "verify": {"endpoints": {"anthropic": endpoint}}}, {})

    def front(connection, _, server):
        Handler(connection, server, Front(vault))

    with Listener(front, (ADDRESS, 0)) as listener:
        listener.socket = authority.context.wrap_socket(
            listener.socket, server_side=True, do_handshake_on_connect=False)
        behind = {"platform": "gke", "vault": {
            "audience": "vault", "address": f"https://{ADDRESS}:{listener.server_port}", "authPath": "auth/gke",
            "allowedPaths": ["secret/data/ai/*"], "caSecret": "vault-ca",
        }}
        words = [f"{NAMESPACE}/vault-with-audience"]
        yield "vault.caSecret, and no such Secret", {"SecretMissing"}, command.reasons(words, behind, {})
        plane.apply({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vault-ca", "namespace": NAMESPACE},
            "stringData": {"ca.crt": authority.file.read_text()},
        })
        yield "vault.caSecret", {"Verified"}, command.reasons(words, behind, {})


class Front:
    """What speaks TLS for Vault."""

    headers = {"Connection": "close"}

    def __init__(self, vault):
        self._vault = vault

    def answer(self, request):
        forwarded = urllib.request.Request(
            f"{self._vault.address}{request.path}", method=request.method, data=request.body)
        try:
            with urllib.request.urlopen(forwarded, timeout=10) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode())


def caller(plane, folder, rights):
    """A kubeconfig of somebody who has these rights in the namespace, and no others."""
    name = f"caller-{len(rights)}"
    group = "rbac.authorization.k8s.io"
    metadata = {"name": name, "namespace": NAMESPACE}
    plane.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": [resource], "verbs": [verb]} for resource, verb in rights],
        },
        {
            "apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        })
    config = json.loads(plane.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config["users"][0]["user"] = {"token": plane.token(NAMESPACE, name)}
    file = folder / f"{name}.json"
    file.write_text(json.dumps(config))
    return file
