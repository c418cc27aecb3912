"""How a case is shown: an application runs in a container of the admitted pod, and says who it was."""

import contextlib
import json
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from cases import STORED_KEY, STRANGER, Application, Workload, subject
from endpoints import Endpoint
from layout import Container
from processes import Failure, free_port, tail
from proxy import Authority, PlainServer, Proxy
from vault import SECRETS, Vault, asks_for_agent, render

APPLICATIONS = Path(__file__).resolve().parent / "applications"
OTHER_AUDIENCE = "https://another.example"


@dataclass
class Surroundings:
    """What a container has around it."""

    plane: object
    bao: str
    vault: Vault
    endpoints: list
    metadata: Endpoint
    authority: Authority
    folder: Path

    def lay_out(self, pod, audience=None):
        """A container of the pod in which the init containers, of which Vault's agent is one, are done."""
        container = Container(self.plane, pod, self.folder, audience=audience)
        if asks_for_agent(pod):
            done = render(container, pod["metadata"]["annotations"], self.vault, self.bao, self.folder)
            if done.returncode != 0:
                raise Failure(f"the agent ends with {done.returncode}:\n{tail(done.stdout + done.stderr)}")
        return container


@dataclass
class Case:
    """One provider of one admitted pod."""

    surroundings: Surroundings
    workload: Workload
    pod: dict
    # Laid out in the meantime.
    container: Future
    provider: str
    mechanism: str
    application: Application

    def checks(self):
        """What is to be shown: what it is, and how."""
        application = self.application
        if self.workload.name == STRANGER:
            yield "refused as it is not trusted", lambda: self.fails(application.stranger)
            return
        yield "works", self.works
        if not self.workload.reverse:
            return
        for without in application.without:
            yield f"fails without {without.variable}", lambda without=without: self.fails(
                without.failure, without=without.variable, hosts=without.hosts)
        if self.mechanism == "gke-workload-identity":
            yield "fails without a metadata server", lambda: self.fails(
                "Your default credentials were not found", metadata=False)
        elif self.mechanism != "vault-agent":
            yield "fails with another audience", lambda: self.fails(
                application.other_audience, audience=OTHER_AUDIENCE)
        elif any(volume["name"] == "lanyard-vault-token" for volume in self.pod["spec"]["volumes"]):
            yield "the agent fails with another audience", self.agent_fails

    def works(self):
        done, asked = self.run(self.container.result())
        if done.returncode != 0:
            raise Failure(tail(done.stderr))
        application = self.application
        if not application.hosts <= asked <= application.hosts | application.background:
            raise Failure(f"asked {sorted(asked)}, not {sorted(application.hosts)}")
        said = json.loads(done.stdout)
        caller = application.caller.format(subject=subject(self.workload.name))
        credential = self.surroundings.vault.value if application.credential == STORED_KEY else application.credential
        expected = {"credential": credential, "answer": f"called by {caller}"}
        if said != expected:
            raise Failure(f"it says {said}, not {expected}")
        return f"{application.credential}, {said['answer']}"

    def fails(self, failure, *, without=None, audience=None, metadata=True, hosts=frozenset()):
        """The application fails, for this reason and no other, and asks nobody else."""
        container = self.surroundings.lay_out(self.pod, audience) if audience else self.container.result()
        done, asked = self.run(container, guard=True, metadata=metadata, without=without)
        if done.returncode == 0:
            raise Failure(f"it does not fail: {done.stdout}")
        if failure not in done.stderr:
            raise Failure(f"it does not fail with {failure!r}:\n{tail(done.stderr)}")
        application = self.application
        if others := asked - application.hosts - application.background - hosts:
            raise Failure(f"it asked {sorted(others)}, too")
        return failure

    def agent_fails(self):
        failure = "invalid audience (aud) claim"
        try:
            self.surroundings.lay_out(self.pod, OTHER_AUDIENCE)
        except Failure as error:
            if failure in str(error):
                return failure
            raise
        raise Failure("the agent does not fail")

    def run(self, container, *, guard=False, metadata=True, without=None):
        """Runs the application, and returns how it ended and the hosts that it asked."""
        surroundings = self.surroundings
        command = [sys.executable, "-B", APPLICATIONS / f"{self.application.script}.py"]
        env = dict(container.env)
        if self.mechanism == "vault-agent":
            # The file sets the one variable, so to do without that is to do without the file.
            if without is None:
                command = ["sh", "-c", f'. {self.secret_file(container)} && exec "$@"', "sh", *command]
        elif without is not None:
            del env[without]
        with contextlib.ExitStack() as stack:
            endpoints = surroundings.endpoints
            if self.mechanism == "gke-workload-identity":
                address = f"127.0.0.1:{free_port()}"
                if metadata:
                    address = stack.enter_context(PlainServer(surroundings.metadata)).address
                endpoints = [surroundings.metadata]
                env |= {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address}
            proxy = stack.enter_context(Proxy(endpoints, surroundings.authority))
            authority = str(surroundings.authority.file)
            env |= {
                "HTTPS_PROXY": f"http://{proxy.address}", "REQUESTS_CA_BUNDLE": authority, "SSL_CERT_FILE": authority,
            }
            if guard:
                env |= self.application.guard
            return container.run(command, env), set(proxy.asked)

    def secret_file(self, container):
        """The file that the agent has written, as the application sees it: one line, for a shell."""
        path = f"{SECRETS}/{self.provider}.env"
        text = container.read(path)
        if text.count("\n") != 1 or not text.startswith("export ") or not text.endswith("\n"):
            raise Failure(f"{path} is not one line that exports: {text!r}")
        return container.seen(path)
