"""Certificates as they will be in some time: what makes Lanyard rotate them today."""
import base64
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECRET = "/api/v1/namespaces/lanyard-system/secrets/lanyard-webhook-certificates"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def days(count):
    return datetime.timedelta(days=count)


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def write_own(path):
    """A certificate for 127.0.0.1 that is its own CA, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wire")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now() - days(1)).not_valid_after(now() + days(30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256()))
    with open(path, "wb") as file:
        file.write(key_pem(key) + pem(certificate))


def again(certificate, key, issuer, signer, begin, end):
    """The same certificate with another key and validity."""
    builder = (
        x509.CertificateBuilder().subject_name(certificate.subject).issuer_name(issuer)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(begin).not_valid_after(end))
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        if isinstance(value, x509.AuthorityKeyIdentifier):
            value = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(value, extension.critical)
    return builder.sign(signer, hashes.SHA256())


class Secret:
    """What the replicas share."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.object = cluster.call("GET", SECRET)
        data = {name: base64.b64decode(value) for name, value in self.object["data"].items()}
        self.authorities = x509.load_pem_x509_certificates(data["ca.crt"])
        self.authority_key = serialization.load_pem_private_key(data["ca.key"], None)
        self.leaf = x509.load_pem_x509_certificate(data["tls.crt"])
        self.data = data

    def write(self):
        data = {name: base64.b64encode(value).decode() for name, value in self.data.items()}
        version = self.object["metadata"]["resourceVersion"]
        self.cluster.call(
            "PATCH", SECRET, {"metadata": {"resourceVersion": version}, "data": data}, "application/merge-patch+json")

    def age_leaf(self):
        """As it will be in 61 of its 90 days, when it is to be replaced."""
        key, authority = ec.generate_private_key(ec.SECP256R1()), self.authorities[0]
        begin = now() - days(61)
        leaf = again(self.leaf, key, authority.subject, self.authority_key, begin, begin + days(90))
        self.data |= {"tls.crt": pem(leaf), "tls.key": key_pem(key)}

    def announce_authority(self):
        """As it will be two days after another CA was made: it is to sign now."""
        key, old = ec.generate_private_key(ec.SECP256R1()), self.authorities[0]
        new = again(old, key, old.subject, key, now() - days(2), now() + days(3648))
        # More than four are not kept.
        self.data |= {"ca.crt": pem(new) + b"".join(map(pem, self.authorities[:3])), "ca.key": key_pem(key)}
