"""Which pods the guard denies, by the API server's own plugin. See hack/check-guard.

usage: guard.py ADMISSION_POLICY LANYARD GUARD GUARD_WITH_EXCLUDED_NAMESPACES
"""

import itertools
import pathlib
import subprocess
import sys
import tempfile

import yaml

from reviews import answers, end_on_failures, pod, request

REQUIRED = {"lanyard.dev/inject": "required"}
STAMP = {"lanyard.dev/plan": "8e2e21df0572"}
MIRROR = {"kubernetes.io/config.mirror": "0123456789abcdef"}
CONTROLLER = {
    "username": "system:serviceaccount:kube-system:replicaset-controller",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
}
NODE = {"username": "system:node:node-1", "groups": ["system:nodes", "system:authenticated"]}
ADMINISTRATOR = {"username": "root", "groups": ["system:masters", "system:authenticated"]}
# As Kubernetes labels them, and what people add.
NAMESPACES = {"ml": {}, "kube-system": {}, "infra": {}, "left-alone": {"lanyard.dev/inject": "false"}}

DENIAL = (
    "pods \"app\" is forbidden: ValidatingAdmissionPolicy 'required-pods.lanyard.dev' with binding "
    "'required-pods.lanyard.dev' denied request: the pod is labelled lanyard.dev/inject=required, but nothing was "
    "injected: it has no annotation lanyard.dev/plan, so Lanyard's webhook has not seen it, or a later webhook has "
    "removed it; see that Lanyard runs and that the MutatingWebhookConfiguration pod-injector.lanyard.dev is there, "
    "and create the pod again; to let it start without credentials, remove the label")

# Pods of an identity that the webhook has to let in, `required` as they are: with what they get from it alone, and with
# an identity of their own.
INJECTED = """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: llm
  namespace: ml
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/bedrock
    lanyard.dev/aws-region: us-east-1
---
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: ml, labels: {lanyard.dev/inject: required}}
spec:
  serviceAccountName: llm
  containers: [{name: main, image: app}]
---
apiVersion: v1
kind: Pod
metadata:
  name: app
  namespace: ml
  labels: {lanyard.dev/inject: required}
  annotations: {lanyard.dev/plan: forged}
spec:
  serviceAccountName: llm
  containers:
  - name: main
    image: app
    env:
    - {name: AWS_ROLE_ARN, value: "arn:aws:iam::111122223333:role/own"}
    - {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /own/token}
    - {name: AWS_REGION, value: eu-north-1}
    - {name: AWS_DEFAULT_REGION, value: eu-north-1}
    volumeMounts: [{name: own, mountPath: /own}]
  volumes:
  - name: own
    projected: {sources: [{serviceAccountToken: {audience: sts.amazonaws.com, path: token}}]}
"""


