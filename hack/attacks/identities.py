"""What a namespace with very many identities costs, at the start and for one more pod.

usage: hack/attack identities [-- --counts 500,1000,2000,4000 --floor]

For each count: so many ServiceAccounts with a role and five pods of each, made while no webhook is there; then `lanyard run
--role controller`, until every identity has been reported with its five pods. Linear is what it should be.

With --floor, the same objects and reports are then written once more by a client that does nothing else: sooner than that no
operator can be done on this machine.
"""
import argparse
import json
import subprocess
import sys
import threading
import time
import urllib.request

from cluster import Cluster, free_port

PODS = 5
PROCESSORS_TICK = 100


def in_parallel(actions, threads=8):
    pending = iter(actions)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                action = next(pending, None)
            if action is None:
                return
            action()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / PROCESSORS_TICK


def peak(pid):
    for line in open(f"/proc/{pid}/status", encoding="utf-8"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def requests(cluster):
    """How often the API server was asked, by verb and resource."""
    counts = {}
    for line in cluster.ask("GET", "/metrics")[1].decode().splitlines():
        if line.startswith("apiserver_request_total{"):
            labels = dict(part.split("=", 1) for part in line[line.index("{") + 1:line.rindex("}")].split(",") if "=" in part)
            name = labels["verb"].strip('"') + " " + labels["resource"].strip('"')
            counts[name] = counts.get(name, 0) + float(line.rsplit(" ", 1)[1])
    return counts


def difference(after, before, word):
    return int(sum(count - before.get(name, 0) for name, count in after.items() if name.startswith(word)))


def wait_until_quiet(cluster):
    """Until nobody writes any more. The controller manager makes a Secret for each ServiceAccount, some twenty a second."""
    def writes():
        counts = requests(cluster)
        return [difference(counts, {}, f"{verb} {resource}") for verb in ("POST", "PUT") for resource in ("secrets", "serviceaccounts")]
    before, after = None, writes()
    while after != before:
        time.sleep(3)
        before, after = after, writes()


def reported(cluster, namespace):
    """How many identities have been reported with all their pods."""
    answer = json.loads(cluster.ask(
        "GET", f"/apis/lanyard.dev/v1alpha1/namespaces/{namespace}/workloadidentities?resourceVersion=0")[1])
    return sum(1 for item in answer.get("items", []) if item.get("status", {}).get("pods", {}).get("total") == PODS)


def floor(cluster, namespace):
    """Writes what Lanyard wrote, once more.

    :return: the seconds, and those of the API server's processor.
    """
    path = f"/apis/lanyard.dev/v1alpha1/namespaces/{namespace}/workloadidentities"
    items = cluster.call("GET", path)["items"]
    # Not all at once, which an API server may take longer for than it gives a request.
    while cluster.call("GET", f"{path}?limit=1")["items"]:
        cluster.call("DELETE", f"{path}?limit=500")
    time.sleep(3)

    def write(item):
        about = {"apiVersion": item["apiVersion"], "kind": item["kind"]}
        metadata = item["metadata"]
        made = cluster.call("POST", path, about | {
            "metadata": {"name": metadata["name"], "ownerReferences": metadata["ownerReferences"]}})
        cluster.call("PUT", f"{path}/{metadata['name']}/status", about | {
            "metadata": {"name": metadata["name"], "resourceVersion": made["metadata"]["resourceVersion"]},
            "status": item["status"]})
    server = server_id(cluster)
    processor, start = processor_seconds(server), time.time()
    in_parallel([lambda item=item: write(item) for item in items], threads=16)
    return time.time() - start, processor_seconds(server) - processor


def server_id(cluster):
    return int(open(f"{cluster.folder}/kube-apiserver.pid", encoding="utf-8").read())


def is_idle(port):
    """Whether nothing waits to be looked at. To list thousands of identities again and again would load the API server."""
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    except OSError:
        return False
    return 'workqueue_depth{name="workloadidentity"} 0' in text and "reconcile_total" in text


def measure(cluster, lanyard, count, with_floor):
    namespace = f"identities-{count}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    account = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock", "lanyard.dev/aws-region": "eu-central-1"}
    in_parallel(
        lambda number=number: cluster.create(
            f"/api/v1/namespaces/{namespace}/serviceaccounts",
            {"metadata": {"name": f"app-{number}", "annotations": account}}) for number in range(count))
    in_parallel(
        lambda number=number: cluster.create(f"/api/v1/namespaces/{namespace}/pods", {
            "metadata": {"name": f"pod-{number}"},
            "spec": {"serviceAccountName": f"app-{number % count}",
                     "containers": [{"name": "app", "image": "app:1"}]}}) for number in range(count * PODS))
    wait_until_quiet(cluster)
    server = server_id(cluster)
    config, log = f"{cluster.folder}/identities.yaml", open(f"{cluster.folder}/identities.log", "w", encoding="utf-8")
    with open(config, "w", encoding="utf-8") as file:
        file.write("platform: eks\nissuer: {public: true}\n")
    before, server_before, start = requests(cluster), processor_seconds(server), time.time()
    port = free_port()
    process = subprocess.Popen(
        [lanyard, "run", "--role", "controller", "--kubeconfig", f"{cluster.folder}/kubeconfig", "--namespace",
         "lanyard-system", "--config", config, "--metrics-address", f"127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        done = 0
        while not (is_idle(port) and (done := reported(cluster, namespace)) == count):
            if process.poll() is not None or time.time() > start + 300:
                print(f"{count:>10}  {done} reported after {time.time() - start:.0f} s")
                return False
            time.sleep(0.3)
        seconds = time.time() - start
        after = requests(cluster)
        print(f"{count:>10} {count * PODS:>7} {seconds:>8.1f} {processor_seconds(process.pid):>8.1f} "
              f"{processor_seconds(server) - server_before:>11.1f} {peak(process.pid):>8.0f} "
              f"{difference(after, before, 'LIST pods'):>6} {difference(after, before, 'GET pods'):>5} "
              f"{difference(after, before, 'POST'):>6} {difference(after, before, 'PUT workloadidentities'):>6}", flush=True)
        time.sleep(3)
        before = requests(cluster)
        cluster.create(f"/api/v1/namespaces/{namespace}/pods", {
            "metadata": {"name": "one-more"},
            "spec": {"serviceAccountName": "app-0", "containers": [{"name": "app", "image": "app:1"}]}})
        time.sleep(3)
        after = requests(cluster)
        print(f"{'':>10} one more pod: {difference(after, before, 'LIST pods')} lists, "
              f"{difference(after, before, 'GET pods')} reads, {difference(after, before, 'PUT workloadidentities')} status writes", flush=True)
        return difference(after, before, "LIST pods") <= 1
    finally:
        process.terminate()
        process.wait(60)
        if with_floor and done == count:
            seconds, processor = floor(cluster, namespace)
            print(f"{'':>10} the floor: {seconds:.1f} s, {processor:.1f} s of the API server's processor", flush=True)
        cluster.ask("DELETE", f"/api/v1/namespaces/{namespace}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lanyard")
    parser.add_argument("control_plane")
    parser.add_argument("--counts", default="500,1000,2000,4000")
    parser.add_argument("--floor", action="store_true")
    options = parser.parse_args()
    cluster = Cluster(options.control_plane)
    cluster.apply("manifests/crd.yaml", "manifests/namespace.yaml")
    print(f"{'identities':>10} {'pods':>7} {'seconds':>8} {'own CPU':>8} {'API server':>11} {'peak MB':>8} {'lists':>6} "
          f"{'reads':>5} {'posts':>6} {'puts':>6}")
    held = [measure(cluster, options.lanyard, int(count), options.floor) for count in options.counts.split(",")]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
