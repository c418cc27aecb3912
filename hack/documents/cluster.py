"""An API server with an operator, and the objects that the pages' commands name."""

import os
import socket
import subprocess
import time
import urllib.request

import yaml

import pages

ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"}


def service_account(namespace, annotations):
    return {
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "llm", "namespace": namespace, "annotations": annotations},
    }


def deployment(namespace, variables):
    container = {"name": "app", "image": "app:1", "env": [{"name": name, "value": value} for name, value in variables]}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": namespace},
        "spec": {
            # Without nodes no pod becomes ready, so a rolling update would wait for ever.
            "strategy": {"type": "Recreate"}, "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}},
                "spec": {"serviceAccountName": "llm", "containers": [container]},
            },
        },
    }


# Before any command: an application without credentials, one with, and a ServiceAccount to be explained.
STAGE = [
    *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("lanyard-system", "ai", "ml")),
    service_account("default", {}), deployment("default", []),
    service_account("ai", {**ROLE, "lanyard.dev/aws-region": "us-east-1"}),
    service_account("ml", ROLE),
]
# What `kubectl apply -f app.yaml` is shown with: both have mistakes in them.
APP = [
    service_account("ai", {**ROLE, "lanyard.dev/aws-regoin": "us-east-1"}),
    deployment("ai", [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")]),
]


class Cluster:
    """Runs the operator outside of the cluster, as hack/demo does, and leaves nothing behind."""

    def __init__(self, programs, kubeconfig, folder):
        self.programs, self.kubeconfig, self.folder = programs, kubeconfig, folder
        self.operator, self.namespaces = None, []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self._kubectl("apply", "-f", str(pages.ROOT / "manifests/crd.yaml"))
        wanted = [item for item in STAGE if item["kind"] == "Namespace"]
        there = self._kubectl("get", "namespaces", "-o", "name").stdout.split()
        names = [item["metadata"]["name"] for item in wanted]
        self.namespaces = [name for name in names if f"namespace/{name}" not in there]
        self._apply(wanted)
        webhook, metrics = (f"127.0.0.1:{port}" for port in free_ports(2))
        (self.folder / "operator.yaml").write_text("{platform: eks, issuer: {public: true}}\n")
        with open(self.folder / "operator.log", "w", encoding="utf-8") as log:
            self.operator = subprocess.Popen(
                [self.programs["lanyard"], "run", "--kubeconfig", self.kubeconfig, "--namespace", "lanyard-system",
                 "--config", str(self.folder / "operator.yaml"), "--webhook-url", f"https://{webhook}",
                 "--webhook-address", webhook, "--metrics-address", metrics],
                stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(self.folder)})
        self._wait_for(f"http://{metrics}/readyz")
        self._apply(item for item in STAGE if item["kind"] != "Namespace")
        (self.folder / "app.yaml").write_text(yaml.safe_dump_all(APP))

    def __exit__(self, *_):
        if self.operator:
            self.operator.terminate()
            self.operator.wait(60)
            subprocess.run(
                [self.programs["lanyard"], "clean-up", "-n", "lanyard-system", "--kubeconfig", self.kubeconfig],
                check=False, capture_output=True, timeout=120)
        for words in (
            ["deployment/app", "serviceaccount/llm"], ["-f", str(pages.ROOT / "manifests/secret-delivery.yaml")],
            *(["namespace", name] for name in self.namespaces),
        ):
            self._kubectl("delete", "--ignore-not-found", "--timeout=60s", *words, check=False)
        self._kubectl("label", "namespace", "kube-system", "lanyard.dev/inject-", check=False)

    def _kubectl(self, *words, check=True, text=None):
        result = subprocess.run(
            [self.programs["kubectl"], "--kubeconfig", self.kubeconfig, *words], input=text, check=False,
            capture_output=True, text=True, timeout=240)
        if check and result.returncode:
            raise SystemExit(f"check-docs: kubectl {' '.join(words)}: {result.stderr.strip()}")
        return result

    def _apply(self, items):
        self._kubectl("apply", "-f", "-", text=yaml.safe_dump_all(list(items)))

    def _wait_for(self, url):
        deadline = time.monotonic() + 60
        while self.operator.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        log = (self.folder / "operator.log").read_text(encoding="utf-8")
        raise SystemExit(f"check-docs: the operator is not ready:\n{log[-2000:]}")


def free_ports(count):
    """Ports of loopback that nobody listens on; all are held until all are found."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports
