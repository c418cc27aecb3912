"""A cluster of one real node, which hack/cluster starts on this machine."""

import contextlib
import http.client
import json
import os
import socket

from control_plane import ControlPlane
from processes import Failure, eventually, run, running


class Refused(Failure):
    """What the API server answered instead of doing it."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status = status


class Cluster(ControlPlane):
    """Its API server is asked through `kubectl proxy`, since the node's network is not this machine's."""

    def __init__(self, repository, programs, folder):
        self.repository = repository
        self.folder = folder
        self._programs = programs
        self._socket = folder.with_suffix(".socket")
        self._command = [programs.cluster, "exec", folder, programs.kubectl]
        self._proxy = contextlib.ExitStack()

    @classmethod
    @contextlib.contextmanager
    def started(cls, repository, programs, folder, *options):
        cluster = cls(repository, programs, folder)
        try:
            cluster.up(*options)
            yield cluster
        finally:
            cluster._proxy.close()
            cluster._hack("down", folder, within=60)

    def up(self, *options):
        """Starts the node, or starts it again after a failure."""
        self._hack("up", *options, self.folder, within=240)
        self._socket.unlink(missing_ok=True)
        self._proxy.enter_context(running(
            [*self._command, "proxy", f"--unix-socket={self._socket}"], self.folder.with_suffix(".log"),
            env=dict(os.environ)))
        discovery = eventually(lambda: self.call("GET", "/.well-known/openid-configuration"), "kubectl proxy answers")
        self.issuer = discovery["issuer"]
        self.keys = self.call("GET", "/openid/v1/jwks")
        # Where pods reach the API server.
        self.address = self.call("GET", "/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]
        self.url = f"https://{self.address}"

    def kill(self):
        """Ends the node at once, with all that runs on it."""
        self._proxy.close()
        self._hack("kill-node", self.folder, within=60)

    def load(self, *images):
        self._hack("load", self.folder, *(image.file for image in images), within=240)

    def exec(self, *command, within=60):
        """Runs a program on the node."""
        done = run([self._programs.cluster, "exec", self.folder, *command], env=dict(os.environ), within=within)
        if done.returncode != 0:
            raise Failure(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def _hack(self, *arguments, within):
        done = run([self._programs.cluster, *arguments], env=dict(os.environ), within=within)
        if done.returncode != 0:
            raise Failure(f"hack/cluster {arguments[0]}: {done.stderr.strip()}")

    def call(self, method, path, content=None, *, kind="application/json"):
        """Asks the API server: the answer as JSON, or Refused."""
        status, text = self.ask(method, path, content, kind=kind)
        if status >= 300:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                text = json.loads(text)["message"]
            raise Refused(status, text)
        return json.loads(text)

    def ask(self, method, path, content=None, *, kind="application/json", headers=None):
        """The status and the text of the answer."""
        connection = Connection(self._socket)
        body = None if content is None else json.dumps(content)
        try:
            connection.request(method, path, body, {"Content-Type": kind, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{method} {path}: {error}") from error
        finally:
            connection.close()

    def create(self, path, content):
        return self.call("POST", path, content)

    def items(self, path):
        return self.call("GET", path)["items"]

    def namespace(self, name, **labels):
        """A new namespace; one of that name that there was is gone first."""
        self.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait", "--timeout=60s")
        self.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        # Pods are refused before there is one.
        eventually(
            lambda: self.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default"),
            f"the namespace {name} has a ServiceAccount")


class Connection(http.client.HTTPConnection):
    """HTTP over a local socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
