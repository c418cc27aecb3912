"""Which tokens the chart's policy lets Lanyard make, by the API server's own plugin. See hack/check-guard.

usage: tokens.py ADMISSION_POLICY POLICY
"""

import json
import pathlib
import sys
import tempfile

from reviews import USER, answers, end_on_failures

LANYARD = {
    "username": "system:serviceaccount:lanyard-system:lanyard",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:lanyard-system", "system:authenticated"],
}
ANOTHER = {**LANYARD, "username": "system:serviceaccount:lanyard-system:default"}
# Of Google's providers there are as many audiences as providers.
GOOGLE = "https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/clusters/providers/prod"
UNEVALUATED = "resulted in error"
POD = {"apiVersion": "v1", "kind": "Pod", "name": "app", "uid": "1"}


def token(audiences, seconds=600, user=LANYARD, name="llm", namespace="ai", bound=None):
    """An AdmissionRequest about a token."""
    spec = {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound}
    return {
        "uid": "1", "kind": {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"},
        "resource": {"group": "", "version": "v1", "resource": "serviceaccounts"}, "subResource": "token",
        "name": name, "namespace": namespace, "operation": "CREATE", "userInfo": user, "dryRun": False,
        "object": {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {key: value for key, value in spec.items() if value is not None}},
        "oldObject": None,
    }


# What is asked for, the request, and of what the denial speaks; nothing if it is admitted.
CASES = [
    *((f"for {audience}", token([audience]), "") for audience in (
        "sts.amazonaws.com", "api://AzureADTokenExchange", GOOGLE, "iam", "sts.aliyuncs.com",
        "https://api.openai.com/v1", "https://api.anthropic.com", "vault", "own")),
    ("for two providers", token(["sts.amazonaws.com", "own"]), ""),
    ("of another ServiceAccount that is named", token(["iam"], name="rag", namespace="ml"), ""),
    ("that names a pod", token(["iam"], bound=POD), ""),
    ("for the API server, by its default", token([]), "for providers alone"),
    ("for the API server, by no list", token(None), UNEVALUATED),
    ("for the API server, by name", token(["https://kubernetes.default.svc.cluster.local"]), "for providers alone"),
    ("for a provider and the API server", token(["iam", "https://kubernetes.default.svc"]), "for the API server"),
    # That are listed all the same.
    *((f"for {audience}, which is listed", token([audience]), "for the API server") for audience in (
        "https://kubernetes.default.svc", "kubernetes.default", "https://issuer.example/")),
    ("for no audience", token([""]), "for providers alone"),
    ("for what begins as Google's does", token(["https://iam.googleapis.com/other"]), "for providers alone"),
    ("of an hour", token(["iam"], 3600), "ten minutes"),
    ("of no length", token(["iam"], None), UNEVALUATED),
    ("of a ServiceAccount that is not named", token(["iam"], name="default"), "verify.scheduled"),
    ("of the same name in another namespace", token(["iam"], namespace="ml"), "verify.scheduled"),
    ("of Lanyard's own", token(["iam"], name="lanyard", namespace="lanyard-system"), "verify.scheduled"),
    # Others are none of its business.
    ("by a user", token([], 86400, USER, "default"), ""),
    ("by another ServiceAccount of the namespace", token([], 86400, ANOTHER, "default"), ""),
]


def failures(program, policy, namespaces):
    found = answers(program, [policy, namespaces], [asked for _, asked, _ in CASES])
    for (what, _, denial), answer in zip(CASES, found, strict=True):
        message = answer.get("status", {}).get("message", "")
        if answer["allowed"] == bool(denial) or denial not in message:
            yield f"a token {what} is {'admitted' if answer['allowed'] else 'denied: ' + message}"
        # Lanyard tells it from a right that is missing by this word.
        if denial not in ("", UNEVALUATED) and (
                answer["status"]["code"] != 403 or "ValidatingAdmissionPolicy" not in message):
            yield f"a token {what} is denied with {answer['status']}"
    yield from (f"without the policy, a token {what} is denied"
                for (what, _, _), answer in zip(CASES, answers(program, [namespaces], [case[1] for case in CASES]))
                if not answer["allowed"])


def main(program, policy):
    with tempfile.TemporaryDirectory() as folder:
        namespaces = pathlib.Path(folder, "namespaces.yaml")
        namespaces.write_text("---\n".join(
            json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}) + "\n"
            for name in ("ai", "ml", "lanyard-system")), encoding="utf-8")
        end_on_failures("check-guard", failures(program, policy, namespaces))
    denied = sum(bool(denial) for _, _, denial in CASES)
    print(f"check-guard: of {len(CASES)} tokens the policy of tokens denies {denied}, and admits all others")


main(*sys.argv[1:])
