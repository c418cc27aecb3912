"""Pods that were created while nobody could inject, and what becomes of them."""

import threading
import time

from operations import AWS, application
from pods import expect_tokens, running_pod, stamp
from processes import Failure, eventually
from release import NAMESPACE, is_ready

HEALED = "healed"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{HEALED}/deployments/bedrock"
PODS = f"/api/v1/namespaces/{HEALED}/pods?labelSelector=app=bedrock"


def healing(world):
    """Two pods without credentials are replaced, one after the other."""
    cluster, release = world.cluster, world.release
    release.install("eks", {"healing": {"intervalSeconds": 2}}, more={"healing": {"enabled": True}})
    cluster.namespace(HEALED, **{"lanyard.dev/heal": "restart"})
    cluster.kubectl("scale", "-n", NAMESPACE, "deployment/lanyard", "--replicas=0")
    eventually(lambda: release.expect_replicas(0), "Lanyard is away", within=60)
    account, deployment = application(world, "bedrock", {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock", "lanyard.dev/aws-region": "us-east-1"})
    for each in account, deployment:
        each["metadata"]["namespace"] = HEALED
    deployment["spec"]["replicas"] = 2
    # What is `required` would wait for Lanyard.
    del deployment["spec"]["template"]["metadata"]["labels"]["lanyard.dev/inject"]
    cluster.apply(account, deployment)
    yield "with Lanyard away, pods start without credentials", lambda: eventually(
        lambda: expect_pods(cluster, injected=False), "two pods run", within=90)
    with ReadyPods(cluster) as ready:
        cluster.kubectl("scale", "-n", NAMESPACE, "deployment/lanyard", "--replicas=2")
        release.expect_replicas()
        yield "Lanyard replaces them when it is back", lambda: eventually(
            lambda: expect_pods(cluster, injected=True), "two injected pods run", within=150)
        yield "one of them was ready all the time", ready.figure
    yield "a process of a new one reads its token", lambda: read_token(cluster)
    cluster.kubectl("delete", "namespace", HEALED, "--wait=false")


def living_pods(cluster):
    return [pod for pod in cluster.items(PODS) if "deletionTimestamp" not in pod["metadata"]]


def expect_pods(cluster, injected):
    pods = living_pods(cluster)
    states = [(is_ready(pod), stamp(pod) is not None) for pod in pods]
    if states != [(True, injected)] * 2:
        raise Failure(f"ready, and injected: {states}")


def read_token(cluster):
    cluster.kubectl("scale", "-n", HEALED, "deployment/bedrock", "--replicas=1")
    expect_tokens(cluster, running_pod(cluster, HEALED, "bedrock"), "app", [AWS])


class ReadyPods:
    """Looks all the time how many pods are ready."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._least = 2
        self._looks = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()

    def _look(self):
        while not self._stopped.wait(0.5):
            status = self._cluster.call("GET", DEPLOYMENT)["status"]
            self._least = min(self._least, status.get("availableReplicas", 0))
            self._looks += 1

    def figure(self):
        if not self._thread.is_alive():
            raise Failure(f"the API server was not asked any more after {self._looks} looks")
        if self._least < 1 or not self._looks:
            raise Failure(f"at worst {self._least} were, in {self._looks} looks")
        return f"{self._looks} looks in {time.monotonic() - self._started:.0f} s, at worst {self._least} ready"
