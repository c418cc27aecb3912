"""Runs Lanyard beside a real Prometheus that has the chart's rules, makes faults, and sees alerts fire and go.

See hack/check-alerts.
"""

import argparse
import base64
import contextlib
import datetime
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

INJECTOR = "pod-injector.lanyard.dev"
NAMESPACE = "lanyard-system"
ROLE = "arn:aws:iam::111122223333:role/bedrock"
# Longer than anything here takes by design: a certificate is read again every 30 s, the definition every 60 s.
PATIENCE = 120


def quickened(rules):
    """The rules with a second in place of every wait, and ten in place of every window."""
    return re.sub(r"\[\d+m\]", "[10s]", re.sub(r"^( +for:) \d+m$", r"\1 1s", rules, flags=re.M))


def free_ports(count):
    """Ports of loopback that nobody listens on; all are held until all are found."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A CA that signs the webhook's certificate, as cert-manager would."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name("ca"), self.key.public_key(), -200, 200, True)

    def _sign(self, subject, key, start, end, is_authority):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            issuer_name=name("ca"), subject_name=subject, public_key=key, serial_number=x509.random_serial_number(),
            not_valid_before=now + datetime.timedelta(days=start), not_valid_after=now + datetime.timedelta(days=end))
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(f"lanyard-webhook.{NAMESPACE}.svc")]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    @property
    def bundle(self):
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.PEM)).decode()

    def issue(self, folder, start, end):
        """Writes a certificate that is valid from one day to another, counted from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._sign(name("webhook"), key.public_key(), start, end, False)
        folder.mkdir(exist_ok=True)
        (folder / "tls.crt").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        (folder / "tls.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


class Stage:
    """A cluster, an operator and a Prometheus."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.webhook, self.metrics, self.prometheus = free_ports(3)
        self.authority = Authority()
        self.children = {}
        self.seen = set()
        self.start = time.monotonic()

    def kubectl(self, *words, text=None):
        done = subprocess.run(
            [self.options.kubectl, "--kubeconfig", self.options.kubeconfig, *words], input=text, capture_output=True,
            text=True, timeout=60, check=False)
        if done.returncode:
            raise SystemExit(f"check-alerts: kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *items):
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(items))

    def spawn(self, what, *words):
        log = open(self.folder / f"{what}.log", "a", encoding="utf-8")
        self.children[what] = subprocess.Popen(words, stdout=log, stderr=log)
        log.close()

    def run_operator(self):
        self.spawn(
            "operator", self.options.lanyard, "run", "--kubeconfig", self.options.kubeconfig, "--namespace", NAMESPACE,
            "--config", str(self.folder / "config.yaml"), "--certificate-directory", str(self.folder / "certificate"),
            "--webhook-address", f"127.0.0.1:{self.webhook}", "--metrics-address", f"127.0.0.1:{self.metrics}")

    def run_prometheus(self):
        rules = pathlib.Path("charts/lanyard/files/alerts.yaml").read_text(encoding="utf-8")
        (self.folder / "alerts.yaml").write_text(quickened(rules))
        (self.folder / "prometheus.yaml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yaml"],
            "scrape_configs": [{
                "job_name": "lanyard-metrics", "static_configs": [{"targets": [f"127.0.0.1:{self.metrics}"]}]}],
        }))
        self.spawn(
            "prometheus", self.options.prometheus, f"--config.file={self.folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.prometheus}")

    def end(self):
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            try:
                child.wait(40)
            except subprocess.TimeoutExpired:
                child.kill()

    # ---- alerts

    def firing(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus}/api/v1/alerts", timeout=5) as answer:
                alerts = json.load(answer)["data"]["alerts"]
        except OSError:
            return None
        found = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
        self.seen |= found
        return found

    def expect(self, what, wanted, exactly=False):
        """Waits until these alerts fire, among others or alone."""
        deadline, began = time.monotonic() + PATIENCE, time.monotonic()
        while True:
            found = self.firing()
            if found is not None and (found == wanted if exactly else wanted <= found):
                break
            if time.monotonic() > deadline:
                shown = "nothing, since Prometheus does not answer" if found is None else sorted(found)
                raise SystemExit(f"check-alerts: {what}: {sorted(wanted)} should fire, and what fires is {shown}")
            for child, process in self.children.items():
                if process.poll() is not None and process.returncode != -9:
                    log = (self.folder / f"{child}.log").read_text(encoding="utf-8")
                    raise SystemExit(f"check-alerts: {child} has ended:\n{log[-3000:]}")
            time.sleep(0.2)
        took = time.monotonic() - began
        print(f"check-alerts: {what}: {', '.join(sorted(wanted)) or 'no alert'} ({took:.0f} s)", flush=True)

    # ---- what is right, and what is wrong

    def set_definition(self, without=None):
        definition = yaml.safe_load(pathlib.Path("manifests/crd.yaml").read_text(encoding="utf-8"))
        for version in definition["spec"]["versions"]:
            version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"].pop(without, None)
        self.apply(definition)

    def register(self, bundle):
        items = list(yaml.safe_load_all(pathlib.Path("manifests/webhook.yaml").read_text(encoding="utf-8")))
        for item in items:
            for entry in item["webhooks"]:
                entry["clientConfig"]["caBundle"] = bundle
        self.apply(*items)

    def annotate(self, account, role):
        self.kubectl(
            "annotate", "--overwrite", "serviceaccount", account, "-n", "alerts", f"eks.amazonaws.com/role-arn={role}",
            "lanyard.dev/aws-region=us-east-1")

    @contextlib.contextmanager
    def again_and_again(self, action, pause):
        """Does something meanwhile."""
        done, failed = threading.Event(), []

        def loop():
            while not done.is_set():
                try:
                    action()
                except (OSError, SystemExit) as error:
                    failed.append(error)
                done.wait(pause)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        if failed:
            raise SystemExit(f"check-alerts: {failed[0]}")

    def send_too_large_review(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.webhook), 5) as plain, context.wrap_socket(plain) as secure:
            secure.sendall(
                b"POST /mutate HTTP/1.1\r\nHost: lanyard\r\nContent-Type: application/json\r\n"
                b"Content-Length: 1000000000\r\n\r\n{")
            status = secure.recv(1024).split(b"\r\n")[0]
        if b" 413 " not in status:
            raise OSError(f"a review that is too large is answered by {status}")

    def steal_lease(self):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lease = {"spec": {"holderIdentity": "somebody", "renewTime": now, "leaseDurationSeconds": 8}}
        self.kubectl(
            "patch", "lease", "lanyard-controller", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(lease))


def service_account(account):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": "alerts"}}


def pod(account):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "alerts"},
        "spec": {
            # An older API server wants the token to be there before it lets a pod mount it.
            "serviceAccountName": account, "automountServiceAccountToken": False,
            "containers": [{"name": "app", "image": "app:1"}],
        },
    }


def main():
    parser = argparse.ArgumentParser()
    for option in ("folder", "lanyard", "prometheus", "kubectl", "kubeconfig"):
        parser.add_argument(f"--{option}", required=True)
    stage = Stage(parser.parse_args())
    try:
        show(stage)
    finally:
        stage.end()


def show(stage):
    certificate = stage.folder / "certificate"
    (stage.folder / "config.yaml").write_text("{platform: eks, issuer: {public: true}}\n")
    stage.authority.issue(certificate, -1, 89)
    stage.set_definition(without="evidence")
    for namespace in (NAMESPACE, "alerts"):
        stage.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    stage.register(stage.authority.bundle)
    stage.apply(service_account("app"), service_account("bad"), pod("app"))
    stage.run_operator()
    stage.run_prometheus()
    stage.expect("a definition without a field", {"LanyardDefinitionOutdated"}, exactly=True)

    stage.set_definition()
    stage.register(Authority().bundle)
    stage.authority.issue(certificate, -89, 1)
    stage.annotate("app", ROLE)
    stage.annotate("bad", "bedrock")
    with stage.again_and_again(stage.send_too_large_review, 1):
        stage.expect(
            "another caBundle, an old certificate, a pod from before, a malformed role and reviews that are too large",
            {"LanyardNotTrusted", "LanyardCertificateExpiring", "LanyardPodsNotInjected", "LanyardIdentitiesNotReady",
             "LanyardReviewsFailing"})

    stage.kubectl("delete", "mutatingwebhookconfiguration", INJECTOR)
    with stage.again_and_again(stage.steal_lease, 1):
        stage.expect("the registration deleted and the lease stolen", {"LanyardNotRegistered", "LanyardNoLeader"})

    stage.register(stage.authority.bundle)
    stage.authority.issue(certificate, -1, 89)
    stage.kubectl("delete", "pod", "app", "-n", "alerts", "--force", "--grace-period=0")
    stage.annotate("bad", ROLE)
    stage.expect("all is fixed", set(), exactly=True)

    stage.children["operator"].kill()
    stage.children["operator"].wait()
    stage.expect("the operator killed", {"LanyardAbsent"})
    stage.run_operator()
    stage.expect("the operator started again", set(), exactly=True)
    print(f"check-alerts: {len(stage.seen)} alerts fired and went, within {time.monotonic() - stage.start:.0f} s")


main()
