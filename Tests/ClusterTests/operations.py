"""Restarts, failures of the node, the end, and time: what users' pods notice of them."""

import time

from cluster import Refused
from installation import leader
from pods import Token, expect_tokens, running_pod, seen, stamp, variables_of
from processes import Failure, eventually
from release import INJECTOR, LEASE, NAMESPACE, REPORTS, SECRET, VALIDATOR
from shown import NotShown
from steady import SteadyPods

APPLICATION = "operations"
AWS = Token("AWS_WEB_IDENTITY_TOKEN_FILE", "sts.amazonaws.com", 86400)


def restart(world):
    """A rolling restart, as for a change of the configuration."""
    world.require_installed()
    cluster, release = world.cluster, world.release
    with SteadyPods(cluster, 100, 5) as pods:
        yield "a rolling restart ends", lambda: roll(cluster, release)
        yield "every pod that was created meanwhile is injected", pods.figure
    yield "one of the new replicas leads", lambda: leader(cluster, release)


def roll(cluster, release):
    cluster.kubectl("rollout", "restart", "-n", NAMESPACE, "deployment/lanyard")
    cluster.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/lanyard", "--timeout=50s")
    release.expect_replicas()


def application(world, name, annotations):
    """A Deployment of one pod, which waits, and must not start without credentials."""
    labels = {"app": name, "lanyard.dev/inject": "required"}
    return [
        {
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": APPLICATION, "annotations": annotations},
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": APPLICATION},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": labels}, "spec": {
                    "serviceAccountName": name, "terminationGracePeriodSeconds": 1,
                    "securityContext": {"runAsNonRoot": True, "runAsUser": 10003},
                    "containers": [{
                        "name": "app", "image": world.python.name, "imagePullPolicy": "Never",
                        "command": ["sleep", "infinity"],
                    }],
                }},
            },
        },
    ]


def run_application(world, **more):
    """A new pod of it; one of before may still be ending, for which the kubelet takes its time."""
    cluster = world.cluster
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": APPLICATION}})
    cluster.apply(*application(world, "bedrock", {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock", "lanyard.dev/aws-region": "us-east-1",
        **more}))
    return replaced_pod(cluster)


def replaced_pod(cluster):
    cluster.kubectl("delete", "pods", "--all", "-n", APPLICATION, "--wait=false")
    return running_pod(cluster, APPLICATION, "bedrock")


def power_failure(world):
    """The node loses its power, and gets it back."""
    world.require_installed()
    cluster, release = world.cluster, world.release
    before = run_application(world)
    old = seen(cluster, before, "app", variables_of(before))
    authority, restarts = release.authority(), restart_counts(release)
    eventually(lambda: expect_ready_report(release), "the report says that all is well")
    cluster.power_failure()
    yield "Lanyard's replicas come back", lambda: expect_restarted(release, restarts)
    yield "pods are injected again, by the same CA", lambda: expect_same_trust(release, authority)
    yield "the application's pod comes back, and its token is a new one", lambda: expect_new_token(world, before, old)
    yield "the report says that all is well", lambda: eventually(
        lambda: expect_ready_report(release), "the report is right", within=60)
    world.recover()


def restart_counts(release):
    return {
        pod["metadata"]["name"]: each["restartCount"] for pod in release.pods()
        if "deletionTimestamp" not in pod["metadata"] for each in pod["status"]["containerStatuses"]
    }


def expect_restarted(release, before):
    """The same pods, each with a new container: until the kubelet has looked, they are said to be as they were."""
    def attempt():
        now = restart_counts(release)
        if set(now) != set(before) or any(now[name] <= before[name] for name in now):
            raise Failure(f"the pods were restarted {now} times, and {before} before")

    eventually(attempt, "Lanyard's containers are started again", within=120)
    release.expect_replicas(within=120)


def expect_same_trust(release, authority):
    eventually(release.expect_injection, "pods are injected")
    if release.authority() != authority:
        raise Failure("the registration trusts another CA")


def expect_new_token(world, before, old):
    pod = running_pod(world.cluster, APPLICATION, "bedrock", within=120)
    if pod["metadata"]["uid"] != before["metadata"]["uid"]:
        raise Failure("it is another pod")
    said = expect_tokens(world.cluster, pod, "app", [AWS])
    if said["files"] == old["files"]:
        raise Failure("it reads the token of before the failure")


def expect_ready_report(release):
    condition = release.reports().get((APPLICATION, "bedrock"), {})
    if condition.get("status") != "True":
        raise Failure(f"the report says {condition}")


