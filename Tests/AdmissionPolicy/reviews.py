"""Requests to the program of hack/admission-policy, and its answers."""

import json
import subprocess
import sys

USER = {"username": "jane", "groups": ["developers", "system:authenticated"]}


def pod(labels=None, annotations=None, account=None):
    # An API server stores no empty map.
    metadata = {"name": "app", "labels": labels, "annotations": annotations}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {name: value for name, value in metadata.items() if value is not None},
        "spec": {"containers": [{"name": "main", "image": "app"}], "serviceAccountName": account or "default"},
    }


def request(item, namespace="ml", user=USER, operation="CREATE", old=None, sub_resource="", dry_run=False):
    """An AdmissionRequest about a pod, as webhooks get it."""
    return {
        "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "subResource": sub_resource,
        "name": "app", "namespace": namespace, "operation": operation, "userInfo": user, "dryRun": dry_run,
        "object": item, "oldObject": old,
    }


class Refused(Exception):
    """What the program says of files or requests that it does not take."""


def answers(program, files, requests, expected=None):
    """One for each request. It says nothing else, but errors of which each line has what is expected."""
    lines = "".join(json.dumps(item) + "\n" for item in requests)
    done = subprocess.run([program, *files], input=lines, capture_output=True, text=True, check=False)
    if done.returncode != 0 or any(expected is None or expected not in line for line in done.stderr.splitlines()):
        raise Refused(f"the program ended with {done.returncode}: {done.stderr.strip()}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if len(found) != len(requests):
        raise Refused(f"the program answered {len(found)} of {len(requests)} requests")
    return found


def end_on_failures(check, failures):
    """Goes through what is wrong, says it, and ends the process if anything is."""
    found = []
    try:
        found.extend(failures)
    except Refused as refusal:
        found.append(refusal)
    for failure in found:
        print(f"{check}: {str(failure)[:2000]}", file=sys.stderr)
    if found:
        sys.exit(1)