# What the pod is, the request, and whether it is admitted.
CASES = [
    ("requires injection and has no stamp", request(pod(REQUIRED)), False),
    ("the same, with other annotations", request(pod(REQUIRED, {"team": "ml"})), False),
    ("the same, made by a controller", request(pod(REQUIRED), user=CONTROLLER), False),
    ("the same, made by an administrator", request(pod(REQUIRED), user=ADMINISTRATOR), False),
    ("the same, by a user without groups", request(pod(REQUIRED), user={"username": "jane"}), False),
    ("the same, as a dry run", request(pod(REQUIRED), dry_run=True), False),
    ("the same, in a namespace that is not excluded", request(pod(REQUIRED), "infra"), False),
    ("has an emptied stamp", request(pod(REQUIRED, {"lanyard.dev/plan": ""})), False),
    ("has another annotation of the stamp", request(pod(REQUIRED, {"lanyard.dev/injected": "openai=own"})), False),
    ("has a label in place of the annotation", request(pod({**REQUIRED, **STAMP})), False),
    ("has a stamp", request(pod(REQUIRED, STAMP)), True),
    ("has a stamp, as a dry run", request(pod(REQUIRED, STAMP), dry_run=True), True),
    ("requires nothing", request(pod()), True),
    ("is labelled true", request(pod({"lanyard.dev/inject": "true"})), True),
    ("is labelled false", request(pod({"lanyard.dev/inject": "false"})), True),
    ("has the label as an annotation", request(pod(None, REQUIRED)), True),
    ("is a mirror pod of a node", request(pod(REQUIRED, MIRROR), user=NODE), True),
    ("is a mirror pod, by a user", request(pod(REQUIRED, MIRROR)), False),
    ("is a mirror pod, by a user without groups", request(pod(REQUIRED, MIRROR), user={"username": "jane"}), False),
    ("is a mirror pod, by an administrator", request(pod(REQUIRED, MIRROR), user=ADMINISTRATOR), False),
    ("is made by a node, and no mirror pod", request(pod(REQUIRED), user=NODE), False),
    ("is in the excluded namespace", request(pod(REQUIRED), "kube-system"), True),
    ("is in a namespace that is left alone", request(pod(REQUIRED), "left-alone"), True),
    ("is updated", request(pod(REQUIRED, {"a": "b"}), operation="UPDATE", old=pod(REQUIRED)), True),
    ("gets the label as it runs", request(pod(REQUIRED), operation="UPDATE", old=pod()), True),
    ("loses its stamp as it runs", request(pod(REQUIRED), operation="UPDATE", old=pod(REQUIRED, STAMP)), True),
    ("gets an ephemeral container", request(
        pod(REQUIRED), operation="UPDATE", old=pod(REQUIRED), sub_resource="ephemeralcontainers"), True),
    ("is deleted", request(None, operation="DELETE", old=pod(REQUIRED)), True),
]
# With webhook.excludedNamespaces: [infra, payments].
EXCLUDING = [
    ("is in a namespace that the values exclude", request(pod(REQUIRED), "infra"), True),
    ("is in one that they no longer exclude", request(pod(REQUIRED), "kube-system"), False),
    ("is in another one", request(pod(REQUIRED)), False),
    ("is in a namespace that is left alone, too", request(pod(REQUIRED), "left-alone"), True),
]


def injected(lanyard):
    """The pods of INJECTED as lanyard injects them."""
    command = [lanyard, "inject", "--platform", "aks", "-f", "-"]
    done = subprocess.run(command, input=INJECTED, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"check-guard: lanyard inject ended with {done.returncode}: {done.stderr}")
    pods = [item for item in yaml.safe_load_all(done.stdout) if item["kind"] == "Pod"]
    shown = [item["metadata"]["annotations"]["lanyard.dev/injected"] for item in pods]
    if shown != ["aws-bedrock=aws-web-identity", "aws-bedrock=own"]:
        sys.exit(f"check-guard: lanyard injected {shown}")
    return [
        ("was injected by lanyard", request(pods[0]), True),
        ("has an identity of its own, which lanyard found complete", request(pods[1]), True),
    ]


def failures(program, files, cases):
    found = answers(program, files, [asked for _, asked, _ in cases])
    for (what, asked, admitted), answer in zip(cases, found, strict=True):
        status = answer.get("status", {})
        if answer["allowed"] != admitted:
            yield f"a pod that {what} is {'admitted' if answer['allowed'] else 'denied: ' + status['message']}"
        elif not admitted and (status["message"], status["code"]) != (DENIAL, 403):
            yield f"a pod that {what} is denied with {status}"


def main(program, lanyard, guard, excluding):
    with tempfile.TemporaryDirectory() as folder:
        namespaces = pathlib.Path(folder, "namespaces.yaml")
        namespaces.write_text(yaml.safe_dump_all(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}}}
            for name, labels in NAMESPACES.items()), encoding="utf-8")
        cases = CASES + injected(lanyard)
        # Without the guard all are admitted, so what denies is the guard.
        everything = [(f"{what}, without the guard,", asked, True) for what, asked, _ in cases]
        end_on_failures("check-guard", itertools.chain(
            failures(program, [guard, namespaces], cases), failures(program, [excluding, namespaces], EXCLUDING),
            failures(program, [namespaces], everything)))
    denied = [what for what, _, admitted in cases + EXCLUDING if not admitted]
    print(f"check-guard: of {len(cases) + len(EXCLUDING)} pods the guard denies {len(denied)}, and admits all others")


main(*sys.argv[1:])
