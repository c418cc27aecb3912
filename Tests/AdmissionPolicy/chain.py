"""What becomes of pods in the whole admission chain of a server that has the policy, with the real Lanyard as its webhook:
while Lanyard answers, while it is stopped, and after it was killed. See hack/check-chain.

usage: chain.py ADMISSION_POLICY LANYARD CONTROL_PLANE CHART CHART_WITHOUT_POLICY DEFINITION

The charts are rendered; the control plane is a folder of hack/control-plane, on which Lanyard keeps the plans.
"""

import concurrent.futures
import json
import pathlib
import signal
import sys
import tempfile

import chain_pods
import peer_webhook
from chain_outcomes import MARK, failed_forgeries, message, same_as_webhook, stamps, without, without_answer
from lanyard_run import NAMESPACE, Lanyard, objects_of, prepare, without_patience
from plan_sets import namespace, plan_set
from reviews import answers, end_on_failures, request


class Chain:
    """Asks the program with one set of registrations and plans after another."""

    def __init__(self, program, folder, definition):
        self.program = program
        self.folder = pathlib.Path(folder)
        self.definition = definition
        self.tried = 0

    def ask(self, registrations, plans, pods, at_once=1):
        """One answer for each pod. Plans are those of the namespace, or `None` where it has no object."""
        file = self.folder / "cluster.json"
        objects = [namespace(NAMESPACE), *([plan_set(NAMESPACE, {"plans": plans})] if plans is not None else [])]
        file.write_text("---\n".join(json.dumps(item) + "\n" for item in registrations + objects), encoding="utf-8")
        self.tried += len(pods)
        requests = [request(pod, NAMESPACE, user=chain_pods.user(pod)) for pod in pods]
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            parts = pool.map(lambda first: answers(
                self.program, [file, self.definition], requests[first::at_once], expected="failed calling webhook"),
                range(at_once))
        found = [None] * len(pods)
        for first, part in enumerate(parts):
            found[first::at_once] = part
        return found


def of_chart(file, lanyard):
    """The policies and webhook configurations that the chart makes, with the webhook that really runs."""
    found = [item for item in objects_of(file) if item["apiVersion"].startswith("admissionregistration.k8s.io/")]
    for item in found:
        for entry in item.get("webhooks", []):
            path = entry["clientConfig"]["service"]["path"]
            entry["clientConfig"] = {"url": lanyard.url + path, "caBundle": lanyard.authority()}
    return found


def with_other_hashes(plans):
    """As another release might have them."""
    return {name: {**plan, "hash": "0" * 12} for name, plan in plans.items()}


def reinvoked(chain, lanyard, folder, cases, with_policy, alone, plans, by_both):
    """A webhook of another that changes a pod after Lanyard's, which is then called again."""
    pods = [pod for _, pod in cases]
    with peer_webhook.served(folder) as peers:
        before = lanyard.reviews()
        labelled = chain.ask([*with_policy, peers["/label"]], plans, pods)
        reviews = lanyard.reviews() - before
        admitted = sum(answer["allowed"] for answer in by_both)
        if reviews != len(pods) + admitted:
            yield f"Lanyard is shown {reviews} pods, and not {len(pods)}, of which the {admitted} that it admits twice"
        for answer in labelled:
            answer["object"] = without(answer["object"], label="mesh")
        yield from same_as_webhook(cases, labelled, by_both)
        meshed = chain.ask([*alone, peers["/mesh"]], None, pods)
        for some in (plans, with_other_hashes(plans)):
            yield from same_as_webhook(cases, chain.ask([*with_policy, peers["/mesh"]], some, pods), meshed)


def failures(chain, lanyard, chart, chart_without, folder):
    plans = lanyard.plans()
    with_policy, alone = of_chart(chart, lanyard), of_chart(chart_without, lanyard)
    policy = [item for item in with_policy if item["kind"].startswith("MutatingAdmissionPolicy")]

    def ask_both(pods):
        return chain.ask(policy, plans, pods), chain.ask(with_policy, plans, pods)

    def written(cases):
        """As the program writes them."""
        bare = chain.ask([], None, [pod for _, pod in cases])
        return [(what, answer["object"]) for (what, _), answer in zip(cases, bare, strict=True)]

    cases = written(list(chain_pods.cases()))
    pods = [pod for _, pod in cases]
    by_policy, by_both = ask_both(pods)
    yield from same_as_webhook(cases, by_both, chain.ask(alone, None, pods))

    plain = written(list(chain_pods.cases(["plain"])))
    plain_pods = [pod for _, pod in plain]
    plain_by_policy, plain_by_both = ask_both(plain_pods)
    yield from reinvoked(chain, lanyard, folder, plain, with_policy, alone, plans, plain_by_both)

    # Where the object is not there, empty, older than what Lanyard knows, or of a release whose plans have other hashes: what
    # is denied is what the webhook alone denies, and each pod has a stamp of the webhook's.
    plain_alone = chain.ask(alone, None, plain_pods)
    for absent in (None, {}):
        yield from same_as_webhook(plain, chain.ask(with_policy, absent, plain_pods), plain_alone)
    yield from same_as_webhook(plain, chain.ask(with_policy, with_other_hashes(plans), plain_pods), plain_alone)
    older = {**plans, "openai": plans["several"], "several": plans["openai"]}
    for (what, _), answer, one in zip(plain, chain.ask(with_policy, older, plain_pods), plain_alone, strict=True):
        if answer["allowed"] != one["allowed"] or stamps(answer) != stamps(one):
            yield f"{what}, with an older plan: {message(answer)} {stamps(answer)}, and by the webhook alone {stamps(one)}"

    injected = next(
        answer["object"] for (what, _), answer in zip(plain, plain_by_policy, strict=True)
        if what == "a required pod of several plain")
    forged = list(chain_pods.forged(injected, MARK))
    forged_pods = [pod for _, pod, _ in forged]
    yield from same_as_webhook(
        [case[:2] for case in forged], chain.ask(with_policy, plans, forged_pods), chain.ask(alone, None, forged_pods))

    lanyard.end(signal.SIGSTOP)
    stopped = chain.ask(without_patience(with_policy), plans, plain_pods, at_once=8)
    yield from without_answer(plain, plain_by_policy, stopped, plain_by_both)
    lanyard.end(signal.SIGKILL)
    yield from without_answer(cases, by_policy, chain.ask(with_policy, plans, pods), by_both)
    yield from failed_forgeries(forged, chain.ask(with_policy, plans, forged_pods))
    # Where nothing injects it is as without the policy.
    for absent in (None, {}):
        found = chain.ask(with_policy, absent, plain_pods)
        yield from without_answer(plain, [{"object": pod} for pod in plain_pods], found, plain_by_both)


def main(program, lanyard_program, control_plane, chart, chart_without, definition):
    cluster = prepare(control_plane, definition)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lanyard = Lanyard(lanyard_program, cluster, chart, folder)
        chain = Chain(program, folder, definition)
        try:
            end_on_failures("check-chain", failures(chain, lanyard, chart, chart_without, folder))
        finally:
            lanyard.process.kill()
    print(f"check-chain: {chain.tried} reviews of pods of {len(chain_pods.ACCOUNTS)} ServiceAccounts: with the policy they get "
          "what the webhook alone gives; while it is stopped or dead, what the policy gives, and are denied where that is "
          "nothing and they require it")


main(*sys.argv[1:])
