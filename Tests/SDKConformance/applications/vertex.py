"""An application that calls Vertex AI with the default credentials."""

import json
import os

import google.auth
from google.auth.transport.requests import AuthorizedSession

credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
location = os.environ["GOOGLE_CLOUD_LOCATION"]
reply = AuthorizedSession(credentials).post(
    f"https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}"
    "/publishers/google/models/gemini:generateContent",
    json={"contents": [{"role": "user", "parts": [{"text": "Who am I?"}]}]}, timeout=20)
reply.raise_for_status()
print(json.dumps({
    "credential": f"{type(credentials).__module__}.{type(credentials).__name__}",
    "answer": reply.json()["candidates"][0]["content"]["parts"][0]["text"],
}))
