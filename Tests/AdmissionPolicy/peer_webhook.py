"""Webhooks of others, as an API server calls them: at /label one that labels pods, at /mesh one that adds a container."""

import base64
import contextlib
import datetime
import http.server
import ipaddress
import json
import pathlib
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATCHES = {
    "/label": lambda pod: [{
        "op": "add", "path": "/metadata/labels", "value": {**pod["metadata"].get("labels", {}), "mesh": "x"}}],
    "/mesh": lambda pod: [] if any(item["name"] == "mesh" for item in pod["spec"]["containers"]) else [
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "mesh", "image": "mesh"}}],
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        patch = json.dumps(PATCHES[self.path.partition("?")[0]](review["request"]["object"])).encode()
        content = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": {
            "uid": review["request"]["uid"], "allowed": True, "patchType": "JSONPatch",
            "patch": base64.b64encode(patch).decode()}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nobody reads it."""


def certificate():
    """For loopback, signed by itself; and its key: in one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=1), not_valid_after=now + datetime.timedelta(days=1),
    ).add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False).sign(
        key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return made, key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@contextlib.contextmanager
def served(folder):
    """Their registrations, by path. By its name each is called after Lanyard's."""
    made, key = certificate()
    file = pathlib.Path(folder, "peer.pem")
    file.write_bytes(made + key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {path: {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "sidecar-injector"},
            "webhooks": [{
                "name": "sidecar-injector.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "clientConfig": {
                    "url": f"https://127.0.0.1:{server.server_address[1]}{path}",
                    "caBundle": base64.b64encode(made).decode()},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            }]} for path in PATCHES}
    finally:
        server.shutdown()
