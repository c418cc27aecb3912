"""Whether the program of hack/admission-policy does what an API server does, on policies whose effect is plain.

usage: program.py ADMISSION_POLICY
"""

import pathlib
import sys
import tempfile

from reviews import Refused, answers, end_on_failures, pod, request

POLICIES = pathlib.Path(__file__).with_name("program.yaml")
# What the pod is, the request, the label that it gets, what denies it, and what it is warned of.
CASES = [
    ("whose account has a colour", request(pod(account="red"), "painted"), {"colour": "red"}, "", []),
    ("whose account has none", request(pod(account="blue"), "painted"), None, "", []),
    ("in a namespace without colours", request(pod(account="red"), "plain"), None, "", []),
    ("that is updated", request(pod(account="red"), "painted", operation="UPDATE", old=pod()), None, "", []),
    ("that gets black", request(pod(account="forbidden"), "painted"), {"colour": "black"},
     "pods \"app\" is forbidden: ValidatingAdmissionPolicy 'no-black' with binding 'no-black' denied request: "
     "no black", []),
    ("that gets grey", request(pod(account="odd"), "painted"), {"colour": "grey"}, "",
     ["Validation failed for ValidatingAdmissionPolicy 'no-grey' with binding 'no-grey': no grey"]),
]
# What is changed in the policies, and what the program says.
FAULTS = [
    (("reinvocationPolicy: Never", "reinvocationPolicies: Never"), "unknown field \"spec.reinvocationPolicies\""),
    (("failurePolicy: Fail", "failurePolicy: Fail\n  failurePolicy: Fail"), "key \"failurePolicy\" already set in map"),
]
# A mistake in an expression is found as it is evaluated, and the failure policy decides.
MISTAKE = ("object.spec.serviceAccountName in params.colours", "object.spec.serviceAccountName in params.colors")


def failures(program):
    for (what, _, labels, denial, warnings), answer in zip(
            CASES, answers(program, [POLICIES], [case[1] for case in CASES]), strict=True):
        found = (
            answer["object"]["metadata"].get("labels"), answer.get("status", {}).get("message", ""),
            answer.get("warnings", []))
        if found != (labels, denial, warnings) or answer["allowed"] == bool(denial):
            yield f"a pod {what}: {found}"
    text = POLICIES.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "policies.yaml")
        for (old, new), message in FAULTS:
            file.write_text(text.replace(old, new, 1), encoding="utf-8")
            try:
                answers(program, [file], [])
                yield f"takes {new}"
            except Refused as refusal:
                if message not in str(refusal):
                    yield f"{new}: {refusal}"
        for policy, admitted in (("Fail", False), ("Ignore", True)):
            mistaken = text.replace(*MISTAKE, 1).replace("failurePolicy: Fail", f"failurePolicy: {policy}", 1)
            file.write_text(mistaken, encoding="utf-8")
            answer, = answers(program, [file], [request(pod(account="red"), "painted")])
            if answer["allowed"] != admitted or "labels" in answer["object"]["metadata"]:
                yield f"with a mistake and failurePolicy: {policy}, {answer}"


def main(program):
    end_on_failures("check-guard", failures(program))
    print(f"check-guard: the program mutates and validates as it should, in {len(CASES) + len(FAULTS) + 2} cases")


main(*sys.argv[1:])
