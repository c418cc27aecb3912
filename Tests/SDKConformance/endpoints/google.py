"""Formats: https://cloud.google.com/iam/docs/reference/sts/rest"""

import urllib.parse

import jwt

from endpoints.endpoint import Endpoint, in_an_hour
from proxy import Answer


class Google(Endpoint):
    """Google's STS, the impersonation of service accounts and Vertex AI.

    Trust: a workload identity provider, or a service account's e-mail address → subjects. The provider allows its
    default audience alone.
    """

    exchange = "sts.googleapis.com"
    impersonation = "iamcredentials.googleapis.com"
    model = "us-central1-aiplatform.googleapis.com"
    hosts = {exchange, impersonation, model}
    platform_scope = "https://www.googleapis.com/auth/cloud-platform"

    def answer(self, request):
        match request.host:
            case self.exchange:
                return self._exchange(request.form)
            case self.impersonation:
                return self._impersonate(request)
            case _:
                return vertex_content(request, self.called_by(request.bearer))

    def _exchange(self, form):
        provider = form["audience"].removeprefix("//iam.googleapis.com/")
        if provider not in self.trust:
            return self._error(
                "invalid_request",
                'Invalid value for "audience". This value should be the full resource name of the Identity Provider.')
        try:
            claims = self.verifier.claims(form["subject_token"], f"https://iam.googleapis.com/{provider}")
        except jwt.InvalidAudienceError:
            return self._error(
                "invalid_grant", "The audience in ID Token [...] does not match the expected audience.")
        except jwt.InvalidIssuerError:
            return self._error(
                "invalid_grant",
                f"The issuer in ID Token [...] does not match the expected ones: {self.verifier.issuer}")
        except jwt.ExpiredSignatureError:
            return self._error("invalid_grant", "ID Token issued at [...] is stale to sign-in.")
        except jwt.InvalidTokenError as error:
            return self._error("invalid_grant", f"The ID Token is not valid: {error}")
        if claims["sub"] not in self.trust[provider]:
            return self._error("unauthorized_client", "The given credential is rejected by the attribute condition.")
        if len(claims["sub"]) > 127:
            return self._error("invalid_grant", "The size of mapped attribute exceeds the 127 bytes limit.")
        pool = provider.partition("/providers/")[0]
        principal = f"principal://iam.googleapis.com/{pool}/subject/{claims['sub']}"
        return Answer(200, {
            "access_token": self.issue(principal), "token_type": "Bearer", "expires_in": 3600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })

    def _impersonate(self, request):
        path = urllib.parse.unquote(request.path)
        if path.endswith("/allowedLocations"):
            return Answer(200, {"locations": [], "encodedLocations": "0x0"})
        email = path.removeprefix("/v1/projects/-/serviceAccounts/").removesuffix(":generateAccessToken")
        caller = self.called_by(request.bearer)
        if not any(caller.endswith(f"/subject/{subject}") for subject in self.trust.get(email, ())):
            message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            return Answer(403, {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}})
        if request.json["scope"] != [self.platform_scope]:
            return Answer(400, {"error": {"code": 400, "message": "scope", "status": "INVALID_ARGUMENT"}})
        return Answer(200, {"accessToken": self.issue(email), "expireTime": in_an_hour()})

    def _error(self, code, text):
        return Answer(400, {"error": code, "error_description": text})


class GKEMetadata(Endpoint):
    """GKE's metadata server, which knows a pod by its address, and Vertex AI: there is no token to verify."""

    hosts = {Google.model}
    headers = {"Metadata-Flavor": "Google"}

    def answer(self, request):
        if request.host == Google.model:
            return vertex_content(request, self.called_by(request.bearer))
        if request.headers.get("Metadata-Flavor") != "Google":
            return Answer(403, "Missing Metadata-Flavor:Google header.", "text/plain")
        match urllib.parse.urlsplit(request.path).path:
            case "/":
                return Answer(200, "computeMetadata/", "text/plain")
            case "/computeMetadata/v1/project/project-id":
                return Answer(200, "project-of-the-node", "text/plain")
            case "/computeMetadata/v1/universe/universe-domain":
                return Answer(200, "googleapis.com", "text/plain")
            case "/computeMetadata/v1/instance/service-accounts/default/":
                return Answer(200, {"aliases": ["default"], "email": "default", "scopes": [Google.platform_scope]})
            case "/computeMetadata/v1/instance/service-accounts/default/token":
                return Answer(200, {
                    "access_token": self.issue("the pod's principal"), "expires_in": 3600, "token_type": "Bearer",
                })
        return Answer(404, "not found", "text/plain")


def vertex_content(request, text):
    """An answer of Vertex AI to a call for this project and location."""
    if not request.path.startswith("/v1/projects/my-project/locations/us-central1/publishers/google/models/"):
        return Answer(404, {"error": {"code": 404, "message": request.path, "status": "NOT_FOUND"}})
    return Answer(200, {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]})
