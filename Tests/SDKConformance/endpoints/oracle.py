"""Formats: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm"""

import base64
import hashlib
import json
import re
import time

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from endpoints.endpoint import Endpoint
from proxy import Answer

# What a signature of a request with a body must cover.
SIGNED = "date (request-target) host content-length content-type x-content-sha256"


class Oracle(Endpoint):
    """OKE's proxymux, which runs beside the API server, and Generative AI.

    Trust: compartment → subjects that its policy lets in. The proxymux gives every workload of its cluster a token,
    for a key of the workload's own: with this key the workload signs requests.
    """

    hosts = {"inference.generativeai.us-chicago-1.oci.oraclecloud.com"}

    def __init__(self, verifier, trust):
        super().__init__(verifier, trust)
        # By the name of the key in a signature: the key and the subject.
        self._workloads = {}

    def answer(self, request):
        return self._chat(request) if request.host in self.hosts else self._session_token(request)

    def _session_token(self, request):
        if request.path != "/resourcePrincipalSessionTokens":
            return Answer(404, {"message": "not found"})
        try:
            claims = self.verifier.claims(request.bearer, self.verifier.issuer)
        except jwt.InvalidTokenError as error:
            return Answer(403, {"message": str(error)})
        try:
            key = public_key(request.json["podKey"])
        except ValueError as error:
            return Answer(400, {"message": f"podKey: {error}"})
        now = int(time.time())
        token = "ST$" + jwt.encode(
            {
                "sub": claims["sub"], "iat": now, "exp": now + 3600,
                # The SDK for Go asks its token for these.
                "res_tenant": "ocid1.tenancy.oc1..conformance", "res_compartment": "ocid1.compartment.oc1..conformance",
            },
            "a key of OCI's, of no matter which kind")
        self._workloads[token] = key, claims["sub"]
        text = base64.b64encode(json.dumps({"token": token}).encode()).decode()
        # A string of JSON, with its quotes: the SDK for Go wants them, and that for Python takes them.
        return Answer(200, json.dumps(text), "text/plain")

    def _chat(self, request):
        signature = dict(re.findall(r'(\w+)="([^"]*)"', request.headers["Authorization"]))
        key, subject = self._workloads[signature["keyId"]]
        if not is_signed(request, signature, key):
            return self._error(401, "NotAuthenticated", "The required information to complete authentication is wrong.")
        if subject not in self.trust.get(request.json["compartmentId"], ()):
            return self._error(
                404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.")
        return Answer(200, {
            "modelId": "model", "modelVersion": "1",
            "chatResponse": {"apiFormat": "COHERE", "text": f"called by {subject}", "finishReason": "COMPLETE"},
        })

    def _error(self, status, code, message):
        return Answer(status, {"code": code, "message": message})


def public_key(text):
    """A pod's key: without PEM's armour, as the SDK for Python sends it, or with it, as that for Go does."""
    if text.startswith("-----BEGIN"):
        return serialization.load_pem_public_key(text.encode())
    data = base64.b64decode(text)
    return (
        serialization.load_pem_public_key(data) if data.startswith(b"-----BEGIN")
        else serialization.load_der_public_key(data))


def is_signed(request, signature, key):
    """Whether the key has signed the request's target, its headers and, through one of them, its body."""
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    if signature["headers"] != SIGNED or request.headers["x-content-sha256"] != digest:
        return False
    values = {name: request.headers[name] for name in SIGNED.split()}
    values["(request-target)"] = f"{request.method.lower()} {request.path}"
    text = "\n".join(f"{name}: {value}" for name, value in values.items())
    try:
        key.verify(base64.b64decode(signature["signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
