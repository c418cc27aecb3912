"""The way to the providers: an HTTP proxy on loopback behind which there is nothing but the tests' own endpoints.

SDKs call their production addresses, and their variables stay as they were injected: only HTTPS_PROXY and the
authority that is to be trusted are added. A host that no endpoint stands for is refused and remembered.
"""

import contextlib
import datetime
import ipaddress
import json
import shutil
import ssl
import threading
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Request:
    method: str
    host: str
    path: str
    headers: object
    body: bytes

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode()))

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def bearer(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


@dataclass
class Answer:
    status: int
    content: object
    type: str = "application/json"

    @property
    def body(self):
        return (self.content if isinstance(self.content, str) else json.dumps(self.content)).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection from an endpoint."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection, server, endpoint):
        self.endpoint = endpoint
        super().__init__(connection, connection.getpeername(), server)

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.endpoint.answer(
            Request(self.command, self.headers.get("Host", ""), self.path, self.headers, body))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in self.endpoint.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = respond

    def log_message(self, *arguments):
        """Says nothing: what was asked for is asserted."""


class Tunnel(BaseHTTPRequestHandler):
    """Answers CONNECT by being the host itself."""

    def do_CONNECT(self):
        host = self.path.rpartition(":")[0]
        self.server.asked.add(host)
        if host not in self.server.endpoints:
            self.send_error(403)
            return
        self.send_response_only(200)
        self.end_headers()
        # A client that trusts nothing, or is done, ends the connection as it likes.
        with contextlib.suppress(OSError), self.server.context.wrap_socket(self.connection, server_side=True) as inner:
            Handler(inner, self.server, self.server.endpoints[host])

    def log_message(self, *arguments):
        """Says nothing: what was asked for is asserted."""


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, address=("127.0.0.1", 0)):
        super().__init__(address, handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


class Proxy(Listener):
    def __init__(self, endpoints, context, address=("127.0.0.1", 0)):
        super().__init__(Tunnel, address)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked = set()
        self.endpoints = {host: endpoint for endpoint in endpoints for host in endpoint.hosts}
        self.context = context


class Authority:
    """A certificate authority for the endpoints' hosts and for an address.

    `file` is what clients are to trust, and `chain` what servers show.
    """

    def __init__(self, hosts, address, folder):
        self.file = folder / "authority.pem"
        authority_key, authority = certify("authority", [])
        names = [*map(x509.DNSName, hosts), x509.IPAddress(ipaddress.ip_address(address))]
        key, certificate = certify("endpoints", names, authority_key, authority)
        self.file.write_bytes(pem(authority))
        # Alibaba Cloud's SDKs trust certifi's file alone, so they find a copy of that package first.
        python_path = folder / "python"
        shutil.copytree(Path(certifi.__file__).parent, python_path / "certifi")
        with open(python_path / "certifi" / "cacert.pem", "ab") as trusted:
            trusted.write(pem(authority))
        self.env = {
            "REQUESTS_CA_BUNDLE": str(self.file), "SSL_CERT_FILE": str(self.file), "PYTHONPATH": str(python_path),
        }
        self.chain = folder / "endpoints.pem"
        self.chain.write_bytes(pem(certificate) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.context = server_context(self.chain)


def server_context(chain):
    """What a server speaks TLS with, of a file with its certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def certify(name, alternatives, issuer_key=None, issuer=None):
    """A key and its certificate; without an issuer, an authority's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    signing_key = issuer_key or key
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False))
    if issuer is None:
        usage = x509.KeyUsage(*(name in ("key_cert_sign", "crl_sign") for name in KEY_USAGES))
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return key, builder.sign(signing_key, hashes.SHA256())


KEY_USAGES = [
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
]
