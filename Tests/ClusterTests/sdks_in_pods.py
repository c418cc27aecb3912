"""The providers' SDKs in real pods: what Tests/SDKConformance shows of them in processes.

They have what Lanyard injected and the kubelet wrote, and reach the providers through a Service.
"""

import json
from concurrent.futures import ThreadPoolExecutor

from cases import platforms, subject
from control_plane import NAMESPACE
from examples import example_of
from pods import container_end, logs, stamp
from processes import Failure, tail
from provider_ports import BY_AGENT, BY_METADATA_SERVER, METADATA_SERVER, PROVIDERS
from surroundings import CODE_MOUNT, CODE_VOLUME, TRUST_VOLUME
from vault import SECRETS

# These want operators that no cluster of one node here has: Tests/SDKConformance plays their part.
WITHOUT_NODE = {"vault-csi", "external-secret"}
PLATFORMS = [platform.name for platform in platforms("")]


def on_platform(name):
    """The section of a platform."""
    return lambda world: checks(world, name)


def checks(world, name):
    world.require_vault()
    platform = next(each for each in platforms(world.vault.address) if each.name == name)
    # Two would take twice as long to replace, and show nothing more here.
    world.require_installed(name, in_cluster(platform.settings), replicas=1)
    cluster = world.cluster
    workloads = [
        workload for workload in platform.workloads
        if not WITHOUT_NODE & {mechanism for _, mechanism, _ in workload.credentials}
    ]
    cluster.service_accounts({workload.name: workload.annotations for workload in workloads})
    yield from example_of(world, name)
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(run, world, workload) for workload in workloads]
        for workload, ended in zip(workloads, runs):
            for index, (provider, mechanism, application) in enumerate(workload.credentials):
                what = "works" if workload.trusted else "is refused, since it is not trusted"
                yield f"{provider} ({workload.name}): {mechanism}: {application.sdk} {what}", lambda: judge(
                    world, workload, application, ended.result()[index])
    yield "the reports say why each is ready or not", lambda: cluster.expect_reports(
        {workload.name: workload.reason for workload in workloads})


def in_cluster(settings):
    """The agent of EKS has its own address here."""
    if "aws" not in settings:
        return settings
    agent = {key: value for key, value in settings["aws"]["podIdentity"].items() if key != "credentialsUri"}
    return {**settings, "aws": {**settings["aws"], "podIdentity": agent}}


def run(world, workload):
    """Creates the workload's pod, which runs the applications, and returns how each ended."""
    cluster = world.cluster
    applications = [application_in_pod(world, *credential) for credential in workload.credentials]
    trust = {"REQUESTS_CA_BUNDLE": "/trust/authority.pem", "SSL_CERT_FILE": "/trust/authority.pem",
             "PYTHONPATH": "/python"}
    pod = cluster.create(f"/api/v1/namespaces/{NAMESPACE}/pods", {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": workload.name},
        "spec": {
            "serviceAccountName": workload.name, "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
            "volumes": [CODE_VOLUME, TRUST_VOLUME],
            "containers": [{
                "name": "app", "image": world.python.name, "imagePullPolicy": "Never",
                "command": ["python3", "-B", "/tests/application_pod.py", json.dumps(applications)],
                "env": [{"name": key, "value": value} for key, value in {**trust, **workload.variables}.items()],
                "volumeMounts": [
                    CODE_MOUNT, {"name": "trust", "mountPath": "/trust"},
                    {"name": "trust", "mountPath": "/python/certifi"},
                ],
            }],
        },
    })
    expected = {f"{provider}={mechanism}" for provider, mechanism, _ in workload.credentials}
    if set((stamp(pod) or "").split(",")) != expected:
        raise Failure(f"the pod {workload.name} is stamped {stamp(pod)!r}, not {expected}")
    container_end(cluster, NAMESPACE, workload.name, "app", within=180)
    text = logs(cluster, NAMESPACE, workload.name, "app")
    cluster.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{workload.name}?gracePeriodSeconds=0")
    results = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if len(results) != len(applications):
        raise Failure(f"the pod {workload.name} says {tail(text)}")
    return results


def application_in_pod(world, provider, mechanism, application):
    """What runs in the pod, and what leads its SDK to the providers in the cluster."""
    address = world.surroundings.providers
    port = {"eks-pod-identity": BY_AGENT, "gke-workload-identity": BY_METADATA_SERVER}.get(mechanism, PROVIDERS)
    env = {"HTTPS_PROXY": f"http://{address}:{port}"}
    if mechanism == "gke-workload-identity":
        # By address, since there is no DNS here.
        env["GCE_METADATA_HOST"] = METADATA_SERVER
    elif mechanism == "oke-workload-identity":
        # On OKE the proxymux is where the API server is.
        env |= {
            "KUBERNETES_SERVICE_HOST": address, "NO_PROXY": address,
            "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH": "/trust/authority.pem",
        }
    secrets = f"{SECRETS}/{provider}.env" if mechanism == "vault-agent" else None
    return {"script": application.script, "env": {**env, **application.guard}, "secrets": secrets}


def judge(world, workload, application, ended):
    if not workload.trusted:
        if ended["code"] == 0 or application.stranger not in ended["errors"]:
            raise Failure(f"it does not fail with {application.stranger!r}: {tail(ended['errors'] or ended['output'])}")
        return application.stranger
    if ended["code"] != 0:
        raise Failure(tail(ended["errors"]))
    said, expected = json.loads(ended["output"]), application.output(subject(workload.name), world.vault.value)
    if said != expected:
        raise Failure(f"it says {said}, not {expected}")
    return said["answer"]
