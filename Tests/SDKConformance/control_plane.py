"""A real API server, and `lanyard run` beside it."""

import base64
import contextlib
import functools
import json
import os
import ssl
import tempfile
import urllib.error
import urllib.request

from processes import Failure, eventually, free_port, run, running, tail

NAMESPACE = "conformance"


class ControlPlane:
    """One API server, talked to as its administrator: by kubectl, and for what there is much of, directly."""

    def __init__(self, repository, kubectl, kubeconfig):
        self.repository = repository
        self.kubeconfig = kubeconfig
        self._command = [kubectl, "--kubeconfig", kubeconfig]
        config = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url = cluster["server"]
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as file:
            for part in ["client-certificate-data", "client-key-data"]:
                file.write(base64.b64decode(user[part]))
            file.flush()
            context.load_cert_chain(file.name)
        # The machine may have a proxy, which is not for loopback.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        discovery = json.loads(self.kubectl("get", "--raw", "/.well-known/openid-configuration"))
        self.issuer = discovery["issuer"]
        self.keys = json.loads(self.kubectl("get", "--raw", "/openid/v1/jwks"))

    @classmethod
    @contextlib.contextmanager
    def up(cls, repository, kubectl, folder):
        command = repository / "hack/control-plane"
        try:
            started = run([command, "up", folder], env=dict(os.environ), within=120)
            if started.returncode != 0:
                raise Failure(f"no control plane:\n{started.stderr}")
            plane = cls(repository, kubectl, started.stdout.strip())
            for file in ["namespace", "crd"]:
                plane.kubectl("apply", "-f", f"{repository}/manifests/{file}.yaml")
            plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
            yield plane
        finally:
            run([command, "down", folder], env=dict(os.environ))

    def kubectl(self, *arguments, text=""):
        done = run([*self._command, *arguments], env=dict(os.environ), text=text)
        if done.returncode != 0:
            raise Failure(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *objects):
        self.kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def create(self, path, content):
        """Creates an object, and returns it as the API server has made it."""
        request = urllib.request.Request(
            f"{self.url}{path}", data=json.dumps(content).encode(), headers={"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failure(f"POST {path}: {error.read().decode()}") from error

    def service_accounts(self, annotations):
        """ServiceAccounts with these annotations, by their names."""
        self.apply(*(
            {
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": NAMESPACE, "annotations": each},
            }
            for name, each in annotations.items()
        ))

    def create_pod(self, name, query="", variables=None):
        """Creates a pod of the ServiceAccount of the same name, and returns it as it was admitted."""
        env = [{"name": name, "value": value} for name, value in (variables or {}).items()]
        return self.create(f"/api/v1/namespaces/{NAMESPACE}/pods{query}", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"serviceAccountName": name, "containers": [{"name": "app", "image": "app", "env": env}]},
        })

    def expect_reports(self, expected):
        """Waits until Lanyard's reports on ServiceAccounts give these reasons for being ready or not."""
        def attempt():
            listed = json.loads(self.kubectl("get", "workloadidentities", "-n", NAMESPACE, "-o", "json"))["items"]
            reasons = {
                each["metadata"]["name"]: condition["reason"]
                for each in listed for condition in each.get("status", {}).get("conditions", [])
                if condition["type"] == "Ready"
            }
            if others := {name: reasons.get(name) for name in expected if reasons.get(name) != expected[name]}:
                raise Failure(f"Lanyard reports {others}")

        eventually(attempt, "Lanyard reports what it did")

    def token(self, namespace, service_account, *, audience=None, seconds=3600, pod=None):
        """A token as the kubelet requests it: for one audience, or for the API server's own, and bound to a pod."""
        spec = {"expirationSeconds": seconds}
        if audience is not None:
            spec["audiences"] = [audience]
        if pod is not None:
            metadata = pod["metadata"]
            spec["boundObjectRef"] = {
                "apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"],
            }
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        return self.create(path, request)["status"]["token"]

    @functools.cache
    def config_map(self, namespace, name):
        """The data of a ConfigMap, which may be about to be made."""
        return eventually(
            lambda: json.loads(self.kubectl("get", "configmap", name, "-n", namespace, "-o", "json"))["data"],
            f"ConfigMap {namespace}/{name}")


@contextlib.contextmanager
def operator(plane, lanyard, platform, settings, folder):
    """`lanyard run` on a platform; in the body, the API server calls it."""
    log = folder / f"lanyard-{platform}.log"
    configuration = folder / f"lanyard-{platform}.json"
    configuration.write_text(json.dumps({"platform": platform, "issuer": {"public": True}, **settings}))
    webhook, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    arguments = [
        lanyard, "run", "--kubeconfig", plane.kubeconfig, "--namespace", "lanyard-system", "--config", configuration,
        "--webhook-url", f"https://{webhook}", "--webhook-address", webhook, "--metrics-address", metrics,
        "--log-level", "trace",
    ]
    with running(arguments, log, env={name: os.environ[name] for name in ["PATH", "HOME"]}) as process:
        def ready():
            if process.poll() is not None:
                raise EOFError(f"lanyard ended with {process.returncode}")
            with urllib.request.urlopen(f"http://{metrics}/readyz", timeout=5):
                pass

        # Every platform gives this probe another value, so an earlier operator's answer is not taken for this one's.
        probe = f"probe-{platform}"
        mechanism = "irsa" if platform == "eks" else "aws-web-identity"

        def injected():
            annotations = plane.create_pod(probe, "?dryRun=All")["metadata"].get("annotations", {})
            if annotations.get("lanyard.dev/injected") != f"aws-bedrock={mechanism}":
                raise Failure(f"a pod's annotations are {annotations}")

        try:
            eventually(ready, "lanyard is ready")
            plane.service_accounts({
                probe: {
                    "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/probe",
                    "lanyard.dev/aws-region": "us-east-1",
                },
            })
            eventually(injected, "the API server calls lanyard")
        except (Failure, EOFError) as error:
            raise Failure(f"lanyard on {platform}: {error}\nits log ends:\n{tail(log.read_text())}") from error
        yield
    # It did not end by itself, so the next one would wait until its lease is over.
    plane.kubectl("delete", "lease", "--all", "-n", "lanyard-system")
