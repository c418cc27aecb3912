"""Formats: https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc"""

import jwt

from endpoints.endpoint import Endpoint, in_an_hour
from endpoints.openai import chat_completion
from proxy import Answer


class Alibaba(Endpoint):
    """STS, which stands for Alibaba Cloud's APIs, and Model Studio, which takes stored keys alone.

    Trust: (role, OIDC provider) → subjects.
    """

    exchange = "sts.ap-southeast-1.aliyuncs.com"
    model = "dashscope-intl.aliyuncs.com"
    hosts = {exchange, model}

    def answer(self, request):
        if request.host == self.model:
            return self._chat(request)
        # The SDK for Python sends all in the query, and others have a form.
        parameters = {**request.query, **request.form}
        if parameters.get("Action") == "AssumeRoleWithOIDC":
            return self._assume_role(parameters)
        return self._caller_identity(request)

    def _assume_role(self, query):
        try:
            claims = self.verifier.claims(query["OIDCToken"], "sts.aliyuncs.com")
        except jwt.InvalidAudienceError:
            return self._error("OIDCToken.AudienceNotMatch", "The audience does not match the OIDC provider's.")
        except jwt.InvalidIssuerError:
            return self._error("OIDCToken.IssuerNotMatch", "The issuer does not match the OIDC provider's.")
        except jwt.ExpiredSignatureError:
            return self._error("OIDCToken.Expired", "The token has expired.")
        except jwt.InvalidTokenError as error:
            return self._error("OIDCToken.Invalid", str(error))
        if query["RoleArn"] not in {role for role, _ in self.trust}:
            return Answer(404, {
                "Code": "EntityNotExist.Role", "Message": "The role does not exist.", "RequestId": "conformance",
            })
        if claims["sub"] not in self.trust.get((query["RoleArn"], query["OIDCProviderArn"]), ()):
            return self._error("NoPermission", "There is no permission.")
        session = f"{query['RoleArn'].replace(':role/', ':assumed-role/')}/{query['RoleSessionName']}"
        return Answer(200, {
            "RequestId": "conformance",
            "Credentials": {
                "AccessKeyId": "STS.conformance", "AccessKeySecret": "secret", "SecurityToken": self.issue(session),
                "Expiration": in_an_hour(),
            },
        })

    def _caller_identity(self, request):
        if request.headers["x-acs-action"] != "GetCallerIdentity":
            return Answer(404, {"Code": "InvalidAction.NotFound", "Message": "not found", "RequestId": "conformance"})
        session = self._principals[request.headers["x-acs-security-token"]]
        return Answer(200, {"RequestId": "conformance", "IdentityType": "AssumedRoleUser", "Arn": session})

    def _chat(self, request):
        if request.path != "/compatible-mode/v1/chat/completions" or request.bearer not in self._principals:
            return Answer(401, {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error"}})
        return chat_completion(self.called_by(request.bearer))

    def _error(self, code, message):
        return Answer(401, {"Code": f"AuthenticationFail.{code}", "Message": message, "RequestId": "conformance"})
