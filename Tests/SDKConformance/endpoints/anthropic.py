"""Formats: https://platform.claude.com/docs/en/manage-claude/wif-reference"""

import secrets

import jwt

from endpoints.endpoint import Endpoint
from proxy import Answer


class Anthropic(Endpoint):
    """Anthropic's federation and Messages. Trust: (rule, organization, account, workspace) → subjects."""

    hosts = {"api.anthropic.com"}

    def answer(self, request):
        if request.path == "/v1/oauth/token":
            return self._exchange(request.json)
        credential = request.headers.get("X-Api-Key") or request.bearer
        if credential not in self._principals:
            return self._error(401, "authentication_error", "invalid bearer token")
        return Answer(200, {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": self.called_by(credential)}],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        })

    def _exchange(self, body):
        if body.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self._error(400, "invalid_request_error", "grant_type")
        asked = tuple(
            body.get(name) for name in ["federation_rule_id", "organization_id", "service_account_id", "workspace_id"])
        try:
            claims = self.verifier.claims(body["assertion"], "https://api.anthropic.com")
        except jwt.InvalidTokenError:
            return self._denied()
        # An issuer takes tokens of at most an hour, unless it is told otherwise.
        if claims["exp"] - claims["iat"] > 3600 or claims["sub"] not in self.trust.get(asked, ()):
            return self._denied()
        token = self.issue(body["federation_rule_id"], f"sk-ant-oat01-{secrets.token_urlsafe(24)}")
        return Answer(200, {
            "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "workspace:inference",
        })

    def _denied(self):
        """Every denial is the same: the reason is shown in the console alone."""
        return self._error(401, "authentication_error", "Authentication failed")

    def _error(self, status, kind, message):
        return Answer(status, {"type": "error", "error": {"type": kind, "message": message}})
