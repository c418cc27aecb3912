"""An application that calls OpenAI, with nothing about credentials in it."""

import json

from openai import OpenAI

client = OpenAI(max_retries=0)
reply = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Who am I?"}])
print(json.dumps({"credential": client.api_key, "answer": reply.choices[0].message.content}))
