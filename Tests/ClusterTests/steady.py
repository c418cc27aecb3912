"""Pods that are created steadily while something is done to Lanyard, and what became of each."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cluster import Refused
from pods import stamp
from processes import Failure

NAMESPACE = "steady"
EXPECTED = "aws-bedrock=irsa"


class SteadyPods:
    """Creates so many pods a second, at least `count`, until the figure is asked for. No node takes them, so that their
    number costs the node nothing.

    Every second one is labelled `required`: that would be refused where others are let through without credentials.
    """

    def __init__(self, cluster, count, rate):
        self._cluster = cluster
        self._count = count
        self._rate = rate
        self._lock = threading.Lock()
        self.created, self.not_injected, self.refused = 0, [], []
        self._enough, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._create_all, daemon=True)

    def __enter__(self):
        self._cluster.namespace(NAMESPACE)
        self._cluster.apply({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
                "name": "llm", "namespace": NAMESPACE, "annotations": {
                    "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/steady",
                    "lanyard.dev/aws-region": "us-east-1",
                },
            },
        })
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()
        self._cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")

    def figure(self):
        """What became of all; what was done to Lanyard is over."""
        self._enough.set()
        self._thread.join()
        took = time.monotonic() - self._started
        if self.not_injected or self.refused:
            raise Failure(
                f"of {self.created + len(self.refused)} pods {len(self.not_injected)} were not injected, and "
                f"{len(self.refused)} refused: {(self.not_injected + self.refused)[:3]}")
        if self.created < self._count:
            raise Failure(f"{self.created} pods were created")
        return f"{self.created} pods in {took:.0f} s: 0 not injected, 0 refused"

    def _create_all(self):
        with ThreadPoolExecutor(8) as pool:
            for number in itertools.count():
                if number >= self._count and self._enough.is_set():
                    return
                if self._stopped.wait(max(0, self._started + number / self._rate - time.monotonic())):
                    return
                pool.submit(self._create, number)

    def _create(self, number):
        labels = {"lanyard.dev/inject": "required"} if number % 2 else {}
        try:
            pod = self._cluster.create(f"/api/v1/namespaces/{NAMESPACE}/pods", {
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}", "labels": labels},
                "spec": {
                    "serviceAccountName": "llm", "nodeSelector": {"tests": "nowhere"},
                    "containers": [{"name": "app", "image": "app"}],
                },
            })
        except (Failure, Refused) as error:
            with self._lock:
                self.refused.append(f"pod-{number}: {error}")
            return
        with self._lock:
            self.created += 1
            if stamp(pod) != EXPECTED:
                self.not_injected.append(f"pod-{number} at {time.monotonic() - self._started:.1f} s")
