"""Two replicas on a control plane, installed as the chart does: its registrations, its Service, its rights, each replica as a
user of its own, and each with a wire to the API server that can be disturbed."""
import http.client
import os
import signal
import subprocess
import threading
import time

import yaml
from certificates import write_own
from cluster import free_port
from replicas import MEMORY_LIMIT, write
from users import make_user
from wire import ServerWire, WebhookWire, Wires

NAMESPACE = "lanyard-system"
REGISTRATIONS = "/apis/admissionregistration.k8s.io/v1"


class Replica:
    """One `lanyard run`, whose memory and open files are watched, and whose readiness is looked at as by a kubelet, but more
    often."""

    def __init__(self, cluster, name, lanyard, kubeconfig, wire):
        self.folder, self.name, self.lanyard = cluster.folder, name, lanyard
        self.kubeconfig, self.wire = kubeconfig, wire
        self.port, self.admin = free_port(), free_port()
        self.user = f"system:serviceaccount:{NAMESPACE}:{name}"
        self.is_ready, self.is_wanted, self.process, self.ends, self.samples = False, False, None, [], []
        self.environment = dict(os.environ)
        self.cgroup = f"/sys/fs/cgroup/memory/lanyard-{os.getpid()}-{name}"
        try:
            os.mkdir(self.cgroup)
            write(f"{self.cgroup}/memory.limit_in_bytes", MEMORY_LIMIT)
        except OSError:
            self.cgroup = None
        threading.Thread(target=self.look, daemon=True).start()
        threading.Thread(target=self.sample, daemon=True).start()

    def start(self):
        log = open(f"{self.folder}/replica-{self.name}.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.lanyard, "run", f"--namespace={NAMESPACE}", f"--webhook-address=127.0.0.1:{self.port}",
             f"--metrics-address=127.0.0.1:{self.admin}", f"--config={self.folder}/config.yaml", "--log-level=info",
             f"--kubeconfig={self.kubeconfig}"], stdout=log, stderr=log, env=self.environment,
            preexec_fn=self.enter_cgroup if self.cgroup else None)
        write(f"{self.folder}/replica-{self.name}.pid", self.process.pid)
        self.is_wanted = True

    def enter_cgroup(self):
        write(f"{self.cgroup}/cgroup.procs", os.getpid())

    def end(self, number=signal.SIGTERM):
        """And waits. A replica that does not end is killed, which is noted."""
        self.is_wanted = False
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.ends.append((time.time(), "did not end within 40 s of SIGTERM"))
            self.process.kill()
            self.process.wait()

    def watch_over(self):
        """Starts it again when it ended by itself, as a kubelet does."""
        if self.is_wanted and self.process.poll() is not None:
            self.ends.append((time.time(), f"ended by itself ({self.process.returncode})"))
            self.start()

    def look(self):
        while True:
            self.is_ready = self.asked("/readyz") is not None
            time.sleep(0.3)

    def asked(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=1)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def metrics(self):
        """By name and labels, as they are written."""
        lines = (self.asked("/metrics") or "").splitlines()
        return {name: float(value) for name, _, value in (
            line.rpartition(" ") for line in lines if line and not line.startswith("#"))}

    def sample(self):
        while True:
            try:
                process = f"/proc/{self.process.pid}"
                memory = next(
                    int(line.split()[1]) / 1024 for line in open(f"{process}/status", encoding="utf-8")
                    if line.startswith("RssAnon:"))
                self.samples.append((time.time(), memory, len(os.listdir(f"{process}/fd")), self.process.pid))
            except (OSError, AttributeError, StopIteration):
                pass
            time.sleep(1)

    def remove(self):
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGCONT)
            self.end()
        if self.cgroup:
            os.rmdir(self.cgroup)


class Installation:
    def __init__(self, cluster, lanyard):
        self.cluster = cluster
        write(f"{cluster.folder}/config.yaml", "platform: eks\nissuer: {public: true}\nhealing: {enabled: true, intervalSeconds: 1}\n")
        cluster.apply(*[f"manifests/{file}.yaml" for file in ("namespace", "crd", "service-account", "rbac")])
        # Kubernetes sets no names as labels before 1.21.
        cluster.call("PATCH", "/api/v1/namespaces/kube-system", {"metadata": {"labels": {"lanyard.dev/inject": "false"}}},
                     "application/merge-patch+json")
        certificate = f"{cluster.folder}/wire.pem"
        write_own(certificate)
        self.wires = Wires()
        self.replicas = []
        for name in ("a", "b"):
            wire = ServerWire(cluster, certificate)
            url = f"https://127.0.0.1:{self.wires.open(wire)}"
            self.replicas.append(
                Replica(cluster, name, lanyard, make_user(cluster, NAMESPACE, name, url, certificate), wire))
        self.webhooks = WebhookWire(self.replicas)
        self.port = self.wires.open(self.webhooks)
        # There are no nodes, and so no addresses after a Service: it stands for the wire's.
        cluster.create(f"/api/v1/namespaces/{NAMESPACE}/services", {
            "metadata": {"name": "lanyard-webhook"}, "spec": {"type": "ExternalName", "externalName": "127.0.0.1"}})
        with open("manifests/webhook.yaml", encoding="utf-8") as file:
            self.registrations = list(yaml.safe_load_all(file))
        for registration in self.registrations:
            for entry in registration["webhooks"]:
                entry["clientConfig"]["service"]["port"] = self.port
        self.register()

    def register(self):
        """As the chart or the manifests do."""
        for registration in self.registrations:
            self.cluster.create(self.path(registration), registration)

    def path(self, registration, name=""):
        return f"{REGISTRATIONS}/{registration['kind'].lower()}s{name}"

    def unregister(self):
        for registration in self.registrations:
            self.cluster.call("DELETE", self.path(registration, f"/{registration['metadata']['name']}"), allowed=(404,))

    def start(self):
        for replica in self.replicas:
            replica.start()
        deadline = time.time() + 60
        while not all(replica.is_ready for replica in self.replicas):
            if time.time() > deadline:
                raise RuntimeError(f"a replica does not start: see {self.cluster.folder}/replica-*.log")
            time.sleep(0.1)

    def remove(self):
        for replica in self.replicas:
            replica.remove()
