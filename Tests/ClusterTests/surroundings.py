"""What the cluster has besides Lanyard: the providers, OpenBao, and an injector of its agent, each after a Service."""

import base64
import json
from pathlib import Path

from cases import platforms, subject
from control_plane import NAMESPACE as APPLICATIONS
from processes import Failure, eventually
from provider_ports import AGENT, METADATA_SERVER, PORTS, PROXYMUX
from providers import hosts, oracle, providers
from proxy import Authority
from release import is_ready
from vault import Vault

NAMESPACE = "surroundings"
HERE = Path(__file__).resolve().parent
CONFORMANCE = HERE.parent / "SDKConformance"
INJECTOR_HOST = f"injector.{NAMESPACE}.svc"
# The secrets of manifests/examples, each with the field that holds the key.
EXAMPLE_SECRETS = {"openai/api-key": "key", "anthropic/api-key": "key", "alibaba/model-studio": "api_key"}


class ClusterVault(Vault):
    """OpenBao in a pod, talked to through the API server."""

    def __init__(self, cluster, address):
        super().__init__(f"http://{address}:8200", "cluster-tests")
        self._cluster = cluster

    def set_up(self):
        """All that it forgets when it ends: it keeps everything in memory."""
        eventually(lambda: self._call("GET", "sys/health"), "OpenBao answers", within=60)
        names = [
            workload.name for platform in platforms(self.address) for workload in platform.workloads
            if workload.trusted]
        self.store()
        host = f"https://{self._cluster.address}"
        self.trust(self._cluster, "auth/kubernetes", names, host=host)
        self.trust(self._cluster, "auth/gke", names, audience="vault", host=host)
        for path, field in EXAMPLE_SECRETS.items():
            self._call("POST", f"secret/data/{path}", {"data": {field: self.value}})
        policy = "\n".join(
            f'path "secret/data/{path}" {{ capabilities = ["read"] }}' for path in EXAMPLE_SECRETS)
        self._call("POST", "sys/policies/acl/ai-demo", {"policy": policy})
        self._call("POST", "auth/kubernetes/role/ai-demo", {
            "bound_service_account_names": ["*"], "bound_service_account_namespaces": ["ai-demo", "own-paths"],
            "token_policies": ["ai-demo"],
        })

    def _call(self, method, path, body=None, token=None):
        status, text = self._cluster.ask(
            method, f"/api/v1/namespaces/{NAMESPACE}/services/openbao:8200/proxy/v1/{path}", body,
            headers={"X-Vault-Token": token or self._token})
        # That a method of authentication is there already is no failure: it is configured again.
        if status >= 300 and "path is already in use" not in text:
            raise Failure(f"{method} {path}: {status} {text}")
        return text