def drain(world):
    """The one node is drained of Lanyard's pods, which have nowhere else to go."""
    world.require_installed()
    cluster, release = world.cluster, world.release
    try:
        yield "the disruption budget keeps one replica when the node is drained", lambda: expect_budget(cluster)
        yield "which serves meanwhile", lambda: release.expect_injection()
    finally:
        cluster.kubectl("uncordon", node_name(cluster))
    yield "both are back after uncordon", lambda: release.expect_replicas()


def node_name(cluster):
    return cluster.items("/api/v1/nodes")[0]["metadata"]["name"]


def expect_budget(cluster):
    try:
        cluster.kubectl(
            "drain", node_name(cluster), "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=10s",
            "--pod-selector=app.kubernetes.io/name=lanyard")
    except Failure as failure:
        if "would violate the pod's disruption budget" not in str(failure):
            raise
    else:
        raise Failure("both replicas were evicted")
    ready = cluster.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/lanyard")["status"]["readyReplicas"]
    if ready != 1:
        raise Failure(f"{ready} replicas are ready")


def uninstall(world):
    """What stays after `helm uninstall`, and who is refused."""
    world.require_installed()
    cluster, release = world.cluster, world.release
    run_application(world)
    eventually(lambda: expect_ready_report(release), "the report says that all is well")
    has_clean_up = "clean-up" in release.helm("get", "hooks", "lanyard", "--namespace", NAMESPACE)
    release.uninstall()
    yield "no registration is left that could block pods", lambda: expect_absent(cluster, INJECTOR, VALIDATOR)
    yield "pods start, those labelled required without credentials", lambda: starts_without(world)
    for sentence, check in [
        ("no condition is left that nobody keeps", lambda: expect_no_condition(cluster)),
        ("no WorkloadIdentity is left", lambda: expect_none(cluster, REPORTS)),
        ("the Lease and the Secret are gone", lambda: expect_absent(cluster, LEASE, SECRET)),
    ]:
        yield sentence, check if has_clean_up else not_yet
    yield "nothing of the chart is left, nor of its clean-up", lambda: expect_no_objects(cluster)
    yield "the definition is left, as helm leaves all definitions", lambda: cluster.kubectl(
        "get", "customresourcedefinition", "workloadidentities.lanyard.dev", "-o", "name").strip()


def not_yet():
    raise NotShown("the chart has no hook that cleans up")


def expect_absent(cluster, *paths):
    def attempt():
        for path in paths:
            try:
                cluster.call("GET", path)
            except Refused as answer:
                if answer.status == 404:
                    continue
                raise
            raise Failure(f"{path} is left")

    eventually(attempt, "it is gone")


def expect_none(cluster, path):
    def attempt():
        if left := [each["metadata"]["name"] for each in cluster.items(path)]:
            raise Failure(f"left: {left}")

    eventually(attempt, "all are gone")


KINDS = [
    "clusterroles", "clusterrolebindings", "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "roles",
    "rolebindings", "serviceaccounts", "services", "deployments", "jobs", "configmaps", "secrets", "leases",
    "resourcequotas", "poddisruptionbudgets",
]


def expect_no_objects(cluster):
    def attempt():
        names = cluster.kubectl("get", ",".join(KINDS), "-n", NAMESPACE, "-o", "name").split()
        if left := [name for name in names if "lanyard" in name]:
            raise Failure(f"left: {left}")

    eventually(attempt, "all are gone")


def expect_no_condition(cluster):
    def attempt():
        left = [
            deployment["metadata"]["name"] for deployment in cluster.items("/apis/apps/v1/deployments")
            for condition in deployment["status"].get("conditions", [])
            if condition["type"] == "lanyard.dev/CredentialsReady"
        ]
        if left:
            raise Failure(f"of the Deployments {left}")

    eventually(attempt, "the conditions are gone")


def starts_without(world):
    pod = replaced_pod(world.cluster)
    if stamp(pod) is not None:
        raise Failure(f"the pod is stamped {stamp(pod)!r}")


def rotation(world):
    """A token of ten minutes, the shortest there is: the kubelet replaces it after eight."""
    world.require_installed()
    cluster = world.cluster
    pod = run_application(world, **{"lanyard.dev/token-expiration": "600"})
    first = expect_tokens(cluster, pod, "app", [Token(AWS.variable, AWS.audience, 600)])
    yield "the process reads a new token before the first expires", lambda: expect_rotation(cluster, pod, first)


def expect_rotation(cluster, pod, first):
    started = time.monotonic()

    def attempt():
        said = seen(cluster, pod, "app", variables_of(pod))
        if said["files"] == first["files"]:
            time.sleep(5)
            raise Failure("it is the same token")

    eventually(attempt, "another token is there", within=600)
    expect_tokens(cluster, pod, "app", [Token(AWS.variable, AWS.audience, 600)])
    return f"after {time.monotonic() - started:.0f} s"
