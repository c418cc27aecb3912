"""What the policy does with pods, objects and users that are out of the ordinary, and what it costs. See hack/check-policy.

usage: policy_cases.py ADMISSION_POLICY POLICY DEFINITION
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile

from plan_sets import CONTAINERS, IDENTITIES, NODE, PLAN, PROVIDERS, costly, namespace, plan_set
from reviews import answers, end_on_failures, pod, request

OPERATOR = {"username": "system:serviceaccount:lanyard-system:lanyard", "groups": ["system:serviceaccounts"]}
ADMINISTRATOR = {"username": "root", "groups": ["system:masters", "system:authenticated"]}
# So many times as many containers cost more than the API server allows.
TOO_MANY = 4


CLUSTER = [
    namespace("ml"), namespace("empty"), namespace("bare"), namespace("kube-system"),
    namespace("left-alone", {"lanyard.dev/inject": "false"}),
    *[plan_set(name, {"plans": {
        "llm": PLAN, "for-main": {**PLAN, "oneOfContainers": [["main", "worker"]]},
        "for-others": {**PLAN, "oneOfContainers": [["main"], ["worker"]]}}}) for name in ("ml", "kube-system", "left-alone")],
    plan_set("empty", {}),
]


def mirror(item):
    item = copy.deepcopy(item)
    del item["spec"]["serviceAccountName"]
    item["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "0123456789abcdef"}
    return item


APP = pod(account="llm")
# What the pod is, the request, and whether it is injected.
CASES = [
    ("is plain", request(APP), True),
    ("is plain, as a dry run", request(APP, dry_run=True), True),
    ("is required", request(pod({"lanyard.dev/inject": "required"}, account="llm")), True),
    ("is labelled for Azure's webhook", request(pod({"azure.workload.identity/use": "true"}, account="llm")), True),
    ("has a container that is meant", request(pod(account="for-main")), True),
    ("has a container of one list, and none of another", request(pod(account="for-others")), False),
    ("is labelled false", request(pod({"lanyard.dev/inject": "false"}, account="llm")), False),
    ("has another ServiceAccount", request(pod(account="other")), False),
    ("is in a namespace whose object is empty", request(APP, "empty"), False),
    ("is in a namespace without an object", request(APP, "bare"), False),
    ("is in the excluded namespace", request(APP, "kube-system"), False),
    ("is in a namespace that is left alone", request(APP, "left-alone"), False),
    ("is a mirror pod of a node", request(mirror(APP), user=NODE), False),
    ("has a stamp", request(pod(None, {"lanyard.dev/plan": "forged"}, "llm")), False),
    ("is updated", request(APP, operation="UPDATE", old=APP), False),
    ("gets an ephemeral container", request(
        APP, operation="UPDATE", old=APP, sub_resource="ephemeralcontainers"), False),
]


def about_plan_set(user, operation="UPDATE"):
    kind = {"group": "lanyard.dev", "version": "v1alpha1"}
    item = plan_set("ml", {"plans": {"llm": PLAN}})
    return {
        "uid": "1", "kind": {**kind, "kind": "CredentialPlanSet"}, "resource": {**kind, "resource": "credentialplansets"},
        "name": "lanyard", "namespace": "ml", "operation": operation, "userInfo": user,
        "object": None if operation == "DELETE" else item, "oldObject": None if operation == "CREATE" else item,
    }


# Who does what with an object, and whether it is admitted.
WRITES = [
    ("the operator makes one", about_plan_set(OPERATOR, "CREATE"), True),
    ("the operator changes one", about_plan_set(OPERATOR), True),
    ("a user makes one", about_plan_set({"username": "jane"}, "CREATE"), False),
    ("a user changes one", about_plan_set({"username": "jane"}), False),
    ("an administrator changes one", about_plan_set(ADMINISTRATOR), False),
    ("the end of a namespace removes one", about_plan_set(
        {"username": "system:serviceaccount:kube-system:namespace-controller"}, "DELETE"), True),
]


def is_injected(answer):
    return answer["object"]["metadata"].get("annotations", {}).get("lanyard.dev/plan") == PLAN["hash"]


def failures(program, policy, definition, folder):
    def ask(cluster, requests, change=("", "")):
        text = pathlib.Path(policy).read_text(encoding="utf-8").replace(*change)
        file = pathlib.Path(folder, "policy.yaml")
        file.write_text(text, encoding="utf-8")
        objects = pathlib.Path(folder, "cluster.json")
        objects.write_text("---\n".join(json.dumps(item) + "\n" for item in cluster), encoding="utf-8")
        return answers(program, [file, definition, objects], requests)

    for (what, _, expected), answer in zip(CASES, ask(CLUSTER, [case[1] for case in CASES]), strict=True):
        if not answer["allowed"] or is_injected(answer) != expected:
            yield f"a pod that {what}: {answer}"
    for (what, _, expected), answer in zip(WRITES, ask(CLUSTER, [case[1] for case in WRITES]), strict=True):
        if answer["allowed"] != expected:
            yield f"{what}: {answer}"
    # Without the definition the plugin complains, and the failure policy decides.
    done = subprocess.run(
        [program, policy], input=json.dumps(request(APP)) + "\n", capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    if not answer["allowed"] or is_injected(answer) or "failed to find resource" not in done.stderr:
        yield f"without the definition, a pod: {answer}, {done.stderr}"
    cluster, item = costly()
    strict = ("failurePolicy: Ignore", "failurePolicy: Fail")
    answer, = ask(cluster, [request(item)], strict)
    if not answer["allowed"] or not is_injected(answer):
        yield f"{CONTAINERS} containers with {PROVIDERS} providers: {answer.get('status')}"
    # One that costs too much is admitted as it is.
    item["spec"]["containers"] = [
        {**container, "name": f"{container['name']}-{copy}"} for container in item["spec"]["containers"]
        for copy in range(TOO_MANY)]
    answer, = ask(cluster, [request(item)])
    if not answer["allowed"] or is_injected(answer):
        yield f"a pod that costs too much: {answer.get('status')}"


def main(program, policy, definition):
    with tempfile.TemporaryDirectory() as folder:
        end_on_failures("check-policy", failures(program, policy, definition, folder))
    print(f"check-policy: {len(CASES) + 1} pods and {len(WRITES)} writes of objects are treated as they should be, and "
          f"{CONTAINERS} containers with {PROVIDERS} providers, one of {IDENTITIES} identities, are within the limits")


main(*sys.argv[1:])