class Surroundings:
    def __init__(self, cluster, python, openbao, folder):
        self._cluster = cluster
        self._python = python
        self._openbao = openbao
        network = ".".join(cluster.address.split(".")[:2])
        self.providers, injector, vault = (f"{network}.100.{number}" for number in (100, 101, 102))
        self._addresses = {"providers": self.providers, "injector": injector, "openbao": vault}
        self.vault = ClusterVault(cluster, vault)
        endpoints = [*providers(None, set(), ""), oracle(None, set())]
        self._authority = Authority([*hosts(endpoints), INJECTOR_HOST], self.providers, folder)

    def start(self):
        cluster = self._cluster
        for namespace in [NAMESPACE, APPLICATIONS]:
            # Lanyard has nothing to do with what surrounds it.
            labels = {"lanyard.dev/inject": "false"} if namespace == NAMESPACE else {}
            cluster.namespace(namespace, **labels)
            cluster.create(f"/api/v1/namespaces/{namespace}/configmaps", self._code())
        cluster.create(f"/api/v1/namespaces/{APPLICATIONS}/configmaps", self._trust())
        chain = base64.b64encode(self._authority.chain.read_bytes()).decode()
        cluster.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", {
            "metadata": {"name": "chain"}, "data": {"chain.pem": chain}})
        self._set_addresses()
        self._run_providers()
        self._run_openbao()
        self._run_injector()
        self.expect_ready()
        self.vault.set_up()
        self._register_injector()

    def recover(self):
        """After the node has failed: addresses and OpenBao's memory are gone."""
        self._set_addresses()
        self.expect_ready()
        self.vault.set_up()

    def _set_addresses(self):
        for address in [AGENT, METADATA_SERVER]:
            self._cluster.exec("ip", "address", "replace", f"{address}/32", "dev", "lo")

    def expect_ready(self, within=90):
        def attempt():
            pods = self._cluster.items(f"/api/v1/namespaces/{NAMESPACE}/pods")
            if waiting := [pod["metadata"]["name"] for pod in pods if not is_ready(pod)]:
                raise Failure(f"{waiting} are not ready")

        eventually(attempt, "the providers, OpenBao and the injector run", within)

    def _run_providers(self):
        trusted = [
            subject(workload.name) for platform in platforms(self.vault.address) for workload in platform.workloads
            if workload.trusted]
        self._pod("providers", {
            "hostNetwork": True, "volumes": [CODE_VOLUME, CHAIN_VOLUME],
            "containers": [{
                "name": "providers", "image": self._python.name, "imagePullPolicy": "Never",
                "command": ["python3", "-B", "/tests/provider_pod.py"],
                "env": [
                    {"name": "TRUSTED", "value": json.dumps(sorted(trusted))},
                    {"name": "STORED_KEY", "value": self.vault.value},
                ],
                "readinessProbe": {"tcpSocket": {"port": PROXYMUX}, "periodSeconds": 1},
                "volumeMounts": [CODE_MOUNT, {"name": "chain", "mountPath": "/etc/providers"}],
            }],
        }, {f"port-{port}": (port, port) for port in PORTS})

    def _run_openbao(self):
        self._pod("openbao", {"containers": [{
            "name": "openbao", "image": self._openbao.name, "imagePullPolicy": "Never",
            "args": [
                "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=cluster-tests",
                "-dev-listen-address=0.0.0.0:8200",
            ],
            "readinessProbe": {"tcpSocket": {"port": 8200}, "periodSeconds": 1},
        }]}, {"api": (8200, 8200)})

    def _run_injector(self):
        self._pod("injector", {
            "volumes": [CODE_VOLUME, CHAIN_VOLUME],
            "containers": [{
                "name": "injector", "image": self._python.name, "imagePullPolicy": "Never",
                "command": ["python3", "-B", "/tests/injector_pod.py"],
                "env": [
                    {"name": "VAULT", "value": self.vault.address}, {"name": "IMAGE", "value": self._openbao.name},
                ],
                "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
                "volumeMounts": [CODE_MOUNT, {"name": "chain", "mountPath": "/etc/injector"}],
            }],
        }, {"webhook": (443, 8443)})

    def _register_injector(self):
        """By this name Lanyard knows it; the API server calls it after Lanyard."""
        authority = base64.b64encode(self._authority.file.read_bytes()).decode()
        self._cluster.apply({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "vault-agent-injector-cfg"},
            "webhooks": [{
                "name": "vault.hashicorp.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "failurePolicy": "Ignore", "timeoutSeconds": 10,
                "clientConfig": {
                    "service": {"namespace": NAMESPACE, "name": "injector", "path": "/mutate"}, "caBundle": authority,
                },
                "rules": [{
                    "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
                }],
                "namespaceSelector": {"matchExpressions": [
                    {"key": "lanyard.dev/inject", "operator": "NotIn", "values": ["false"]}]},
            }],
        })

    def _pod(self, name, specification, ports):
        """A pod and its Service at a fixed address: by name, the Service's port and the container's."""
        self._cluster.create(f"/api/v1/namespaces/{NAMESPACE}/pods", {
            "metadata": {"name": name, "labels": {"app": name}}, "spec": specification})
        self._cluster.create(f"/api/v1/namespaces/{NAMESPACE}/services", {
            "metadata": {"name": name},
            "spec": {
                "selector": {"app": name}, "clusterIP": self._addresses[name],
                "ports": [
                    {"name": port, "port": outer, "targetPort": inner} for port, (outer, inner) in ports.items()],
            },
        })

    def _code(self):
        return {"metadata": {"name": "code"}, "data": {key: path.read_text() for key, path in CODE.items()}}

    def _trust(self):
        """The authority's certificate, and the copy of certifi that trusts it."""
        package = self._authority.file.parent / "python/certifi"
        files = {path.name: path.read_text() for path in package.glob("*.p[ye]*") if path.is_file()}
        return {"metadata": {"name": "trust"}, "data": {"authority.pem": self._authority.file.read_text(), **files}}


def code():
    """The files that run in pods, by their keys in a ConfigMap, in which there are no folders."""
    for path in [*HERE.glob("*_pod.py"), HERE / "provider_ports.py"]:
        yield path.name, path
    for pattern in ["*.py", "endpoints/*.py", "applications/*.py"]:
        for path in CONFORMANCE.glob(pattern):
            yield str(path.relative_to(CONFORMANCE)).replace("/", "--"), path


CODE = dict(code())
CODE_VOLUME = {"name": "code", "configMap": {
    "name": "code", "items": [{"key": key, "path": key.replace("--", "/")} for key in CODE]}}
CODE_MOUNT = {"name": "code", "mountPath": "/tests"}
CHAIN_VOLUME = {"name": "chain", "secret": {"secretName": "chain"}}
TRUST_VOLUME = {"name": "trust", "configMap": {"name": "trust"}}
