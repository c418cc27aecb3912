"""Runs in a pod: applications of Tests/SDKConformance, one after the other; prints how each ended, as a line of JSON.

usage: application_pod.py '[{"script": NAME, "env": {…}, "secrets": FILE or null}, …]'. A file of secrets is what
Vault's agent has written, for a shell.
"""

import json
import os
import subprocess
import sys

for application in json.loads(sys.argv[1]):
    command = [sys.executable, "-B", f"/tests/applications/{application['script']}.py"]
    if application["secrets"]:
        command = ["sh", "-c", f'. {application["secrets"]} && exec "$@"', "sh", *command]
    done = subprocess.run(
        command, env={**os.environ, **application["env"]}, capture_output=True, text=True, timeout=100, check=False)
    print(json.dumps({"code": done.returncode, "output": done.stdout, "errors": done.stderr[-2000:]}), flush=True)
