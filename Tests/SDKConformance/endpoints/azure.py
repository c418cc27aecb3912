"""Formats: https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""

import jwt

from endpoints.endpoint import Endpoint
from endpoints.openai import chat_completion
from proxy import Answer


class Entra(Endpoint):
    """Entra's token endpoint and Azure OpenAI. Trust: (tenant, client) → subjects of its federated credentials."""

    exchange = "login.microsoftonline.com"
    model = "conformance.openai.azure.com"
    hosts = {exchange, model}
    scope = "https://cognitiveservices.azure.com/.default"

    def answer(self, request):
        if request.host == self.model:
            return chat_completion(self.called_by(request.bearer))
        tenant, _, path = request.path.lstrip("/").partition("/")
        form = request.form
        if (path, form.get("grant_type"), form.get("client_assertion_type"), form.get("scope")) != (
                "oauth2/v2.0/token", "client_credentials",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", self.scope):
            return self._error(400, "invalid_request", 900144, "The request body is not a federated one.")
        try:
            claims = self.verifier.claims(form["client_assertion"], "api://AzureADTokenExchange")
        except jwt.InvalidAudienceError:
            return self._no_record(700212, "audience", form["client_assertion"], "aud")
        except jwt.InvalidIssuerError:
            return self._no_record(700211, "issuer", form["client_assertion"], "iss")
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
            return self._error(
                401, "invalid_client", 700024, "Client assertion is not within its valid time range.")
        except jwt.InvalidTokenError:
            return self._error(401, "invalid_client", 700027, "Client assertion contains an invalid signature.")
        if tenant not in {known for known, _ in self.trust}:
            return self._error(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        subjects = self.trust.get((tenant, form["client_id"]))
        if subjects is None:
            return self._error(
                400, "unauthorized_client", 700016,
                f"Application with identifier '{form['client_id']}' was not found in the directory '{tenant}'.")
        if claims["sub"] not in subjects:
            return self._no_record(700213, "subject", form["client_assertion"], "sub")
        return Answer(200, {
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
            "access_token": self.issue(form["client_id"]),
        })

    def _no_record(self, code, what, assertion, claim):
        value = jwt.decode(assertion, options={"verify_signature": False})[claim]
        return self._error(
            401, "invalid_client", code,
            f"No matching federated identity record found for presented assertion {what} '{value}'.")

    def _error(self, status, error, code, text):
        return Answer(status, {
            "error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code],
            "timestamp": "2026-01-01 00:00:00Z", "trace_id": "conformance", "correlation_id": "conformance",
            "error_uri": f"https://{self.exchange}/error?code={code}",
        })
