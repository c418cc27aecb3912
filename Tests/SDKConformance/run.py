"""SDK conformance: the providers' own SDKs find, in pods that Lanyard admitted, what they need.

Run by hack/sdk-conformance. A control plane, `lanyard run` and OpenBao are started; for every case a ServiceAccount is
annotated and a pod created, which is laid out for a process as the kubelet would do it (layout.py); an application
with the provider's real SDK then calls a model through the SDK's default chain (applications/), against endpoints that
verify its token as the provider does (endpoints/, proxy.py, node.py, vault.py, deliveries.py). And the reverse: with a variable taken
away, a token of another audience, or a subject that is not trusted, it fails as the SDK is known to. cases.py has the
table, and sdks.py what is known of each SDK. Where an SDK wants a line of code, its application has it and says so.
In the end `lanyard verify` and the SDKs try trusts that are broken in all ways (verification.py).
"""

import argparse
import contextlib
import importlib.metadata
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import layout
from cases import platforms, subject
from checks import Case, NotShown, Surroundings
from control_plane import ControlPlane, operator
from deliveries import Deliveries
from endpoints.endpoint import Verifier
from node import ADDRESS, AGENT, METADATA_SERVER, PROXYMUX, NodeService
from processes import Failure
from providers import hosts, metadata_server, oracle, pod_identity_agent, providers
from proxy import Authority
from vault import Vault
from verification import Verification

REPOSITORY = Path(__file__).resolve().parents[2]
SDKS = [
    "alibabacloud-credentials", "anthropic", "azure-identity", "boto3", "google-auth", "ibm-cloud-sdk-core", "oci",
    "openai",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for program in ["lanyard", "kubectl", "bao"]:
        parser.add_argument(f"--{program}", required=True)
    options = parser.parse_args()
    for number in [signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, lambda *_: sys.exit(143))

    started = time.monotonic()
    print("SDKs: " + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in SDKS))
    print(f"applications run {layout.HOW}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sdk-conformance-")))
        plane = stack.enter_context(ControlPlane.up(REPOSITORY, options.kubectl, folder / "control-plane"))
        vault = stack.enter_context(Vault.serving(options.bao, folder))
        results = show_all(plane, options.lanyard, options.bao, vault, folder)
    print(f"took {time.monotonic() - started:.0f} s")
    not_shown = f", {results.count(None)} not shown" if None in results else ""
    print(f"{results.count(True)} passed, {results.count(False)} failed{not_shown}")
    return 1 if False in results else 0


def show_all(plane, lanyard, bao, vault, folder):
    """Shows every check of every platform, and returns whether each passed: None if it was not shown."""
    table = platforms(vault.address)
    names = [workload.name for platform in table for workload in platform.workloads if workload.trusted]
    vault.store()
    vault.trust(plane, "auth/kubernetes", names)
    vault.trust(plane, "auth/gke", names, audience="vault")
    deliveries = Deliveries(plane, vault)
    deliveries.install()
    surroundings = surround(plane, deliveries, bao, vault, {subject(name) for name in names}, folder)
    results, admitted = [], {}
    with contextlib.ExitStack() as stack:
        for service in surroundings.services.values():
            stack.enter_context(service.serving())
        for platform in table:
            with operator(plane, lanyard, platform.name, platform.settings, folder):
                plane.service_accounts({workload.name: workload.annotations for workload in platform.workloads})
                pods = [admit(plane, workload) for workload in platform.workloads]
                plane.expect_reports({workload.name: workload.reason for workload in platform.workloads})
            results += show(platform, pods, surroundings)
            admitted |= {(platform.name, workload.name): pod for workload, pod in zip(platform.workloads, pods)}
    return results + Verification(surroundings, lanyard, table, admitted).show()


def show(platform, pods, surroundings):
    """Shows the checks of one platform, two at a time."""
    pool = ThreadPoolExecutor(2)
    try:
        containers = [pool.submit(surroundings.lay_out, pod) for pod in pods]
        checks = [
            (f"{provider} on {platform.name} ({workload.name}): {mechanism}: {application.sdk}: {what}", check)
            for workload, pod, container in zip(platform.workloads, pods, containers)
            for provider, mechanism, application in workload.credentials
            for what, check in Case(surroundings, workload, pod, container, provider, mechanism, application).checks()
        ]
        started = [(title, pool.submit(check)) for title, check in checks]
        return [passed(title, result) for title, result in started]
    finally:
        pool.shutdown(cancel_futures=True)


def surround(plane, deliveries, bao, vault, trusted, folder):
    verifier = Verifier(plane.issuer, plane.keys)
    endpoints = providers(verifier, trusted, vault.value)
    proxymux = oracle(verifier, trusted)
    authority = Authority(hosts([*endpoints, proxymux]), ADDRESS, folder)
    server = "{}:{}".format(*METADATA_SERVER)
    services = {
        "gke-workload-identity": NodeService(metadata_server(verifier), METADATA_SERVER, {
            "GCE_METADATA_HOST": server, "GCE_METADATA_IP": server,
        }),
        # The agent's address is in Lanyard's configuration.
        "eks-pod-identity": NodeService(pod_identity_agent(verifier, trusted), AGENT),
        "oke-workload-identity": NodeService(proxymux, PROXYMUX, {
            "KUBERNETES_SERVICE_HOST": ADDRESS, "NO_PROXY": ADDRESS,
            "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH": str(authority.file),
        }, authority.context),
    }
    return Surroundings(plane, deliveries, bao, vault, endpoints, services, authority, folder)


def admit(plane, workload):
    """The workload's pod, as the API server and Lanyard have made it."""
    pod = plane.create_pod(workload.name, variables=workload.variables)
    stamp = pod["metadata"].get("annotations", {}).get("lanyard.dev/injected", "")
    expected = {f"{provider}={mechanism}" for provider, mechanism, _ in workload.credentials}
    if set(stamp.split(",")) != expected:
        raise Failure(f"the pod {workload.name} is stamped {stamp!r}, not {expected}")
    return pod


def passed(title, result):
    try:
        print(f"ok {title}: {result.result()}", flush=True)
    except NotShown as reason:
        print(f"NOT SHOWN {title}: {reason}", flush=True)
        return None
    except Exception as error:  # One broken case does not hide the others.
        print(f"FAILED {title}: {type(error).__name__}: {error}", flush=True)
        return False
    return True


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"sdk-conformance: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
