"""Whether anything is written by a replica that does not hold the Lease, and how long nobody writes after a kill.

usage: hack/attack writers [-- --pairs 3 --stops 10 --kills 10]

Several pairs of replicas run, each pair
with a Lease of its own and each replica as a user of its own, while the statuses of 40 ServiceAccounts change all the time. The
leader of each pair is stopped for 12 to 22 seconds and goes on, again and again; what was written by whom is read from the API
server's audit log. Then leaders are killed. It ends with exit code 1 if anything was written by one who did not lead, or if it
took more than 15 seconds until another did.
"""
import argparse
import random
import signal
import statistics
import subprocess
import sys
import threading
import time

from audit import Verdict, audit
from cluster import Cluster
from users import make_user

USERS = "system:serviceaccount:attack-"
ACCOUNTS = 40


class Replica:
    """One `lanyard run`, as a user of its own."""

    def __init__(self, cluster, lanyard, namespace, name):
        self.cluster, self.lanyard, self.namespace, self.name = cluster, lanyard, namespace, name
        self.user = f"system:serviceaccount:{namespace}:{name}"
        self.port = random.randint(33000, 60000)
        self.kubeconfig = make_user(cluster, namespace, name)
        self.start()

    def start(self):
        log = open(f"{self.cluster.folder}/{self.namespace}-{self.name}.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.lanyard, "run", "--role", "controller", "--kubeconfig", self.kubeconfig, "--namespace",
             self.namespace, "--config", f"{self.cluster.folder}/lanyard.yaml", "--metrics-address",
             f"127.0.0.1:{self.port}"],
            stdout=log, stderr=log)

    def signal(self, number):
        self.process.send_signal(number)


class Pair:
    def __init__(self, cluster, lanyard, number):
        self.cluster = cluster
        self.namespace = f"attack-{number}"
        cluster.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        cluster.create(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}/roles", {
            "metadata": {"name": "lanyard"},
            "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                       "verbs": ["create", "get", "patch"]}]})
        self.replicas = [Replica(cluster, lanyard, self.namespace, name) for name in ("a", "b")]

    def leader(self):
        """Who wrote the Lease last, by the audit log."""
        history = [entry for entry in audit(self.cluster, USERS) if entry.lease == self.namespace and entry.renews]
        last = history[-1].user if history else None
        return next((replica for replica in self.replicas if replica.user == last), None)

    def awaited_leader(self, but=None):
        deadline = time.time() + 60
        while time.time() < deadline:
            leader = self.leader()
            if leader and leader is not but:
                return leader
            time.sleep(0.3)
        raise RuntimeError(f"nobody leads {self.namespace}")

    def stops(self, count):
        for _ in range(count):
            leader = self.awaited_leader()
            leader.signal(signal.SIGSTOP)
            time.sleep(random.uniform(12, 22))
            leader.signal(signal.SIGCONT)
            time.sleep(random.uniform(2, 4))


def kept_changing(cluster, ended):
    number = 0
    while not ended.is_set():
        number += 1
        region = "eu-central-1" if random.random() < 0.5 else "nowhere!"
        cluster.call(
            "PATCH", f"/api/v1/namespaces/attack/serviceaccounts/app-{number % ACCOUNTS}",
            {"metadata": {"annotations": {"lanyard.dev/aws-region": region}}}, "application/merge-patch+json")
        time.sleep(0.02)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("lanyard")
    arguments.add_argument("folder")
    arguments.add_argument("--pairs", type=int, default=3)
    arguments.add_argument("--stops", type=int, default=10, help="of each pair's leader")
    arguments.add_argument("--kills", type=int, default=10)
    options = arguments.parse_args()
    cluster = Cluster(options.folder)
    cluster.apply(*[f"manifests/{file}.yaml" for file in ("namespace", "crd", "service-account", "rbac")])
    with open(f"{options.folder}/lanyard.yaml", "w", encoding="utf-8") as file:
        file.write("{platform: eks, issuer: {public: true}}\n")
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "attack"}})
    for number in range(ACCOUNTS):
        cluster.create("/api/v1/namespaces/attack/serviceaccounts", {
            "metadata": {"name": f"app-{number}", "annotations": {
                "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"}}})

    ended = threading.Event()
    pairs = []
    try:
        pairs = [Pair(cluster, options.lanyard, number) for number in range(options.pairs)]
        threading.Thread(target=kept_changing, args=(cluster, ended), daemon=True).start()
        for pair in pairs:
            pair.awaited_leader()
        threads = [threading.Thread(target=pair.stops, args=(options.stops,)) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gaps = killed(pairs, options.kills)
        entries = audit(cluster, USERS)
        verdicts = [Verdict(entries, pair.namespace) for pair in pairs]
        count, wrong = sum(verdict.count for verdict in verdicts), [line for verdict in verdicts for line in verdict.wrong]
    finally:
        ended.set()
        for replica in (replica for pair in pairs for replica in pair.replicas):
            replica.process.kill()
            replica.process.wait()

    print(f"{options.pairs * options.stops} stops: {count} writes, {len(wrong)} by one who did not hold the Lease")
    print("\n".join(wrong[:20]))
    if gaps:
        print(f"{len(gaps)} kills: first write of the other after {statistics.median(gaps):.1f} s at the median, "
              f"{max(gaps):.1f} s at most ({', '.join(f'{gap:.1f}' for gap in gaps)})")
    sys.exit(1 if wrong or any(gap > 15 for gap in gaps) else 0)


def killed(pairs, count):
    """From each kill to the first status that the other writes, in seconds."""
    gaps = []
    for number in range(count):
        pair = pairs[number % len(pairs)]
        leader = pair.awaited_leader()
        other = next(replica for replica in pair.replicas if replica is not leader)
        start = time.time()
        leader.process.kill()
        leader.process.wait()
        deadline = start + 40
        first = None
        while first is None and time.time() < deadline:
            time.sleep(0.2)
            first = next((entry.done for entry in audit(pair.cluster, USERS) if entry.done > start
                          and entry.user == other.user and entry.resource.endswith("/status")), None)
        gaps.append(first - start if first else float("inf"))
        leader.start()
        time.sleep(random.uniform(2, 4))
    return gaps


if __name__ == "__main__":
    main()
