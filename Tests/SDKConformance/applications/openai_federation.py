"""An application that calls OpenAI and says how it is known, which no variable can do: one argument of code.

The argument is that of OpenAI's guide to workload identity on Kubernetes.
"""

import json
import os

from openai import OpenAI
from openai.auth import k8s_service_account_token_provider

client = OpenAI(max_retries=0, workload_identity={
    "identity_provider_id": os.environ["OPENAI_IDENTITY_PROVIDER_ID"],
    "service_account_id": os.environ["OPENAI_SERVICE_ACCOUNT_ID"],
    "provider": k8s_service_account_token_provider(os.environ["OPENAI_IDENTITY_TOKEN_FILE"]),
})
reply = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Who am I?"}])
print(json.dumps({
    "credential": type(client._workload_identity_auth).__name__,
    "answer": reply.choices[0].message.content,
}))
