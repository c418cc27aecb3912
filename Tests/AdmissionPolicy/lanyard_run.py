"""`lanyard run`, as the chart configures it, beside a control plane of hack/control-plane. See chain.py and chain_server.py."""

import copy
import json
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

import yaml

import chain_pods

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "hack/attacks"))
from cluster import Cluster, free_port  # noqa: E402

NAMESPACE = "ml"
OWN_NAMESPACE = "lanyard-system"
REGISTRATIONS = "/apis/admissionregistration.k8s.io/v1"
INJECTOR = f"{REGISTRATIONS}/mutatingwebhookconfigurations/pod-injector.lanyard.dev"
# How long Lanyard and an API server may take for what takes them seconds.
PATIENCE = 60


def objects_of(file):
    return [item for item in yaml.safe_load_all(pathlib.Path(file).read_text(encoding="utf-8")) if item]


def without_patience(registrations):
    """With webhooks that are waited for no longer than there is need to."""
    registrations = copy.deepcopy(registrations)
    for item in registrations:
        for entry in item.get("webhooks", []):
            entry["timeoutSeconds"] = 1
    return registrations


def prepare(control_plane, definition):
    """The cluster, with all ServiceAccounts."""
    cluster = Cluster(control_plane)
    cluster.apply("manifests/crd.yaml", definition)
    for name in (NAMESPACE, OWN_NAMESPACE):
        cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    for name, annotations in chain_pods.ACCOUNTS.items():
        cluster.create(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {
            "metadata": {"name": name, "annotations": annotations}})
    return cluster


class Lanyard:
    def __init__(self, program, cluster, chart, folder, kubeconfig=None, port=None):
        """With a port, somebody else registers what calls it there; otherwise it does so itself, by its URL."""
        self.program, self.cluster = program, cluster
        self.port, self.metrics = port or free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.log = folder / "lanyard.log"
        config = folder / "config.yaml"
        config.write_text(
            next(item["data"]["config.yaml"] for item in objects_of(chart) if item["kind"] == "ConfigMap"), encoding="utf-8")
        with open(self.log, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [program, "run", "--kubeconfig", kubeconfig or f"{cluster.folder}/kubeconfig", "--namespace", OWN_NAMESPACE,
                 "--config", config, *([] if port else ["--webhook-url", self.url]),
                 "--webhook-address", f"127.0.0.1:{self.port}", "--metrics-address", f"127.0.0.1:{self.metrics}"],
                stdout=output, stderr=subprocess.STDOUT)
        self.wait("readiness", lambda: "ok" in self.get("/readyz"))

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}{path}", timeout=5) as answer:
            return answer.read().decode()

    def wait(self, what, is_so):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if found := is_so():
                    return found
            except OSError:
                pass
            if time.monotonic() > deadline:
                log = self.log.read_text(encoding="utf-8")
                self.process.kill()
                sys.exit(f"check-chain: {what} does not come about; Lanyard says: {log[-3000:]}")
            time.sleep(0.1)

    def reviews(self):
        """How many pods it was shown."""
        return sum(
            int(float(line.split()[-1])) for line in self.get("/metrics").splitlines()
            if line.startswith("admission_webhook_reviews_total{") and 'path="/mutate"' in line)

    def plans(self):
        """Those that it has written, once they are all there."""
        def complete():
            status, content = self.cluster.ask(
                "GET", f"/apis/lanyard.dev/v1alpha1/namespaces/{NAMESPACE}/credentialplansets/lanyard")
            plans = json.loads(content).get("spec", {}).get("plans", {}) if status == 200 else {}
            return plans if set(plans) == chain_pods.COMPILED else None
        return self.wait("the CredentialPlanSet", complete)

    def authority(self):
        """What the API server is to trust."""
        return self.cluster.call("GET", INJECTOR)["webhooks"][0]["clientConfig"]["caBundle"]

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        if how != signal.SIGSTOP:
            self.process.wait(PATIENCE)
