"""Formats: https://cloud.ibm.com/docs/containers?topic=containers-pod-iam-identity"""

import time

import jwt

from endpoints.endpoint import Endpoint
from endpoints.openai import chat_completion
from proxy import Answer


class IBM(Endpoint):
    """IAM's exchange of a compute resource's token, and watsonx.ai.

    Trust: ("profile_id" or "profile_name", its value) → linked subjects.
    """

    exchange = "iam.cloud.ibm.com"
    model = "us-south.ml.cloud.ibm.com"
    hosts = {exchange, model}

    def answer(self, request):
        if request.host == self.exchange:
            return self._exchange(request)
        if request.bearer not in self._principals:
            return Answer(401, {"errors": [{"code": "authentication_token_not_valid", "message": "bearer token"}]})
        return chat_completion(self.called_by(request.bearer))

    def _exchange(self, request):
        form = request.form
        if (request.path, form.get("grant_type")) != ("/identity/token", "urn:ibm:params:oauth:grant-type:cr-token"):
            return self._error("BXNIM0109E", "Property missing or empty", "grant_type")
        profile = next(((name, form[name]) for name in ["profile_id", "profile_name"] if name in form), None)
        try:
            claims = self.verifier.claims(form["cr_token"], "iam")
        except jwt.InvalidTokenError as error:
            return self._error("BXNIM0407E", "Provided token is not valid.", str(error))
        # IAM takes no token that lives for more than an hour.
        if claims["exp"] - claims["iat"] > 3600 or claims["sub"] not in self.trust.get(profile, ()):
            return self._error(
                "BXNIM0398E", "Selected trusted profile not eligible.",
                f"The token of {claims['sub']} is not permitted to assume {profile}.")
        # The SDK reads in the token for how long it is good.
        now = int(time.time())
        token = jwt.encode(
            {"sub": profile[1], "iat": now, "exp": now + 3600}, "a key of IAM's, of no matter which kind")
        return Answer(200, {
            "access_token": self.issue(profile[1], token), "refresh_token": "not_supported", "token_type": "Bearer",
            "expires_in": 3600, "expiration": now + 3600, "scope": "ibm openid",
        })

    def _error(self, code, message, details):
        return Answer(400, {"errorCode": code, "errorMessage": message, "errorDetails": details})
