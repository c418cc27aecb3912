"""How many pods go without injection when somebody breaks the trust between the API server and the webhook.

usage: hack/attack restores [-- --rounds 5 --rate 20]

Two replicas run as in `webhook`, and pods are created at a steady rate all along. In each round the Secret is deleted, then
each `caBundle` emptied, then filled with a CA that has nothing to do with it. Each time, the pods that are made in the next
seconds are counted. It ends with exit code 1 if more went without injection than are made in one second.
"""
import argparse
import base64
import json
import os
import sys
import threading
import time

from cluster import Cluster
from replicas import make_account, two_replicas

SECRET = "/api/v1/namespaces/lanyard-system/secrets/lanyard-webhook-certificates"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/pod-injector.lanyard.dev"
# Until everything must be as it was.
SECONDS = 4


class SteadyPods:
    """Makes pods at a steady rate, however long each takes, and notes for each when it was made and what became of it."""

    def __init__(self, cluster, rate, threads=8):
        self.cluster, self.rate = cluster, rate
        self.made, self.lock, self.next, self.ends = [], threading.Lock(), 0, False
        self.start = time.time()
        self.workers = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]
        for worker in self.workers:
            worker.start()

    def run(self):
        while not self.ends:
            with self.lock:
                number, self.next = self.next, self.next + 1
            time.sleep(max(0, self.start + number / self.rate - time.time()))
            pod = {"metadata": {"name": f"p{os.getpid()}-{number}"},
                   "spec": {"serviceAccountName": "llm", "containers": [{"name": "app", "image": "app:1"}]}}
            at = time.time()
            status, content = self.cluster.ask("POST", "/api/v1/namespaces/restores/pods", pod)
            volumes = json.loads(content).get("spec", {}).get("volumes", []) if status == 201 else []
            outcome = "refused" if status != 201 else \
                "injected" if any(volume["name"] == "aws-iam-token" for volume in volumes) else "bare"
            with self.lock:
                self.made.append((at, outcome))

    def between(self, start, end):
        with self.lock:
            return [(at - start, outcome) for at, outcome in self.made if start <= at < end]

    def stop(self):
        self.ends = True
        for worker in self.workers:
            worker.join(10)


def trust(cluster, bundle):
    """Has the registration trust these certificates and no others."""
    entries = len(cluster.call("GET", REGISTRATION)["webhooks"])
    cluster.call("PATCH", REGISTRATION, [
        {"op": "replace", "path": f"/webhooks/{entry}/clientConfig/caBundle", "value": bundle}
        for entry in range(entries)], kind="application/json-patch+json")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lanyard")
    parser.add_argument("control_plane")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=20, help="pods in a second")
    options = parser.parse_args()

    cluster = Cluster(options.control_plane)
    make_account(cluster, "restores")
    with open(cluster.authority, "rb") as file:
        foreign = base64.b64encode(file.read()).decode()
    disturbances = {
        "nothing": lambda: None,
        "the Secret deleted": lambda: cluster.call("DELETE", SECRET),
        "the caBundles emptied": lambda: trust(cluster, ""),
        "the caBundles of another CA": lambda: trust(cluster, foreign),
    }
    wrong = []
    with two_replicas(options.lanyard, cluster):
        pods = SteadyPods(cluster, options.rate)
        time.sleep(2)
        print(f"{'disturbance':<30} {'round':>5} {'pods':>5} {'bare':>5} {'refused':>7} {'last bare after s':>17}")
        for number in range(options.rounds):
            for name, disturb in disturbances.items():
                start = time.time()
                disturb()
                time.sleep(SECONDS)
                made = pods.between(start, start + SECONDS)
                bare = [at for at, outcome in made if outcome == "bare"]
                refused = sum(outcome == "refused" for _, outcome in made)
                print(f"{name:<30} {number + 1:>5} {len(made):>5} {len(bare):>5} {refused:>7} "
                      f"{max(bare, default=0):>17.2f}", flush=True)
                if len(bare) > options.rate or refused or len(made) < options.rate * SECONDS / 2:
                    wrong.append(f"{name}, round {number + 1}")
        pods.stop()
    if wrong:
        sys.exit("failed: " + "; ".join(wrong))
    print("all held")


if __name__ == "__main__":
    main()
