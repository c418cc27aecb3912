"""Whether the API server's own injection gives pods what the webhook gives them. See hack/check-policy.

usage: policy.py ADMISSION_POLICY POLICY_SAMPLES POLICY DEFINITION PODS
"""

import collections
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import yaml

import peers
from reviews import Refused, answers, request

# Pods are tried so many at a time, so that they fit into memory.
BATCH = 4000
# Pods for each identity.
EACH = 50
# Identities among which are those of which strange pods are tried: with plans of all kinds.
STRANGE = 140
# Written by the webhook alone: an expression of the API server's has no words for it.
PROBLEMS = "lanyard.dev/problems"
# Written by the policy alone, into pods that are required.
MARK = "lanyard.dev/injected-by"
LABELLED = "is labelled lanyard.dev/inject=false"


class Samples:
    """The made-up identities, their pods, and what the webhook makes of those."""

    def __init__(self, program, identities):
        self.program = program
        self.identities = str(identities)

    def lines(self, *arguments, text=None):
        done = subprocess.run(
            [self.program, *arguments], input=text, stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def plan_sets(self):
        """The objects, and why identities are left to the webhook."""
        found = self.lines("identities", self.identities)
        sets = [item for item in found if "left" not in item]
        return sets, collections.Counter(item["left"] for item in found if "left" in item)

    def pods(self, first, end):
        return self.lines("pods", self.identities, str(first), str(end))

    def strange_pods(self):
        return self.lines("strange", self.identities)

    def admitted(self, pods):
        return self.lines("admit", self.identities, text="".join(json.dumps(pod) + "\n" for pod in pods))


def conditions_of(policies):
    """The policy's conditions as a policy that warns of each that does not hold."""
    policy = next(item for item in policies if item["kind"] == "MutatingAdmissionPolicy")
    binding = next(item for item in policies if item["kind"] == "MutatingAdmissionPolicyBinding")
    first, *others = policy["spec"]["matchConditions"]
    # The others speak of a plan that is there.
    guarded = [{"expression": f"!({first['expression']}) || ({item['expression']})", "message": item["name"]}
               for item in others]
    name = {"metadata": {"name": "conditions"}}
    version = {"apiVersion": policy["apiVersion"]}
    constraints = copy.deepcopy(policy["spec"]["matchConstraints"])
    spec = {
        "failurePolicy": "Fail", "paramKind": policy["spec"]["paramKind"], "matchConstraints": constraints,
        "validations": [{"expression": first["expression"], "message": first["name"]}, *guarded],
    }
    return [
        {**version, "kind": "ValidatingAdmissionPolicy", **name, "spec": spec},
        {**version, "kind": "ValidatingAdmissionPolicyBinding", **name, "spec": {
            "policyName": "conditions", "paramRef": binding["spec"]["paramRef"], "validationActions": ["Warn"]}},
    ]


def namespaces(names):
    return [{"apiVersion": "v1", "kind": "Namespace",
             "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}} for name in names]


def write(file, items):
    file.write_text("---\n".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return file


def as_sent(pod):
    """Without the empty members that Kubernetes' types write of themselves."""
    pod = {name: value for name, value in pod.items() if name != "status"}
    pod["spec"] = {name: value for name, value in pod["spec"].items()}
    for containers in ("initContainers", "containers", "ephemeralContainers"):
        if containers in pod["spec"]:
            pod["spec"][containers] = [
                {name: value for name, value in container.items() if (name, value) != ("resources", {})}
                for container in pod["spec"][containers]]
    return pod


def as_by_both(pod):
    """Without what is written by the webhook alone, and by the policy alone."""
    pod = copy.deepcopy(pod)
    metadata = pod.get("metadata", {})
    metadata.get("annotations", {}).pop(PROBLEMS, None)
    metadata.get("labels", {}).pop(MARK, None)
    return pod


def failed_conditions(answer):
    marker = "conditions': "
    return [text.rsplit(marker, 1)[1] for text in answer.get("warnings", []) if marker in text]


class Comparison:
    def __init__(self, program, samples, policy, definition, folder):
        self.program = program
        self.samples = samples
        self.injected = collections.Counter()
        self.left = collections.Counter()
        self.failures = []
        policies = list(yaml.safe_load_all(pathlib.Path(policy).read_text(encoding="utf-8")))
        self.conditions = [item["name"] for item in next(
            item for item in policies if item["kind"] == "MutatingAdmissionPolicy")["spec"]["matchConditions"]]
        sets, self.identities_left = samples.plan_sets()
        self.names = {name for item in sets for name in item["spec"]["plans"]}
        here = pathlib.Path(folder)
        # Each namespace whose identities are all left to the webhook has no object.
        everywhere = sorted({item["namespace"] for item in samples.pods(0, 14)})
        cluster = write(here / "cluster.json", namespaces(everywhere) + sets)
        # An expression that cannot be evaluated is told, and not hidden.
        strict = copy.deepcopy(policies)
        for item in strict:
            if item["kind"] == "MutatingAdmissionPolicy":
                item["spec"]["failurePolicy"] = "Fail"
        wanted = [item for item in strict if item["kind"].startswith("MutatingAdmission")]
        self.with_policy = [write(here / "policy.json", wanted), definition, cluster]
        self.with_conditions = [write(here / "conditions.json", conditions_of(policies)), definition, cluster]

    def ask(self, files, cases, pods):
        requests = [request(pod, case["namespace"]) for case, pod in zip(cases, pods, strict=True)]
        return answers(self.program, files, requests)

    def run(self, cases, names):
        pods = [case["pod"] for case in cases]
        by_policy = self.ask(self.with_policy, cases, pods)
        conditions = self.ask(self.with_conditions, cases, pods)
        for answer in by_policy:
            answer["object"] = as_sent(answer["object"])
        # Of those that the policy leaves alone the webhook sees what it has seen.
        changed = [answer["object"] for answer, pod in zip(by_policy, pods, strict=True) if answer["object"] != pod]
        by_both = iter(self.samples.admitted(changed))
        for name, case, policy, condition in zip(names, cases, by_policy, conditions, strict=True):
            if not policy["allowed"]:
                self.failures.append(f"{name}: {policy['status']['message']}")
            elif policy["object"] == case["pod"]:
                self.judge_left(name, condition, case["pod"])
            else:
                self.judge_injected(name, policy["object"], condition, case["injected"], next(by_both))

    def judge_left(self, name, condition, pod):
        reasons = failed_conditions(condition)
        # The label false is for the selector, and a namespace without an object has no conditions.
        if pod["metadata"].get("labels", {}).get("lanyard.dev/inject") == "false":
            reason = LABELLED
        elif pod["spec"]["serviceAccountName"] not in self.names:
            reason = self.conditions[0]
        elif reasons:
            reason = reasons[0]
        else:
            reason = None
            self.failures.append(f"{name}: the policy leaves it alone, and no condition says so")
        self.left[reason] += 1

    def judge_injected(self, name, pod, condition, by_webhook, by_both):
        """One pod after the policy, after the webhook alone, and after both."""
        self.injected[pod["metadata"]["annotations"]["lanyard.dev/injected"].count("=")] += 1
        if reasons := failed_conditions(condition):
            self.failures.append(f"{name}: is injected against {', '.join(reasons)}")
        labels = pod["metadata"].get("labels", {})
        if labels.get("lanyard.dev/inject") == "required" and labels.get(MARK) != "policy":
            self.failures.append(f"{name}: it has no mark: {labels}")
        if as_by_both(by_both) != as_by_both(by_webhook):
            self.failures.append(f"{name}: the webhook after the policy does not do what the webhook alone does")
        if "denied" in by_webhook:
            self.failures.append(f"{name}: the webhook denies it: {by_webhook['denied']}")
        elif as_by_both(pod) != as_by_both(by_webhook):
            self.failures.append(f"{name}: the policy makes another pod of it than the webhook")


def check(comparison, count):
    for failure in comparison.failures[:20]:
        print(f"check-policy: {failure}", file=sys.stderr)
    if comparison.failures:
        sys.exit(f"check-policy: {len(comparison.failures)} of {count} pods are not as they should be")


def try_strange_pods(program, samples, policy, definition, folder):
    """Those that were thought of: see StrangePod.swift."""
    comparison = Comparison(program, Samples(samples, STRANGE), policy, definition, folder)
    cases = comparison.samples.strange_pods()
    for first in range(0, len(cases), BATCH):
        some = cases[first:first + BATCH]
        comparison.run(some, [case["what"] for case in some])
    check(comparison, len(cases))
    injected = sum(comparison.injected.values())
    # Each condition is what leaves some of them.
    for name in comparison.conditions[1:]:
        if not comparison.left[name]:
            sys.exit(f"check-policy: no strange pod is left to the webhook by {name}")
    identities = len({case["pod"]["spec"]["serviceAccountName"] for case in cases})
    print(f"check-policy: {len(cases)} strange pods of {identities} identities: {injected} get from the policy what they get "
          f"from the webhook, and {len(cases) - injected} are left to it")


def try_peers(program, samples, policy, definition, folder):
    """Plain pods after the policy, then another's webhook, and then Lanyard's."""
    comparison = Comparison(program, Samples(samples, STRANGE), policy, definition, folder)
    cases = [case for case in comparison.samples.strange_pods() if case["what"].endswith("that is plain")]
    injected = [as_sent(answer["object"]) for answer in comparison.ask(
        comparison.with_policy, cases, [case["pod"] for case in cases])]
    tried = [(f"{case['what']}, then {peer.__name__}", pod, peers.after(peer, pod))
             for case, pod in zip(cases, injected, strict=True) for peer in peers.PEERS]
    by_webhook = comparison.samples.admitted([by_peer for _, _, by_peer in tried])
    comparison.failures += [
        f"{what}: {failure}" for (what, *pods), result in zip(tried, by_webhook, strict=True)
        for failure in peers.failures(*pods, result)]
    check(comparison, len(tried))
    print(f"check-policy: {len(cases)} identities: {len(peers.PEERS)} webhooks of others, called after the policy, leave what it "
          "did, and Lanyard's after them does")


def try_made_up_pods(program, samples, policy, definition, folder, count):
    comparison = Comparison(program, Samples(samples, max(70, count // EACH)), policy, definition, folder)
    for first in range(0, count, BATCH):
        numbers = range(first, min(count, first + BATCH))
        comparison.run(comparison.samples.pods(numbers.start, numbers.stop), [f"pod {number}" for number in numbers])
        # Who waits for so long wants to know that it goes on, and well.
        if count > BATCH:
            print(f"check-policy: {numbers.stop} pods tried, {len(comparison.failures)} wrong", flush=True)
    check(comparison, count)
    injected = sum(comparison.injected.values())
    if injected < count // 10 or len(comparison.injected) < 3:
        sys.exit(f"check-policy: the samples show little: {injected} pods injected, {dict(comparison.injected)}")
    print(f"check-policy: {count} pods: {injected} get from the policy what they get from the webhook, which then changes "
          f"nothing in them but {PROBLEMS}; {count - injected} are left to it, since a pod")
    for name in [LABELLED, *comparison.conditions]:
        print(f"{comparison.left[name]:9} {name if name in comparison.conditions[1:] + [LABELLED] else 'has no plan'}")
    left = sum(comparison.identities_left.values())
    print(f"check-policy: {len(comparison.names)} of {len(comparison.names) + left} identities are in the objects, and "
          f"{left} are not")
    for reason, number in comparison.identities_left.most_common():
        print(f"{number:9} {reason}")


def main(program, samples, policy, definition, count):
    count = int(count)
    with tempfile.TemporaryDirectory() as folder:
        try:
            try_strange_pods(program, samples, policy, definition, folder)
            try_peers(program, samples, policy, definition, folder)
            try_made_up_pods(program, samples, policy, definition, folder, count)
        except Refused as refusal:
            sys.exit(f"check-policy: {refusal}")


main(*sys.argv[1:])
