"""Whether somebody who reaches the webhook's port can stop it, or make it grow.

usage: hack/attack webhook [-- --seconds 15 --only NAME --source 127.0.0.9 --no-limits]

Two replicas run after a TCP proxy that asks for their
/readyz, as after a Service, each in a cgroup of the chart's memory limit where this machine lets us make one. While each
attack goes on at one replica, a client sends it reviews as an API server does, on a connection that it keeps and on new ones,
and pods are created through the API server. It ends with exit code 1 if a review failed, took more than 250 ms at the 99th
percentile, a pod was not injected, a replica was killed, or its own memory grew by more than 32 MB for one review.

--source is the address that the attacker connects from: by default the API server's own. With --no-limits nothing is a
failure, so that an older release can be measured.
"""
import argparse
import http.client
import json
import multiprocessing
import os
import random
import socket
import ssl
import sys
import threading
import time

from cluster import Cluster
from replicas import make_account, two_replicas


# MARK: What is sent

def review(pod, resource="pods"):
    group = {"pods": "", "deployments": "apps"}[resource]
    text = json.dumps({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "1", "kind": {"group": group, "version": "v1", "kind": "x"},
            "resource": {"group": group, "version": "v1", "resource": resource}, "namespace": "attack",
            "operation": "CREATE", "userInfo": {"username": "x"}, "object": "OBJECT"}})
    return text.replace('"OBJECT"', pod).encode()


def normal_pod():
    variables = [{"name": f"VARIABLE_{number}", "value": "x" * 40} for number in range(30)]
    containers = [{"name": f"c{number}", "image": "app:1", "env": variables} for number in range(4)]
    return json.dumps({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"},
        "spec": {"serviceAccountName": "llm", "containers": containers}})


