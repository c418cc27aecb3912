"""Identities, and pods of them, that come before an API server. See chain.py."""

import copy

from reviews import USER, pod

ROLE = "arn:aws:iam::111122223333:role/bedrock"
AWS = {"eks.amazonaws.com/role-arn": ROLE, "lanyard.dev/aws-region": "eu-west-1"}
AZURE = {
    "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
    "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
}
GOOGLE = {
    "cloud.google.com/workload-identity-provider":
        "projects/123/locations/global/workloadIdentityPools/clusters/providers/prod",
    "cloud.google.com/service-account-email": "llm@proj.iam.gserviceaccount.com",
}
OPENAI = {"lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456"}
ANTHROPIC = {
    "lanyard.dev/anthropic-federation-rule-id": "fdrl_01abc",
    "lanyard.dev/anthropic-organization-id": "99999999-8888-7777-6666-555555555555",
}
VAULT = {"lanyard.dev/vault-path.groq": "secret/data/ai/groq", "lanyard.dev/vault-role": "llm"}
ACCOUNTS = {
    "aws": AWS, "azure": AZURE, "google": GOOGLE, "openai": OPENAI, "vault": VAULT,
    "several": {**AWS, **AZURE, **GOOGLE, **OPENAI, **ANTHROPIC},
    "by-container": {"lanyard.dev/aws-role-arns": f"main={ROLE},worker={ROLE}-2", **OPENAI},
    "second-role": {**AWS, "lanyard.dev/aws-assume-role-arn": "arn:aws:iam::444455556666:role/second"},
    # These are the webhook's.
    "session-of-the-pod": {**AWS, "lanyard.dev/aws-session-name-from-pod": "true"},
    "malformed": {"eks.amazonaws.com/role-arn": "bedrock"},
    "left-alone": {**AWS, "lanyard.dev/inject": "false"},
    "none": {},
}
COMPILED = {"aws", "azure", "google", "openai", "vault", "several", "by-container", "second-role"}


def plain(account):
    """As the API server's plugin ServiceAccount leaves it."""
    item = pod(account=account)
    item["spec"]["containers"].append({"name": "worker", "image": "worker", "env": [{"name": "LEVEL", "value": "info"}]})
    item["spec"]["initContainers"] = [
        {"name": "set-up", "image": "app"}, {"name": "sidecar", "image": "proxy", "restartPolicy": "Always"}]
    item["spec"]["volumes"] = [{"name": "kube-api-access-x7k2p", "projected": {"sources": [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]}}]
    for container in item["spec"]["initContainers"] + item["spec"]["containers"]:
        container["volumeMounts"] = [{
            "name": "kube-api-access-x7k2p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}]
    return item


def of_job(item):
    metadata = item["metadata"]
    del metadata["name"]
    metadata.update(
        generateName="train-", labels={"batch.kubernetes.io/job-name": "train"},
        ownerReferences=[{"apiVersion": "batch/v1", "kind": "Job", "name": "train", "uid": "1", "controller": True}])
    item["spec"]["restartPolicy"] = "Never"


def user(item):
    name = "system:serviceaccount:kube-system:job-controller"
    return {"username": name, "groups": ["system:serviceaccounts"]} if "ownerReferences" in item["metadata"] else USER


def setting(**variables):
    """In the first container, as somebody may have written them before there was Lanyard."""
    def change(item):
        item["spec"]["containers"][0]["env"] = [{"name": name, "value": value} for name, value in variables.items()]
    return change


def annotated(annotations):
    return lambda item: item["metadata"].update(annotations=annotations)


def own_token(item):
    """An identity of its own."""
    setting(AWS_ROLE_ARN=f"{ROLE}-own", AWS_WEB_IDENTITY_TOKEN_FILE="/own/token")(item)
    item["spec"]["volumes"].append({"name": "own", "projected": {"sources": [
        {"serviceAccountToken": {"audience": "sts.amazonaws.com", "path": "token"}}]}})
    item["spec"]["containers"][0]["volumeMounts"].append({"name": "own", "mountPath": "/own"})


CHANGES = {
    "plain": lambda item: None,
    "of a Job": of_job,
    "with the half of a group": setting(AWS_ROLE_ARN=ROLE, OPENAI_IDENTITY_PROVIDER_ID="idp-123"),
    "with the half of another": setting(AWS_ROLE_ARN=f"{ROLE}-own", AZURE_CLIENT_ID="its own"),
    "with a region": setting(AWS_REGION="us-east-1"),
    "with a static key": setting(AWS_ACCESS_KEY_ID="AKIA", OPENAI_API_KEY="sk-x"),
    "with an identity of its own": own_token,
    "with a token's path": setting(AZURE_FEDERATED_TOKEN_FILE="/var/run/secrets/own/token"),
    "with a container to skip": annotated({"lanyard.dev/skip-containers": "worker"}),
    "with a container alone": annotated({"lanyard.dev/include-containers": "main"}),
    "with a region of its own": annotated({"lanyard.dev/aws-region": "us-west-2"}),
    "with a forged stamp": annotated({"lanyard.dev/plan": "0123456789ab", "lanyard.dev/injected": "openai=own"}),
    "for Azure's webhook": lambda item: item["metadata"].update(labels={"azure.workload.identity/use": "true"}),
    "for Windows": lambda item: item["spec"].update(os={"name": "windows"}),
    "without a token": lambda item: item["spec"].update(automountServiceAccountToken=False),
}


def cases(names=CHANGES):
    """What a pod is, and the pod: of each identity, required and not."""
    for account in ACCOUNTS:
        for what in names:
            for required in (False, True):
                item = plain(account)
                CHANGES[what](item)
                if required:
                    item["metadata"].setdefault("labels", {})["lanyard.dev/inject"] = "required"
                yield f"a {'required ' if required else ''}pod of {account} {what}", item


def forged(injected, mark):
    """From one that the policy has injected: what it lacks, the pod, and whether it is admitted while nobody answers."""
    def named(entries, name):
        return next(entry for entry in entries if entry["name"] == name)

    for what, change, is_whole in (
            ("nothing", lambda item: None, True),
            ("the stamp", lambda item: item["metadata"]["annotations"].pop("lanyard.dev/plan"), False),
            ("all but the stamp and the label", lambda item: item["spec"].update(plain("several")["spec"]), False),
            ("a volume", lambda item: item["spec"]["volumes"].remove(
                named(item["spec"]["volumes"], "lanyard-openai")), False),
            ("the mounts of a container", lambda item: item["spec"]["containers"][1].pop("volumeMounts"), False),
            ("the variables of an init container", lambda item: item["spec"]["initContainers"][0].pop("env"), False),
            ("its ServiceAccount", lambda item: item["spec"].update(serviceAccountName="aws"), False),
            ("an identity", lambda item: item["spec"].update(serviceAccountName="none"), False),
            ("the label, with all of the plan", lambda item: item["metadata"]["labels"].pop(mark, None), False)):
        item = copy.deepcopy(injected)
        change(item)
        yield f"a required pod that lacks {what}", item, is_whole
    for account in ("none", "session-of-the-pod"):
        item = plain(account)
        item["metadata"]["labels"] = {"lanyard.dev/inject": "required", mark: "policy"}
        yield f"a required pod of {account} with the label", item, False
