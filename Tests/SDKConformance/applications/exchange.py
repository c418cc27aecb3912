"""An application that gets a new credential for each line that it reads, and says of each whether there was one.

usage: exchange.py SDK
"""

import os
import sys


def boto3():
    import boto3

    return lambda: boto3.Session().get_credentials().get_frozen_credentials()


def azure_identity():
    from azure.identity import DefaultAzureCredential

    return lambda: DefaultAzureCredential(retry_total=0).get_token("https://cognitiveservices.azure.com/.default")


def google_auth():
    import google.auth
    from google.auth.transport.requests import Request

    def get():
        credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        credentials.refresh(Request())

    return get


def anthropic():
    from anthropic import Anthropic

    return lambda: Anthropic(max_retries=0).messages.create(
        model="claude", max_tokens=16, messages=[{"role": "user", "content": "Who am I?"}])


def openai():
    from openai import OpenAI
    from openai.auth import k8s_service_account_token_provider

    return lambda: OpenAI(max_retries=0, workload_identity={
        "identity_provider_id": os.environ["OPENAI_IDENTITY_PROVIDER_ID"],
        "service_account_id": os.environ["OPENAI_SERVICE_ACCOUNT_ID"],
        "provider": k8s_service_account_token_provider(os.environ["OPENAI_IDENTITY_TOKEN_FILE"]),
    }).chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Who am I?"}])


def ibm_cloud_sdk_core():
    from ibm_cloud_sdk_core import get_authenticator_from_environment

    return lambda: get_authenticator_from_environment("watsonx").token_manager.get_token()


def alibabacloud_credentials():
    from alibabacloud_credentials.client import Client

    return lambda: Client().get_credential()


get = globals()[sys.argv[1].replace("-", "_")]()
# Whatever an SDK prints is not an answer.
answers, sys.stdout = sys.stdout, sys.stderr
for _ in sys.stdin:
    try:
        get()
        answer = "a credential"
    except Exception as error:
        answer = type(error).__name__
    print(answer, file=answers, flush=True)
