"""An application that calls Azure OpenAI with the default credential, as Azure's documentation has it."""

import json

from azure.identity import DefaultAzureCredential, get_bearer_token_provider
from openai import AzureOpenAI

credential = DefaultAzureCredential()
client = AzureOpenAI(
    azure_endpoint="https://conformance.openai.azure.com", api_version="2024-10-21", max_retries=0,
    azure_ad_token_provider=get_bearer_token_provider(credential, "https://cognitiveservices.azure.com/.default"))
reply = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Who am I?"}])
print(json.dumps({
    "credential": type(credential._successful_credential).__name__,
    "answer": reply.choices[0].message.content,
}))
