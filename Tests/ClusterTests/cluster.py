"""A cluster of one real node, which hack/cluster starts on this machine."""

import contextlib
import json
import os
import urllib.error
import urllib.request

from control_plane import ControlPlane
from processes import Failure, eventually, run


class Refused(Failure):
    """What the API server answered instead of doing it."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status = status


class Cluster(ControlPlane):
    """Its API server answers on this machine, too; addresses of pods and Services are reached on the node alone."""

    def __init__(self, repository, programs, folder, *options):
        self.folder = folder
        self._programs = programs
        # What it prints is the path of a kubeconfig.
        super().__init__(repository, programs.kubectl, self._hack("up", *options, folder, within=240).strip())
        # Where pods reach the API server.
        self.address = self.call("GET", "/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"]

    @classmethod
    @contextlib.contextmanager
    def started(cls, repository, programs, folder, *options):
        try:
            yield cls(repository, programs, folder, *options)
        finally:
            # Whatever came of it, also of a cluster that did not start.
            if folder.exists():
                run([programs.cluster, "down", folder], env=dict(os.environ), within=60)

    def power_failure(self):
        """Ends the node at once, with all that runs on it, and starts it again."""
        self._hack("kill-node", self.folder, within=60)
        self._hack("up", self.folder, within=120)

    def load(self, *images):
        self._hack("load", self.folder, *(image.file for image in images), within=240)

    def exec(self, *command, within=60):
        """Runs a program on the node."""
        return self._hack("exec", self.folder, *command, within=within)

    def _hack(self, *arguments, within):
        done = run([self._programs.cluster, *arguments], env=dict(os.environ), within=within)
        if done.returncode != 0:
            raise Failure(f"hack/cluster {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

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
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, data=None if content is None else json.dumps(content).encode(),
            headers={"Content-Type": kind, **(headers or {})})
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            raise Failure(f"{method} {path}: {error}") from error

    def create(self, path, content):
        return self.call("POST", path, content)

    def items(self, path):
        return self.call("GET", path)["items"]

    def namespace(self, name, **labels):
        """A new namespace; one of that name that there was is gone first."""
        self.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait", "--timeout=50s")
        self.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        # Pods are refused before there is one.
        eventually(
            lambda: self.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default"),
            f"the namespace {name} has a ServiceAccount")
