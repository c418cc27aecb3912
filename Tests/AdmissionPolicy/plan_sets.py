"""Plans, and the objects in which they are."""

import copy

from reviews import pod

NODE = {"username": "system:node:node-1", "groups": ["system:nodes", "system:authenticated"]}
PLAN = {
    "hash": "0123456789ab", "injected": "openai=openai-federation",
    "volumes": [{"name": "lanyard-openai", "projected": {"sources": [{"serviceAccountToken": {
        "audience": "https://api.openai.com/v1", "expirationSeconds": 3600, "path": "token"}}]}}],
    "mounts": [{"mount": {
        "name": "lanyard-openai", "mountPath": "/var/run/secrets/lanyard.dev/openai", "readOnly": True}}],
    "groups": [{"env": [{"name": "OPENAI_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/lanyard.dev/openai/token"}]}],
}
# 10 providers in 50 containers that have 20 variables and 5 mounts of their own: more than any pod that is known.
PROVIDERS, CONTAINERS, IDENTITIES = 10, 50, 1000


def namespace(name, labels=None):
    return {"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **(labels or {})}}}


def plan_set(name, plans):
    return {"apiVersion": "lanyard.dev/v1alpha1", "kind": "CredentialPlanSet",
            "metadata": {"name": "lanyard", "namespace": name}, "spec": plans}


def costly():
    """Objects and a pod at the limits."""
    plan = copy.deepcopy(PLAN)
    plan["volumes"], plan["mounts"], plan["groups"], plan["fixedVariables"] = [], [], [], {}
    for number in range(PROVIDERS):
        volume = copy.deepcopy(PLAN["volumes"][0])
        volume["name"] = f"lanyard-provider-{number}"
        plan["volumes"].append(volume)
        plan["mounts"].append({"mount": {
            "name": volume["name"], "mountPath": f"/var/run/secrets/lanyard.dev/provider-{number}", "readOnly": True}})
        env = [{"name": f"PROVIDER_{number}_SETTING_{index}", "value": "x" * 60} for index in range(4)]
        plan["groups"].append({"env": env})
        plan["fixedVariables"].update({item["name"]: item["value"] for item in env})
    item = pod(account="llm-500")
    item["spec"]["volumes"] = [{"name": f"own-{number}", "emptyDir": {}} for number in range(5)]
    item["spec"]["containers"] = [{
        "name": f"container-{number}", "image": "app",
        "env": [{"name": f"OWN_SETTING_OF_ITS_{index}", "value": "x" * 40} for index in range(20)],
        "volumeMounts": [{"name": f"own-{index}", "mountPath": f"/data/own-{index}"} for index in range(5)],
    } for number in range(CONTAINERS)]
    plans = {f"llm-{number}": (plan if number == 500 else PLAN) for number in range(IDENTITIES)}
    return [namespace("ml"), plan_set("ml", {"plans": plans})], item
