"""Formats: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""

import jwt
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from endpoints.endpoint import Endpoint, in_an_hour
from proxy import Answer


class AWS(Endpoint):
    """STS' AssumeRoleWithWebIdentity and AssumeRole, and Bedrock's Converse. Trust: role ARN → subjects.

    `roles` are those that another role may assume: its ARN → that of the other, and the external id.
    """

    key_id, key = "ASIACONFORMANCE", "secret"
    roles = {}
    is_disabled = False

    region = "us-east-1"
    exchange = f"sts.{region}.amazonaws.com"
    model = f"bedrock-runtime.{region}.amazonaws.com"
    hosts = {exchange, model}

    def answer(self, request):
        if request.host != self.exchange:
            return self._converse(request)
        if self.is_disabled:
            return self._error(403, "RegionDisabledException", "STS is not activated in this region for account")
        if request.form.get("Action") == "AssumeRole":
            return self._assume_second_role(request)
        return self._assume_role(request.form)

    def _assume_role(self, form):
        if form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("Version") != "2011-06-15":
            return self._error(400, "InvalidAction", "Could not find operation")
        try:
            claims = self.verifier.claims(form["WebIdentityToken"], "sts.amazonaws.com")
        except jwt.InvalidAudienceError:
            return self._error(400, "InvalidIdentityToken", "Incorrect token audience")
        except jwt.InvalidIssuerError:
            return self._error(
                400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://issuer")
        except jwt.ExpiredSignatureError:
            return self._error(400, "ExpiredTokenException", "Token expired")
        except jwt.InvalidTokenError:
            return self._error(
                400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
        if claims["sub"] not in self.trust.get(form["RoleArn"], ()):
            return self._error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        subject = f"<SubjectFromWebIdentityToken>{claims['sub']}</SubjectFromWebIdentityToken>"
        return self._session("AssumeRoleWithWebIdentity", form["RoleArn"], subject)

    def _assume_second_role(self, request):
        """The caller signs: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
        form = request.form
        if not self._is_signed(request):
            return self._error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")
        caller = self._principals[request.headers["X-Amz-Security-Token"]]
        if self.roles.get(form["RoleArn"]) != (caller, form.get("ExternalId")):
            return self._error(
                403, "AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {form['RoleArn']}")
        return self._session("AssumeRole", form["RoleArn"])

    def _is_signed(self, request):
        """Whether botocore signs the same headers and body alike."""
        authorization = request.headers.get("Authorization", "")
        names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
            return False
        signed = AWSRequest(
            "POST", f"https://{request.host}/", data=request.body,
            headers={name: request.headers[name] for name in names if name != "host"})
        signed.context["timestamp"] = request.headers["X-Amz-Date"]
        keys = Credentials(self.key_id, self.key, request.headers["X-Amz-Security-Token"])
        signer = SigV4Auth(keys, "sts", self.region)
        signature = signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed)
        scope = f"Credential={self.key_id}/{request.headers['X-Amz-Date'][:8]}/{self.region}/sts/aws4_request,"
        return scope in authorization and authorization.endswith(f"Signature={signature}")

    def _session(self, action, role, more=""):
        return Answer(200, f"""\
<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<Credentials><AccessKeyId>{self.key_id}</AccessKeyId><SecretAccessKey>{self.key}</SecretAccessKey>
<SessionToken>{self.issue(role)}</SessionToken><Expiration>{in_an_hour()}</Expiration></Credentials>{more}
</{action}Result></{action}Response>""", "text/xml")

    def _converse(self, request):
        if f"/{self.region}/bedrock/aws4_request" not in request.headers["Authorization"]:
            return Answer(403, {"message": "The request is not signed for this region and service."})
        text = self.called_by(request.headers["X-Amz-Security-Token"])
        return Answer(200, {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1},
        })

    def _error(self, status, code, message):
        return Answer(status, f"""\
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code>
<Message>{message}</Message></Error><RequestId>conformance</RequestId></ErrorResponse>""", "text/xml")


class EKSPodIdentityAgent(AWS):
    """The agent of EKS Pod Identity, which a pod's node runs, and Bedrock. Trust: role ARN → associated subjects.

    https://github.com/aws/eks-pod-identity-agent
    """

    hosts = {AWS.model}

    def answer(self, request):
        if request.host == self.model:
            return self._converse(request)
        if request.path != "/v1/credentials":
            return Answer(404, "404 page not found", "text/plain")
        try:
            # The token stands there by itself, without a scheme.
            claims = self.verifier.claims(request.headers.get("Authorization", ""), "pods.eks.amazonaws.com")
        except jwt.InvalidTokenError as error:
            return Answer(400, f"InvalidTokenException: {error}", "text/plain")
        role = next((role for role, subjects in self.trust.items() if claims["sub"] in subjects), None)
        if role is None:
            return Answer(404, "ResourceNotFoundException: the ServiceAccount has no association", "text/plain")
        return Answer(200, {
            "AccessKeyId": "ASIACONFORMANCE", "SecretAccessKey": "secret", "Token": self.issue(role),
            "AccountId": role.split(":")[4], "Expiration": in_an_hour(),
        })
