"""A control plane that hack/control-plane has started, as its administrator. What the attacks share."""
import http.client
import json
import socket
import ssl
import subprocess
import threading
import urllib.parse


class Cluster:
    def __init__(self, folder):
        lines = open(f"{folder}/env", encoding="utf-8").read().splitlines()
        settings = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        self.folder = folder
        self.url = settings["CONTROL_PLANE_URL"]
        self.authority = settings["CONTROL_PLANE_CA"]
        self.tls = ssl.create_default_context(cafile=self.authority)
        self.tls.load_cert_chain(settings["CONTROL_PLANE_CERT"], settings["CONTROL_PLANE_KEY"])
        self.address = urllib.parse.urlparse(self.url)
        self.local = threading.local()

    def ask(self, method, path, body=None, kind="application/json"):
        """On a connection that each thread keeps: the status and the bytes of the answer."""
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPSConnection(
                self.address.hostname, self.address.port, context=self.tls, timeout=60)
        try:
            self.local.connection.request(
                method, path, json.dumps(body) if body is not None else None, {"Content-Type": kind})
            answer = self.local.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.local.connection.close()
            del self.local.connection
            raise

    def call(self, method, path, body=None, kind="application/json", allowed=()):
        status, content = self.ask(method, path, body, kind)
        if status >= 300 and status not in allowed:
            raise RuntimeError(f"{method} {path}: {status} {content[:300]!r}")
        return json.loads(content)

    def create(self, path, body):
        """Makes an object, unless it is there."""
        return self.call("POST", path, body, allowed=(409,))

    def apply(self, *files):
        kubectl = subprocess.run(["hack/tools", "kubectl"], check=True, capture_output=True, text=True).stdout.strip()
        for file in files:
            subprocess.run(
                [kubectl, "--kubeconfig", f"{self.folder}/kubeconfig", "apply", "-f", file], check=True,
                stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
