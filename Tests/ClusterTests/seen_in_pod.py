"""Runs in a container: prints who it is, and what it reads in the files that these variables name.

usage: python3 seen_in_pod.py VARIABLE... . Of a credential configuration, the file that it names is read, too.
"""

import json
import os
import sys

variables = {name: os.environ.get(name) for name in sys.argv[1:]}
files = {value: open(value, encoding="utf-8").read() for value in variables.values() if value and value[0] == "/"}
for text in list(files.values()):
    if text.startswith("{") and (source := json.loads(text).get("credential_source")):
        files[source["file"]] = open(source["file"], encoding="utf-8").read()
print(json.dumps({"uid": os.getuid(), "variables": variables, "files": files}))
