"""The same as chain.py, on a real API server that has the policy: what the chart makes, applied as `kubectl apply` would, a
Lanyard that runs beside it, the upgrade from an installation without the policy, and the uninstall. See hack/check-chain.

usage: chain_server.py LANYARD CONTROL_PLANE CHART CHART_WITHOUT_POLICY DEFINITION
"""

import concurrent.futures
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

import yaml

import chain_pods
from chain_outcomes import MARK, PROBLEMS, failed_forgeries, message, same_as_webhook, without, without_answer
from lanyard_run import NAMESPACE, OWN_NAMESPACE, Lanyard, free_port, objects_of, prepare, without_patience
from reviews import end_on_failures
from users import make_user

PLAN_SETS = f"/apis/lanyard.dev/v1alpha1/namespaces/{NAMESPACE}/credentialplansets"
# Without nodes there are no replicas; and what is for Helm alone is left out.
APPLIED = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


class Server:
    """Makes pods as dry runs."""

    def __init__(self, cluster, kubectl, port):
        self.cluster, self.kubectl, self.port = cluster, kubectl, port
        # There are no nodes, and so no addresses after a Service: it stands for where Lanyard listens.
        cluster.create(f"/api/v1/namespaces/{OWN_NAMESPACE}/services", {
            "metadata": {"name": "lanyard-webhook"}, "spec": {"type": "ExternalName", "externalName": "127.0.0.1"}})

    def objects(self, chart):
        found = [item for item in objects_of(chart) if "helm.sh/hook" not in item["metadata"].get("annotations", {})
                 and (item["kind"] in APPLIED or item["apiVersion"].startswith("admissionregistration.k8s.io/"))]
        for item in found:
            for entry in item.get("webhooks", []):
                entry["clientConfig"]["service"]["port"] = self.port
        return found

    def change(self, verb, objects):
        subprocess.run(
            [self.kubectl, "--kubeconfig", f"{self.cluster.folder}/kubeconfig", *verb, "-f", "-"],
            input=yaml.safe_dump_all(objects), text=True, check=True, stdout=subprocess.DEVNULL)

    def ask(self, pods):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(self.create, pods))

    def create(self, pod):
        status, content = self.cluster.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", pod)
        answer = json.loads(content)
        if status >= 300:
            return {"allowed": False, "object": pod, "status": answer}
        # What is another's each time.
        for name in ("uid", "creationTimestamp", "managedFields", *(["name"] if "generateName" in pod["metadata"] else [])):
            answer["metadata"].pop(name, None)
        return {"allowed": True, "object": answer}


def failures(server, run, charts, cases):
    with_policy, alone = (server.objects(chart) for chart in charts)
    bare = [(what, answer["object"]) for (what, pod), answer in zip(
        cases, server.ask([pod for _, pod in cases]), strict=True)]
    pods = [pod for _, pod in bare]
    a_pod, a_required_pod = (next(
        pod for what, pod in bare if what == f"a {required}pod of several plain") for required in ("", "required "))

    # Without the policy, as before an upgrade.
    server.change(["apply"], alone)
    lanyard = run(charts[1])
    lanyard.wait("injection", lambda: server.create(a_pod)["object"] != a_pod)
    by_webhook = server.ask(pods)
    lanyard.end()

    server.change(["apply"], with_policy)
    lanyard = run(charts[0])
    lanyard.plans()
    lanyard.wait("the policy", lambda: MARK in server.create(a_required_pod)["object"]["metadata"]["labels"])
    lanyard.wait("that it is in place", lambda: "\nlanyard_policy_in_place 1\n" in lanyard.get("/metrics"))
    by_both = server.ask(pods)
    yield from same_as_webhook(bare, by_both, by_webhook)

    plain = [index for index, (what, _) in enumerate(bare) if what.endswith(" plain")]
    server.change(["apply"], without_patience(with_policy))
    lanyard.end(signal.SIGSTOP)
    stopped = server.ask([pods[index] for index in plain])
    lanyard.end(signal.SIGKILL)
    dead = server.ask(pods)
    for index, answer in zip(plain, stopped, strict=True):
        if (answer["allowed"], answer["object"]) != (dead[index]["allowed"], dead[index]["object"]):
            yield f"{bare[index][0]}: while Lanyard is stopped it is not as after it was killed: {message(answer)}"
    yield from without_answer(bare, dead, dead, by_both)
    for index in plain:
        what, pod = bare[index]
        account = pod["spec"]["serviceAccountName"]
        is_injected = account in chain_pods.COMPILED and by_both[index]["allowed"]
        if (dead[index]["object"] != pod) != is_injected:
            yield f"{what}, without an answer, is {'not ' if is_injected else ''}injected: {message(dead[index])}"
    injected = without(by_both[bare.index(("a required pod of several plain", a_required_pod))]["object"], PROBLEMS)
    forged = list(chain_pods.forged(injected, MARK))
    yield from failed_forgeries(forged, server.ask([pod for _, pod, _ in forged]))

    # As `helm uninstall` does, and then the Job.
    server.change(["delete", "--ignore-not-found"], [
        item for item in with_policy if item["apiVersion"].startswith("admissionregistration.k8s.io/")])
    subprocess.run(
        [lanyard.program, "clean-up", "--kubeconfig", f"{server.cluster.folder}/kubeconfig"], check=True,
        stdout=subprocess.DEVNULL)
    if server.cluster.call("GET", PLAN_SETS)["items"]:
        yield "after the uninstall there are plans"
    lanyard.wait("the end of the policies", lambda: [answer["object"] for answer in server.ask(pods)] == pods)


def main(lanyard_program, kubectl, control_plane, chart, chart_without, definition):
    cluster = prepare(control_plane, definition)
    server = Server(cluster, kubectl, free_port())
    server.change(["apply"], [item for item in server.objects(chart) if item["kind"] in APPLIED])
    user = make_user(cluster, OWN_NAMESPACE, "lanyard")
    cases = list(chain_pods.cases())
    running = []
    with tempfile.TemporaryDirectory() as folder:
        def run(chart):
            running.append(Lanyard(lanyard_program, cluster, chart, pathlib.Path(folder), user, server.port))
            return running[-1]

        try:
            end_on_failures("check-chain", failures(server, run, (chart, chart_without), cases))
        finally:
            for lanyard in running:
                lanyard.process.kill()
    print(f"check-chain: on a real API server: {len(cases)} pods before the upgrade to the policy, after it, with Lanyard "
          "stopped and dead, and after the uninstall")


main(*sys.argv[1:])
