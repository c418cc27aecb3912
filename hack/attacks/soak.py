"""Whether memory, open files and queues stay flat under very many admissions and changes. See hack/chaos --help."""
import argparse
import json
import multiprocessing
import random
import signal
import statistics
import sys
import threading
import time

from chaos_report import curves
from cluster import Cluster
from installation import Installation
from replicas import make_account
from webhook import Attacker, normal_pod, review

ACCOUNTS = 200
# What may be more at the end than after the first fifth: of the median of the memory, in MB, and of open files.
MEMORY_BAR, FILES_BAR = 8, 8


def ask(port, count, bad):
    """Reviews on one kept connection, as an API server sends them. Each must have a patch."""
    body = review(normal_pod())
    request = (f"POST /mutate?timeout=5s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    connection = None
    for _ in range(count):
        try:
            if connection is None:
                connection = Attacker(port, "127.0.0.1").connect()
            connection.sendall(request)
            answer = read(connection)
            if b'"patch"' not in answer:
                bad.value += 1
        except (OSError, ValueError):
            bad.value += 1
            connection = None
    connection.close()


def read(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("closed")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(rest) < length:
        rest += connection.recv(65536)
    return rest


def change(cluster, count, ended):
    """Regions of ServiceAccounts, each of which is a status that must be written again."""
    for number in range(count):
        if ended.is_set():
            return
        cluster.call(
            "PATCH", f"/api/v1/namespaces/attack/serviceaccounts/app-{random.randrange(ACCOUNTS)}",
            {"metadata": {"annotations": {"lanyard.dev/aws-region": f"eu-central-{number % 9 + 1}"}}},
            "application/merge-patch+json")


def depth(replica):
    return sum(value for name, value in replica.metrics().items() if name.startswith("workqueue_depth"))


def leads(replica):
    """The other keeps what waits, each object once, for the time when it will lead."""
    return any(name.startswith("leader_election_master_status") and value for name, value in replica.metrics().items())


def is_flat(samples, index, bar):
    """:return: the medians after the first fifth, and at the end; and whether they are as good as the same."""
    part = max(len(samples) // 5, 1)
    early = statistics.median(sample[index] for sample in samples[part:2 * part])
    late = statistics.median(sample[index] for sample in samples[-part:])
    return early, late, late <= early + bar


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lanyard")
    parser.add_argument("control_plane")
    parser.add_argument("--admissions", type=int, default=300_000)
    parser.add_argument("--changes", type=int, default=20_000)
    parser.add_argument("--report")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cluster = Cluster(options.control_plane)
    installation = Installation(cluster, options.lanyard)
    workers, ended, queues = [], threading.Event(), {replica.name: [] for replica in installation.replicas}
    spawn = multiprocessing.get_context("spawn")
    bad = spawn.Value("i", 0)
    try:
        installation.start()
        make_account(cluster, "attack")
        for number in range(ACCOUNTS):
            cluster.create("/api/v1/namespaces/attack/serviceaccounts", {"metadata": {
                "name": f"app-{number}",
                "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"}}})
        begin = time.time()
        workers = [
            spawn.Process(target=ask, args=(replica.port, options.admissions // 4, bad), daemon=True)
            for replica in installation.replicas for _ in range(2)]
        changes = [threading.Thread(target=change, args=(cluster, options.changes // 4, ended), daemon=True) for _ in range(4)]
        for worker in workers + changes:
            worker.start()
        while any(worker.is_alive() for worker in workers + changes):
            for replica in installation.replicas:
                queues[replica.name].append((time.time() - begin, depth(replica)))
            time.sleep(1)
        seconds = time.time() - begin
        time.sleep(5)
        left = {replica.name: depth(replica) for replica in installation.replicas if leads(replica)}
        samples = {
            replica.name: [(at - begin, memory, files) for at, memory, files, _ in replica.samples if at > begin]
            for replica in installation.replicas}
    finally:
        ended.set()
        for worker in workers:
            worker.kill()
        installation.remove()
    wrong = [f"{bad.value} admissions without a patch"] if bad.value else []
    if len(left) != 1:
        wrong.append(f"{len(left)} replicas lead")
    print(f"{options.admissions} admissions and {options.changes} changes in {seconds:.0f} s, {bad.value} without a patch")
    for replica in installation.replicas:
        name = replica.name
        wrong += [f"replica {name} {what}" for _, what in replica.ends]
        for index, unit, bar in ((1, "MB", MEMORY_BAR), (2, "open files", FILES_BAR)):
            early, late, flat = is_flat(samples[name], index, bar)
            peak = max(sample[index] for sample in samples[name])
            print(f"replica {name}: {early:.0f} {unit} after the first fifth, {late:.0f} at the end, {peak:.0f} at most")
            if not flat:
                wrong.append(f"replica {name}: {unit} grew from {early:.0f} to {late:.0f}")
        print(f"replica {name}: {max(count for _, count in queues[name]):.0f} in queues at most, "
              + (f"{left[name]:.0f} at the end" if name in left else "for when it leads"))
        if left.get(name):
            wrong.append(f"replica {name} has {left[name]:.0f} in its queues")
    if options.report:
        result = {"admissions": options.admissions, "changes": options.changes, "seconds": seconds, "bad": bad.value,
                  "samples": samples, "queues": queues, "wrong": wrong}
        title = f"{options.admissions} admissions and {options.changes} changes"
        picture = curves(title, seconds, {
            "MB of memory": {name: [(at, memory) for at, memory, _ in entries] for name, entries in samples.items()},
            "open files": {name: [(at, files) for at, _, files in entries] for name, entries in samples.items()},
            "in queues": queues})
        for name, content in (("soak.json", json.dumps(result)), ("soak.svg", picture)):
            with open(f"{options.report}/{name}", "w", encoding="utf-8") as file:
                file.write(content + "\n")
    print("\n".join(wrong) if wrong else "all flat")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
