"""An application that calls watsonx.ai through the core of IBM's SDKs, which finds its credential by a service's name.

IBM's own SDK for watsonx.ai does not look there: it must be given a token of this authenticator.
"""

import json

from ibm_cloud_sdk_core import BaseService, get_authenticator_from_environment

authenticator = get_authenticator_from_environment("watsonx")
service = BaseService(service_url="https://us-south.ml.cloud.ibm.com", authenticator=authenticator)
reply = service.send(service.prepare_request(
    "POST", "/ml/v1/text/chat", params={"version": "2024-10-08"},
    data={"model_id": "granite", "project_id": "project", "messages": [{"role": "user", "content": "Who am I?"}]}))
print(json.dumps({
    "credential": type(authenticator).__name__,
    "answer": reply.get_result()["choices"][0]["message"]["content"],
}))
