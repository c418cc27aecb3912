"""What becomes of pods that require injection while no replica answers: they are injected by the policy, and the guard admits
those that have all of it, and no others. See hack/check-policy.

usage: required.py ADMISSION_POLICY POLICY GUARD DEFINITION
"""

import copy
import json
import pathlib
import sys
import tempfile

from plan_sets import NODE, PLAN, costly, namespace, plan_set
from reviews import answers, end_on_failures, pod, request

REQUIRED = {"lanyard.dev/inject": "required"}
MARK = "lanyard.dev/injected-by"
CREDENTIALS = "lanyard.dev/google-vertex-credentials"
# With all that a plan may have.
FULL = {
    **PLAN, "hash": "fedcba987654", "injected": "google-vertex=gcp-workload-identity-federation,openai=openai-federation",
    "volumes": [*PLAN["volumes"], {"name": "lanyard-google-vertex", "projected": {"sources": [
        {"serviceAccountToken": {"audience": "google", "expirationSeconds": 3600, "path": "token"}},
        {"downwardAPI": {"items": [
            {"path": "credentials.json", "fieldRef": {"fieldPath": f"metadata.annotations['{CREDENTIALS}']"}}]}}]}}],
    "mounts": [*PLAN["mounts"], {"containers": ["main"], "mount": {
        "name": "lanyard-google-vertex", "mountPath": "/var/run/secrets/lanyard.dev/google-vertex", "readOnly": True}}],
    "groups": [
        *PLAN["groups"], {"unlessAnySet": True, "env": [
            {"name": "AWS_REGION", "value": "eu-west-1"}, {"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"}]},
        {"containers": ["main"], "env": [{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/x/credentials.json"}]},
        {"exceptContainers": ["main"], "env": [{"name": "OTHERS", "value": "x"}]},
    ],
    "annotations": {CREDENTIALS: "{}"},
    "fixedVariables": {"GOOGLE_APPLICATION_CREDENTIALS": "/x/credentials.json"},
}
# What is said to those that are denied: by this policy of the guard's, or by the one that asks for a stamp.
DENIALS = ("but it has not what the plan of its ServiceAccount says", "but nothing was injected")
NO_OBJECT = ("no params found for policy binding with `Deny` parameterNotFoundAction",)


def app():
    item = pod(REQUIRED, account="full")
    item["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    item["spec"]["initContainers"] = [{"name": "warm-up", "image": "app"}]
    item["spec"]["containers"].append({
        "name": "worker", "image": "app", "env": [{"name": "AWS_REGION", "value": "its own"}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}]})
    return item


def changed(item, change):
    item = copy.deepcopy(item)
    change(item)
    return item


def changes(item):
    """What somebody may do to a pod after the policy, or write by themselves; and whether it is admitted then."""
    annotations, labels, spec = item["metadata"]["annotations"], item["metadata"]["labels"], item["spec"]
    main, worker = spec["containers"]
    volume = {entry["name"]: entry["projected"]["sources"] for entry in spec["volumes"] if "projected" in entry}
    token, credentials = (volume["lanyard-google-vertex"][index] for index in (0, 1))

    def named(entries, name):
        return next(entry for entry in entries if entry["name"] == name)

    return {
        "as it is": (lambda: None, True),
        "with what the API server fills in": (lambda: (
            named(spec["volumes"], "lanyard-openai")["projected"].update(defaultMode=420),
            credentials["downwardAPI"]["items"][0]["fieldRef"].update(apiVersion="v1")), True),
        "with more of its own": (lambda: (
            spec["volumes"].append({"name": "more", "emptyDir": {}}), main["env"].append({"name": "MORE", "value": "x"}),
            main["volumeMounts"].append({"name": "more", "mountPath": "/more"})), True),
        "with problems told": (lambda: annotations.update({"lanyard.dev/problems": "x"}), True),
        "with another mark": (lambda: labels.update({MARK: ""}), True),
        "without a stamp": (lambda: annotations.pop("lanyard.dev/plan"), False),
        "without annotations": (lambda: item["metadata"].pop("annotations"), False),
        "with another stamp": (lambda: annotations.update({"lanyard.dev/plan": PLAN["hash"]}), False),
        "with an empty stamp": (lambda: annotations.update({"lanyard.dev/plan": ""}), False),
        "without the credentials": (lambda: annotations.pop(CREDENTIALS), False),
        "with other credentials": (lambda: annotations.update({CREDENTIALS: "{ }"}), False),
        "without volumes": (lambda: spec.pop("volumes"), False),
        "without one of the volumes": (lambda: spec["volumes"].remove(named(spec["volumes"], "lanyard-openai")), False),
        "with an emptyDir in its place": (lambda: (
            named(spec["volumes"], "lanyard-openai").pop("projected"),
            named(spec["volumes"], "lanyard-openai").update(emptyDir={})), False),
        "with another audience": (lambda: token["serviceAccountToken"].update(audience="other"), False),
        "with a token for the API server": (lambda: token["serviceAccountToken"].pop("audience"), False),
        "with another path": (lambda: token["serviceAccountToken"].update(path="other"), False),
        "with another lifetime": (lambda: token["serviceAccountToken"].update(expirationSeconds=7200), False),
        "with a source less": (lambda: volume["lanyard-google-vertex"].pop(), False),
        "with a source more": (lambda: volume["lanyard-openai"].append({"configMap": {"name": "x"}}), False),
        "with the token twice": (lambda: volume["lanyard-google-vertex"].__setitem__(1, token), False),
        "with another annotation shown": (lambda: credentials["downwardAPI"]["items"][0]["fieldRef"].update(
            fieldPath="metadata.name"), False),
        "with credentials in another file": (lambda: credentials["downwardAPI"]["items"][0].update(path="x"), False),
        "without mounts in a container": (lambda: worker.pop("volumeMounts"), False),
        "without one of the mounts": (lambda: main["volumeMounts"].pop(), False),
        "mounted elsewhere": (lambda: main["volumeMounts"][-1].update(mountPath="/elsewhere"), False),
        "with another volume mounted": (lambda: main["volumeMounts"][-1].update(name="data"), False),
        "without variables in a container": (lambda: worker.pop("env"), False),
        "without one of the variables": (lambda: main["env"].remove(named(main["env"], "OPENAI_IDENTITY_TOKEN_FILE")), False),
        "without the one of all but a container": (lambda: worker["env"].remove(named(worker["env"], "OTHERS")), False),
        "with another value of one": (lambda: named(main["env"], "GOOGLE_APPLICATION_CREDENTIALS").update(value="/y"), False),
        "with a value from elsewhere": (lambda: (
            named(main["env"], "GOOGLE_APPLICATION_CREDENTIALS").pop("value"),
            named(main["env"], "GOOGLE_APPLICATION_CREDENTIALS").update(
                valueFrom={"fieldRef": {"fieldPath": "metadata.name"}})), False),
        "with a container more": (lambda: spec["containers"].append({"name": "mesh", "image": "mesh"}), False),
        "with an init container more": (lambda: spec["initContainers"].append({"name": "mesh", "image": "mesh"}), False),
        "as another ServiceAccount": (lambda: spec.update(serviceAccountName="llm"), False),
        "as one without a plan": (lambda: spec.update(serviceAccountName="other"), False),
        "as none": (lambda: spec.pop("serviceAccountName"), False),
        "without the mark, by its stamp": (lambda: (labels.pop(MARK), spec.pop("volumes")), True),
        "without the label": (lambda: (labels.pop("lanyard.dev/inject"), spec.pop("volumes")), True),
    }


def failures(program, files, folder, tried):
    def ask(cluster, requests):
        objects = pathlib.Path(folder, "cluster.json")
        objects.write_text("---\n".join(json.dumps(item) + "\n" for item in cluster), encoding="utf-8")
        return answers(program, [*files, objects], requests)

    cluster = [
        namespace("ml"), namespace("bare"), namespace("empty"), namespace("kube-system"), plan_set("empty", {}),
        plan_set("ml", {"plans": {"llm": PLAN, "full": FULL}}),
    ]
    injected = {}
    for item in (app(), pod(REQUIRED, account="llm"), pod(account="llm")):
        answer, = ask(cluster, [request(item)])
        account = item["spec"]["serviceAccountName"]
        labels = answer["object"]["metadata"].get("labels", {})
        if not answer["allowed"] or (MARK in labels) != ("lanyard.dev/inject" in labels):
            yield f"a pod of {account}: {answer}"
        if labels:
            injected[account] = answer["object"]
    cases = []
    for what in changes(copy.deepcopy(injected["full"])):
        item = copy.deepcopy(injected["full"])
        change, admitted = changes(item)[what]
        change()
        cases.append((what, request(item), admitted))
    marked = pod({**REQUIRED, MARK: "policy"}, account="llm")
    mirror = pod({**REQUIRED, MARK: "policy"}, {"kubernetes.io/config.mirror": "0123456789abcdef"})
    cases += [
        ("with the mark already", request(marked), True),
        ("with the mark and a key of its own", request(changed(marked, lambda item: item["metadata"].update(
            annotations={"lanyard.dev/plan": PLAN["hash"]}))), False),
        ("with the mark, in a namespace without an object", request(injected["llm"], "bare"), False),
        ("with the mark, in a namespace whose object is empty", request(injected["llm"], "empty"), False),
        ("with the mark, in the excluded namespace", request(marked, "kube-system"), True),
        ("that a node shows", request(mirror, user=NODE), True),
        ("that somebody shows as a node's", request(mirror), False),
        ("as it is updated", request(marked, operation="UPDATE", old=marked), True),
    ]
    tried += cases
    for (what, asked, admitted), answer in zip(cases, ask(cluster, [case[1] for case in cases]), strict=True):
        said = answer.get("status", {}).get("message", "")
        # And not since an expression cannot be evaluated.
        expected = NO_OBJECT if asked["namespace"] == "bare" else DENIALS
        if answer["allowed"] != admitted or not admitted and not any(text in said for text in expected):
            yield f"a pod {what} is {'admitted' if answer['allowed'] else 'denied: ' + said}"
    # The guard is within the API server's limits for all that the policy is.
    large, item = costly()
    item["metadata"]["labels"] = dict(REQUIRED)
    answer, = ask(large, [request(item)])
    if not answer["allowed"] or MARK not in answer["object"]["metadata"]["labels"]:
        yield f"a pod at the limits: {answer.get('status')}"


def main(program, policy, guard, definition):
    tried = []
    with tempfile.TemporaryDirectory() as folder:
        end_on_failures("check-policy", failures(program, [policy, guard, definition], folder, tried))
    print(f"check-policy: with every replica dead, of {len(tried)} required pods those are admitted that have all of their "
          "plan, and no others")


main(*sys.argv[1:])
