"""An application that calls Anthropic, with nothing about credentials in it."""

import json

from anthropic import Anthropic

client = Anthropic(max_retries=0)
reply = client.messages.create(model="claude", max_tokens=16, messages=[{"role": "user", "content": "Who am I?"}])
print(json.dumps({"credential": client.api_key or type(client.credentials).__name__, "answer": reply.content[0].text}))