def pod_with(field, element, size=7_300_000):
    return '{"spec":{"serviceAccountName":"llm",%s}}' % field.replace("MANY", ",".join([element] * (size // (len(element) + 1))))


BIG = {
    "containers": pod_with('"containers":[MANY]', "{}"),
    "init containers": pod_with('"initContainers":[MANY]', "{}"),
    "ephemeral containers": pod_with('"ephemeralContainers":[MANY]', "{}"),
    "volumes": pod_with('"volumes":[MANY]', '{"name":"a"}'),
    "variables": pod_with('"containers":[{"name":"c","env":[MANY]}]', '{"name":"a"}'),
    "mounts": pod_with('"containers":[{"name":"c","volumeMounts":[MANY]}]', '{"mountPath":"/"}'),
    "sources": pod_with('"containers":[{"name":"c","envFrom":[MANY]}]', "{}"),
    "what is skipped": pod_with('"tolerations":[MANY]', "{}"),
    "annotations": '{"metadata":{"annotations":{%s}}}' % ",".join(
        f'"lanyard.dev/k{number}":"v"' for number in range(320_000)),
    "one long name": '{"spec":{"containers":[{"name":"%s"}]}}' % ("x" * 7_300_000),
}
THOUSAND = pod_with('"containers":[MANY]', "{}", size=3000 - 3)


class Attacker:
    def __init__(self, port, source):
        self.port, self.source = port, source
        self.tls = ssl._create_unverified_context()  # whose certificate it is does not matter to who attacks
        self.ends = time.time()

    def connect(self, tls=True):
        connection = socket.create_connection(
            ("127.0.0.1", self.port), timeout=10, source_address=(self.source, 0))
        return self.tls.wrap_socket(connection) if tls else connection

    def post(self, path, body, timeout=30):
        connection = self.connect()
        connection.settimeout(timeout)
        try:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            return int(connection.recv(64).split()[1])
        finally:
            connection.close()

    def repeat(self, action, threads):
        def loop():
            while time.time() < self.ends:
                try:
                    action()
                except (OSError, IndexError, ValueError):
                    time.sleep(0.01)
        workers = [threading.Thread(target=loop, daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        return workers

    def keep_open(self, count, tls, first, more):
        """So many connections, on each of which something is begun and goes on byte by byte; those that are closed are
        opened again."""
        def loop(share):
            held = []
            while time.time() < self.ends:
                while len(held) < share and time.time() < self.ends:
                    try:
                        connection = self.connect(tls)
                        if first:
                            connection.sendall(first)
                        connection.setblocking(False)
                        held.append(connection)
                    except OSError:
                        break
                alive = []
                for connection in held:
                    try:
                        if more:
                            connection.send(more)
                        elif connection.recv(1, socket.MSG_PEEK) == b"":
                            raise OSError
                        alive.append(connection)
                    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        alive.append(connection)
                    except (OSError, ValueError):
                        connection.close()
                held = alive
                time.sleep(0.5)
            for connection in held:
                connection.close()
        workers = [threading.Thread(target=loop, args=(count // 10,), daemon=True) for _ in range(10)]
        for worker in workers:
            worker.start()
        return workers


HEAD = b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ATTACKS = {
    "nothing": lambda a: [],
    "C1 containers": lambda a: a.repeat(lambda: a.post("/mutate", review(BIG["containers"])), 1),
    "C2 containers of a Deployment": lambda a: a.repeat(
        lambda: a.post("/validate", review('{"metadata":{},"spec":{"template":%s}}' % BIG["containers"], "deployments")), 1),
    "C3 four at once": lambda a: a.repeat(lambda: a.post("/mutate", review(random.choice(list(BIG.values())))), 4),
    "C4 silent connections": lambda a: a.keep_open(1100, False, None, None),
    "C5 slow headers": lambda a: a.keep_open(400, True, b"POST /mutate HTTP/1.1\r\nX: ", b"x"),
    "C6 slow bodies": lambda a: a.keep_open(300, True, HEAD + b"Content-Length: 100000\r\n\r\n{", b" "),
    "C9 thousand containers": lambda a: a.repeat(lambda: a.post("/mutate", review(THOUSAND)), 8),
    "C10 malformed reviews": lambda a: a.repeat(lambda: a.post("/mutate", b"{}"), 4),
}


# MARK: What is seen

class Client:
    """Sends reviews as an API server does."""

    def __init__(self, replica):
        self.replica, self.times, self.failures = replica, [], []
        self.tls = ssl._create_unverified_context()
        self.body = review(normal_pod())

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.replica.port, context=self.tls, timeout=5)

    def run(self, until):
        kept = self.connect()
        count = 0
        while time.time() < until:
            count += 1
            connection = self.connect() if count % 5 == 0 else kept
            start = time.time()
            try:
                connection.request("POST", "/mutate?timeout=5s", self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200 or b"JSONPatch" not in content:
                    self.failures.append(f"{answer.status}")
            except OSError as error:
                self.failures.append(repr(error))
                kept.close()
                kept = self.connect()
            self.times.append(time.time() - start)
            if connection is not kept:
                connection.close()
            time.sleep(0.01)
        kept.close()


class Pods:
    """Creates pods through the API server, and counts what becomes of them."""

    def __init__(self, cluster):
        self.cluster, self.injected, self.bare, self.refused = cluster, 0, 0, 0

    def run(self, until, name):
        number = 0
        while time.time() < until:
            number += 1
            labels = {"lanyard.dev/inject": "required"} if number % 4 == 0 else {}
            pod = {"metadata": {"name": f"{name}-{number}", "labels": labels},
                   "spec": {"serviceAccountName": "llm", "containers": [{"name": "app", "image": "app:1"}]}}
            status, content = self.cluster.ask("POST", "/api/v1/namespaces/attack/pods", pod)
            answer = json.loads(content)
            if status != 201:
                self.refused += 1
            elif answer["spec"].get("volumes") and any(v["name"] == "aws-iam-token" for v in answer["spec"]["volumes"]):
                self.injected += 1
            else:
                self.bare += 1
            time.sleep(0.05)


def run_attack(attack, port, source, ends):
    attacker = Attacker(port, source)
    attacker.ends = ends
    for worker in attack(attacker):
        worker.join()


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000 if times else float("nan")


def measure_one_review(replica, source):
    """The worst that one review makes of a replica's memory."""
    print(f"{'one review of 7.3 MB':<34} {'status':>7} {'own MB before':>14} {'peak':>7} {'s':>6}")
    worst = 0
    for path, resource in (("/mutate", "pods"), ("/validate", "deployments")):
        for name, pod in BIG.items():
            body = review(pod if resource == "pods" else '{"metadata":{},"spec":{"template":%s}}' % pod, resource)
            before = replica.own_memory()
            replica.peak = before
            start = time.time()
            try:
                status = Attacker(replica.port, source).post(path, body)
            except (OSError, IndexError) as error:
                status = type(error).__name__
            time.sleep(0.05)
            worst = max(worst, replica.peak - before)
            print(f"{path + ' ' + name:<34} {status:>7} {before:>14.0f} {replica.peak:>7.0f} {time.time() - start:>6.2f}")
            if not replica.is_alive:
                return float("inf")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lanyard")
    parser.add_argument("control_plane")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--only", action="append")
    parser.add_argument("--source", default="127.0.0.1")
    parser.add_argument("--no-limits", action="store_true")
    options = parser.parse_args()

    cluster = Cluster(options.control_plane)
    make_account(cluster, "attack")
    wrong = []
    with two_replicas(options.lanyard, cluster) as replicas:
        target = replicas[0]
        if not target.cgroup:
            print("no cgroup can be made here: the memory limit is not enforced")
        if not options.only:
            worst = measure_one_review(target, options.source)
            if worst > 32:
                wrong.append(f"one review takes {worst:.0f} MB")
        print(f"\n{'attack':<34} {'reviews':>7} {'failed':>6} {'p50 ms':>7} {'p99 ms':>7} {'own MB':>7} {'pods':>5} "
              f"{'bare':>5} {'denied':>6} {'ready':>5}")
        for index, (name, attack) in enumerate(ATTACKS.items()):
            if options.only and not any(word in name for word in options.only):
                continue
            target.peak = target.own_memory()
            client, pods = Client(target), Pods(cluster)
            attacker = multiprocessing.Process(
                target=run_attack, args=(attack, target.port, options.source, time.time() + options.seconds + 2), daemon=True)
            attacker.start()
            time.sleep(2)
            until = time.time() + options.seconds
            creator = threading.Thread(target=pods.run, args=(until, f"p{os.getpid()}-{index}"), daemon=True)
            creator.start()
            client.run(until)
            creator.join()
            is_ready = target.is_ready()
            attacker.join(40)
            p99 = percentile(client.times, 0.99)
            print(f"{name:<34} {len(client.times):>7} {len(client.failures):>6} {percentile(client.times, 0.5):>7.1f} "
                  f"{p99:>7.1f} {target.peak:>7.0f} {pods.injected:>5} {pods.bare:>5} {pods.refused:>6} "
                  f"{'yes' if is_ready else 'no':>5}", flush=True)
            if client.failures:
                print(f"    {client.failures[0]}")
            if not target.is_alive:
                wrong.append(f"{name}: killed ({target.process.returncode})")
                break
            if client.failures or p99 > 250 or pods.bare or pods.refused:
                wrong.append(name)
    if wrong and not options.no_limits:
        sys.exit("failed: " + "; ".join(wrong))
    print("all held")


if __name__ == "__main__":
    main()
