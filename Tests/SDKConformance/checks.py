"""How a case is shown: an application runs in a container of the admitted pod, and says who it was."""

import json
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from cases import Workload, subject
from deliveries import Deliveries
from layout import UNSHARE, Container
from node import NOBODY
from processes import Failure, tail
from proxy import Authority, Proxy
from sdks import Application
from vault import SECRETS, Vault, asks_for_agent, render

APPLICATIONS = Path(__file__).resolve().parent / "applications"
OTHER_AUDIENCE = "https://another.example"


class NotShown(Exception):
    """A check that cannot be made on this machine."""


@dataclass
class Surroundings:
    """What a container has around it."""

    plane: object
    deliveries: Deliveries
    bao: str
    vault: Vault
    endpoints: list
    # By the mechanism that needs them: what runs near the pods.
    services: dict
    authority: Authority
    folder: Path

    def lay_out(self, pod, audience=None):
        """A container of the pod in which the init containers, of which Vault's agent is one, are done."""
        container = Container(self.plane, self.deliveries, pod, self.folder, audience=audience)
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
        if application.has_fixed_path and UNSHARE is None:
            yield "not shown", self.not_shown
            return
        if not self.workload.trusted:
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
                "Your default credentials were not found", is_served=False)
        elif self.mechanism == "vault-csi":
            yield "the volume cannot be mounted with another audience", self.login_fails
        elif self.mechanism not in ("vault-agent", "external-secret"):
            yield "fails with another audience", lambda: self.fails(
                application.other_audience, audience=OTHER_AUDIENCE)
        elif any(volume["name"] == "lanyard-vault-token" for volume in self.pod["spec"]["volumes"]):
            yield "the agent fails with another audience", self.login_fails

    def not_shown(self):
        raise NotShown("the SDK knows the token's path by heart, and no mount namespace can be had")

    def works(self):
        done, asked = self.run(self.container.result())
        if done.returncode != 0:
            raise Failure(tail(done.stderr))
        application = self.application
        if not application.hosts <= asked <= application.hosts | application.background:
            raise Failure(f"asked {sorted(asked)}, not {sorted(application.hosts)}")
        said = json.loads(done.stdout)
        expected = application.output(subject(self.workload.name), self.surroundings.vault.value)
        if said != expected:
            raise Failure(f"it says {said}, not {expected}")
        return f"{application.credential}, {said['answer']}"

    def fails(self, failure, *, without=None, audience=None, is_served=True, hosts=frozenset()):
        """The application fails, for this reason and no other, and asks nobody else."""
        container = self.surroundings.lay_out(self.pod, audience) if audience else self.container.result()
        done, asked = self.run(container, guard=True, is_served=is_served, without=without)
        if done.returncode == 0:
            raise Failure(f"it does not fail: {done.stdout}")
        if failure not in done.stderr:
            raise Failure(f"it does not fail with {failure!r}:\n{tail(done.stderr)}")
        application = self.application
        if others := asked - application.hosts - application.background - hosts:
            raise Failure(f"it asked {sorted(others)}, too")
        return failure

    def login_fails(self):
        failure = "invalid audience (aud) claim"
        try:
            self.surroundings.lay_out(self.pod, OTHER_AUDIENCE)
        except Failure as error:
            if failure in str(error):
                return failure
            raise
        raise Failure("it does not fail")

    def run(self, container, *, guard=False, is_served=True, without=None):
        """Runs the application, and returns how it ended and the hosts that it asked."""
        surroundings = self.surroundings
        command = [sys.executable, "-B", APPLICATIONS / f"{self.application.script}.py"]
        env = dict(container.env)
        if self.mechanism == "vault-csi":
            if without is None:
                # A stored key's application does without one variable only: that of the key.
                variable = self.application.without[0].variable
                file = container.seen(f"/var/run/secrets/lanyard.dev/{self.provider}/{variable}")
                export = f'export {variable}="$(cat {file})"'
                command = ["sh", "-c", f'{export} && exec "$@"', "sh", *command]
        elif self.mechanism == "vault-agent":
            # The file sets the one variable, so to do without that is to do without the file.
            if without is None:
                command = ["sh", "-c", f'. {self.secret_file(container)} && exec "$@"', "sh", *command]
        elif without is not None:
            del env[without]
        endpoints = surroundings.endpoints
        if service := surroundings.services.get(self.mechanism):
            # Its endpoint has the model, too, so that no other exchange can have served the application.
            endpoints = [service.endpoint]
            env |= service.env if is_served else dict.fromkeys(service.env, NOBODY)
        if guard:
            env |= self.application.guard
        with Proxy(endpoints, surroundings.authority.context) as proxy:
            env |= {"HTTPS_PROXY": proxy.url, **surroundings.authority.env}
            return container.run(command, env), set(proxy.asked)

    def secret_file(self, container):
        """The file that the agent has written, as the application sees it: one line, for a shell."""
        path = f"{SECRETS}/{self.provider}.env"
        text = container.read(path)
        if text.count("\n") != 1 or not text.startswith("export ") or not text.endswith("\n"):
            raise Failure(f"{path} is not one line that exports: {text!r}")
        return container.seen(path)
