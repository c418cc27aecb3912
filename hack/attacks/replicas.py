"""Two replicas of Lanyard after a proxy, as after a Service. What the attacks on the webhook share."""
import contextlib
import http.client
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import threading
import time

from cluster import free_port

MEMORY_LIMIT = 256 << 20
ROLE = "arn:aws:iam::111122223333:role/bedrock"


class Replica:
    """One `lanyard run`, whose memory is watched."""

    def __init__(self, lanyard, cluster, name, url):
        self.port, self.admin = free_port(), free_port()
        self.log = f"{cluster.folder}/attacked-{name}.log"
        self.cgroup = f"/sys/fs/cgroup/memory/lanyard-{os.getpid()}-{name}"
        try:
            os.mkdir(self.cgroup)
            write(f"{self.cgroup}/memory.limit_in_bytes", MEMORY_LIMIT)
        except OSError:
            self.cgroup = None
        config = f"{cluster.folder}/attacked.yaml"
        write(config, "platform: eks\nissuer: {public: true}\n")
        self.process = subprocess.Popen(
            [lanyard, "run", "--kubeconfig", f"{cluster.folder}/kubeconfig", "--namespace", "lanyard-system",
             "--config", config, "--webhook-url", url, "--webhook-address", f"127.0.0.1:{self.port}",
             "--metrics-address", f"127.0.0.1:{self.admin}"],
            stdout=open(self.log, "w", encoding="utf-8"), stderr=subprocess.STDOUT,
            preexec_fn=self.enter_cgroup if self.cgroup else None)
        self.peak = 0
        threading.Thread(target=self.watch, daemon=True).start()

    def enter_cgroup(self):
        write(f"{self.cgroup}/cgroup.procs", os.getpid())

    def watch(self):
        while self.process.poll() is None:
            self.peak = max(self.peak, self.own_memory())
            time.sleep(0.01)

    def own_memory(self):
        """In MB, without what is a file's."""
        try:
            for line in open(f"/proc/{self.process.pid}/status", encoding="utf-8"):
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / 1024
        except OSError:
            pass
        return 0

    @property
    def is_alive(self):
        return self.process.poll() is None

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=1)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def stop(self):
        if self.is_alive:
            self.process.terminate()
            self.process.wait(40)
        if self.cgroup:
            os.rmdir(self.cgroup)


class Proxy:
    """Forwards connections to a replica that is ready, as kube-proxy does."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.replicas, self.ready = [], []

    def start(self, replicas):
        """In a process of its own, so that it is no slower for what else goes on here."""
        self.replicas = self.ready = replicas
        multiprocessing.Process(target=self.run, daemon=True).start()

    def run(self):
        threading.Thread(target=self.look, daemon=True).start()
        self.accept()

    def look(self):
        while True:
            self.ready = [replica for replica in self.replicas if replica.is_ready()]
            time.sleep(0.5)

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.forward, args=(client,), daemon=True).start()

    def forward(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", random.choice(self.ready).port), timeout=5)
        except (OSError, IndexError):
            client.close()
            return
        server.settimeout(None)
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=copy, args=(source, target), daemon=True).start()


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def write(path, content):
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(content))


def make_account(cluster, namespace):
    """A ServiceAccount `llm` that asks for a provider, so that its pods are injected with a volume `aws-iam-token`."""
    cluster.apply("manifests/crd.yaml", "manifests/namespace.yaml")
    cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    cluster.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {
        "metadata": {"name": "llm", "annotations": {
            "eks.amazonaws.com/role-arn": ROLE, "lanyard.dev/aws-region": "eu-central-1"}}})


@contextlib.contextmanager
def two_replicas(lanyard, cluster):
    """Both ready, until the block ends."""
    multiprocessing.set_start_method("fork")
    proxy = Proxy()
    replicas = [Replica(lanyard, cluster, name, proxy.url) for name in ("a", "b")]
    try:
        proxy.start(replicas)
        while not all(replica.is_ready() for replica in replicas):
            if not all(replica.is_alive for replica in replicas):
                sys.exit(f"a replica does not start: see {replicas[0].log}")
            time.sleep(0.2)
        yield replicas
    finally:
        for replica in replicas:
            replica.stop()
