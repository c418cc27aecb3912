"""What should become of pods, in a chain of admission plugins with the policy and Lanyard's webhook. See chain.py."""

import copy

MARK = "lanyard.dev/injected-by"
PROBLEMS = "lanyard.dev/problems"
NO_ANSWER = 'failed calling webhook "required.pod-injector.lanyard.dev"'
# What is said to pods that have the label of the policy, and not all of the plan, or no stamp.
NOT_ALL = ("but it has not what the plan of its ServiceAccount says", "but nothing was injected")


def is_required(pod):
    return pod["metadata"].get("labels", {}).get("lanyard.dev/inject") == "required"


def without(pod, annotation=None, label=None):
    pod = copy.deepcopy(pod)
    for kind, name in (("annotations", annotation), ("labels", label)):
        if pod["metadata"].get(kind, {}).pop(name, None) is not None and not pod["metadata"][kind]:
            del pod["metadata"][kind]
    return pod


def message(answer):
    return answer.get("status", {}).get("message", "")


def stamps(answer):
    annotations = answer["object"]["metadata"].get("annotations", {})
    return [annotations.get(f"lanyard.dev/{name}") for name in ("plan", "injected")] if answer["allowed"] else None


def difference(one, other, path=""):
    """The first place where two values differ, and what is there."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(key, one.get(key), other.get(key)) for key in {**one, **other}]
    elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)) and len(one) == len(other):
        pairs = [(index, *pair) for index, pair in enumerate(zip(one, other))]
    else:
        return f"{path}: {one}, and not {other}"
    return next(difference(*values, f"{path}/{key}") for key, *values in pairs if values[0] != values[1])


def outcome(answer):
    """Without what the policy alone writes, and the name of the webhook configuration's entry: it has one of its own for pods
    with the policy's label."""
    if answer["allowed"]:
        return without(answer["object"], label=MARK), answer.get("warnings")
    return message(answer).replace('"injected.pod-injector', '"required.pod-injector'), answer.get("warnings")


def same_as_webhook(cases, by_both, by_webhook):
    """While Lanyard answers: what the webhook alone does, but for the label that the policy writes."""
    for (what, _), both, alone in zip(cases, by_both, by_webhook, strict=True):
        if outcome(both) != outcome(alone):
            yield f"{what} is not as by the webhook alone: {difference(outcome(both), outcome(alone))}"


def without_answer(cases, by_policy, found, by_both):
    """While Lanyard does not answer: what the policy alone does, and a required pod that it has left is denied."""
    for (what, pod), policy, answer, both in zip(cases, by_policy, found, by_both, strict=True):
        injected = policy["object"] != pod
        if is_required(pod) and not injected:
            if answer["allowed"] or NO_ANSWER not in message(answer):
                yield f"{what} is not denied: {message(answer)}"
        elif not answer["allowed"] or answer["object"] != policy["object"]:
            why = message(answer) or difference(answer["object"], policy["object"])
            yield f"{what} is not what the policy makes of it: {why}"
        elif injected and (not both["allowed"] or answer["object"] != without(both["object"], annotation=PROBLEMS)):
            why = message(both) or difference(answer["object"], both["object"])
            yield f"{what} is not what it is while Lanyard answers: {why}"


def failed_forgeries(forged, found):
    """While Lanyard does not answer: pods that say they were injected, and those that were."""
    for (what, pod, is_whole), answer in zip(forged, found, strict=True):
        wanted = NOT_ALL if MARK in pod["metadata"]["labels"] else [NO_ANSWER]
        if answer["allowed"] != is_whole or not is_whole and not any(text in message(answer) for text in wanted):
            yield f"{what} is {'admitted' if answer['allowed'] else message(answer)}"
