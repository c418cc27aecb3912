"""An application that calls Bedrock, with nothing about credentials in it."""

import json

import boto3

session = boto3.Session()
reply = session.client("bedrock-runtime").converse(
    modelId="model", messages=[{"role": "user", "content": [{"text": "Who am I?"}]}])
print(json.dumps({
    "credential": session.get_credentials().method,
    "answer": reply["output"]["message"]["content"][0]["text"],
}))
