"""An application that calls Model Studio with OpenAI's SDK, as Alibaba Cloud's documentation has it."""

import json
import os

from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"), base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    max_retries=0)
reply = client.chat.completions.create(model="qwen", messages=[{"role": "user", "content": "Who am I?"}])
print(json.dumps({"credential": client.api_key, "answer": reply.choices[0].message.content}))
