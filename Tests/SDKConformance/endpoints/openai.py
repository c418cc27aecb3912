"""Formats: https://developers.openai.com/api/reference/workload-identity-federation"""

import jwt

from endpoints.endpoint import Endpoint
from proxy import Answer


class OpenAI(Endpoint):
    """OpenAI's workload identity federation and chat completions. Trust: (provider, service account) → subjects."""

    exchange = "auth.openai.com"
    model = "api.openai.com"
    hosts = {exchange, model}

    def answer(self, request):
        if request.host == self.exchange:
            return self._exchange(request)
        if request.bearer not in self._principals:
            return Answer(401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}})
        return chat_completion(self.called_by(request.bearer))

    def _exchange(self, request):
        body = request.json
        if (request.path, body.get("grant_type"), body.get("subject_token_type")) != (
                "/oauth/token", "urn:ietf:params:oauth:grant-type:token-exchange",
                "urn:ietf:params:oauth:token-type:jwt"):
            return self._error("invalid_request", "The request is not an exchange of a JWT.")
        try:
            claims = self.verifier.claims(body["subject_token"], "https://api.openai.com/v1")
        except jwt.InvalidTokenError as error:
            return self._error("invalid_subject_token", f"The subject token is not valid: {error}")
        mapping = (body.get("identity_provider_id"), body.get("service_account_id"))
        if claims["sub"] not in self.trust.get(mapping, ()):
            return self._error("invalid_grant", "No mapping of the service account matches the subject token.")
        return Answer(200, {
            "access_token": self.issue(mapping[1]), "token_type": "Bearer", "expires_in": 3600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })

    def _error(self, code, description):
        """OpenAI documents the codes, not the descriptions: these are the tests' own."""
        return Answer(400, {"error": code, "error_description": description})


def chat_completion(text):
    """An answer in OpenAI's format, which others take over."""
    message = {"role": "assistant", "content": text}
    return Answer(200, {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "gpt",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    })
