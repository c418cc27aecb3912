"""What stands for the providers: token exchanges that verify as they do, and models that say who called them.

An exchange checks the token's signature with the keys that the API server publishes, its issuer, audience and lifetime,
and that the identity which is asked for trusts this subject. It answers, also when it refuses, in the format that the
provider documents. A model answers `called by PRINCIPAL`, as it knows from the credential that the exchange has issued,
so that an application's output proves which identity it had.
"""

import datetime
import secrets
import urllib.parse

import jwt

from proxy import Answer


class Verifier:
    """What a provider knows of the cluster: its issuer and its keys."""

    def __init__(self, issuer, keys):
        self._issuer = issuer
        self._keys = {key["kid"]: jwt.PyJWK(key).key for key in keys["keys"]}

    def claims(self, token, audience):
        """The verified claims, or jwt.InvalidTokenError of the kind that says why not."""
        key = self._keys.get(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("the token's key is not one of the issuer's")
        return jwt.decode(
            token, key, algorithms=["RS256"], issuer=self._issuer, audience=audience,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]})


class Endpoint:
    """One provider. `trust` maps the identity that a workload asks for to the subjects that may have it."""

    headers = {}

    def __init__(self, verifier, trust):
        self.verifier = verifier
        self.trust = trust
        self._principals = {}

    def issue(self, principal, prefix=""):
        credential = prefix + secrets.token_urlsafe(24)
        self._principals[credential] = principal
        return credential

    def called_by(self, credential):
        return f"called by {self._principals[credential]}"


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
        expiration = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return Answer(200, f"""\
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>ASIACONFORMANCE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>{session_token}</SessionToken><Expiration>{expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
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
        except jwt.ExpiredSignatureError:
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
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return Answer(200, {"accessToken": self.issue(email), "expireTime": f"{expiry:%Y-%m-%dT%H:%M:%SZ}"})

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


class Anthropic(Endpoint):
    """Anthropic's federation and Messages. Trust: (rule, organization, account, workspace) → subjects.

    `keys` are stored keys that are known.
    """

    hosts = {"api.anthropic.com"}

    def __init__(self, verifier, trust, keys=()):
        super().__init__(verifier, trust)
        self._principals |= {key: "the stored key" for key in keys}

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
        return Answer(200, {
            "access_token": self.issue(body["federation_rule_id"], "sk-ant-oat01-"), "token_type": "Bearer",
            "expires_in": 3600, "scope": "workspace:inference",
        })

    def _denied(self):
        """Every denial is the same: the reason is shown in the console alone."""
        return self._error(401, "authentication_error", "Authentication failed")

    def _error(self, status, kind, message):
        return Answer(status, {"type": "error", "error": {"type": kind, "message": message}})


class OpenAI(Endpoint):
    """OpenAI's chat completions, with stored keys that are known."""

    hosts = {"api.openai.com"}

    def __init__(self, keys):
        super().__init__(None, {})
        self._principals |= {key: "the stored key" for key in keys}

    def answer(self, request):
        if request.bearer not in self._principals:
            return Answer(401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}})
        return chat_completion(self.called_by(request.bearer))


def chat_completion(text):
    message = {"role": "assistant", "content": text}
    return Answer(200, {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "gpt",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    })
