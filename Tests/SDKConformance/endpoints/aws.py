"""Formats: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""

import jwt

from endpoints.endpoint import Endpoint, in_an_hour
from proxy import Answer


class AWS(Endpoint):
    """STS' AssumeRoleWithWebIdentity and Bedrock's Converse. Trust: role ARN → subjects."""

    region = "us-east-1"
    exchange = f"sts.{region}.amazonaws.com"
    model = f"bedrock-runtime.{region}.amazonaws.com"
    hosts = {exchange, model}

    def answer(self, request):
        return self._assume_role(request.form) if request.host == self.exchange else self._converse(request)

    def _assume_role(self, form):
        if form.get("Action") != "AssumeRoleWithWebIdentity" or form.get("Version") != "2011-06-15":
            return self._error(400, "InvalidAction", "Could not find operation")
        try:
            claims = self.verifier.claims(form["WebIdentityToken"], "sts.amazonaws.com")
        except jwt.InvalidAudienceError:
            return self._error(400, "InvalidIdentityToken", "Incorrect token audience")
        except jwt.ExpiredSignatureError:
            return self._error(400, "ExpiredTokenException", "Token expired")
        except jwt.InvalidTokenError:
            return self._error(
                400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
        if claims["sub"] not in self.trust.get(form["RoleArn"], ()):
            return self._error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        session_token = self.issue(form["RoleArn"])
        return Answer(200, f"""\
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>ASIACONFORMANCE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>{session_token}</SessionToken><Expiration>{in_an_hour()}</Expiration></Credentials>
<SubjectFromWebIdentityToken>{claims["sub"]}</SubjectFromWebIdentityToken>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>""", "text/xml")

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
