"""Lanyard as its chart installs it."""

import json

from processes import Failure, eventually

NAMESPACE = "lanyard-system"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/name=lanyard"
INJECTOR = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/pod-injector.lanyard.dev"
VALIDATOR = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/workload-validator.lanyard.dev"
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/lanyard-webhook-certificates"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/lanyard-controller"
REPORTS = "/apis/lanyard.dev/v1alpha1/workloadidentities"


class Release:
    """The one release of a cluster."""

    def __init__(self, cluster, helm, image, folder):
        self.cluster = cluster
        self.chart = cluster.repository / "charts/lanyard"
        # What it was last installed with: the platform, other settings and replicas. None when it is not.
        self.configuration = None
        self._helm = helm
        self._image = image
        self._values = folder / "values.json"

    def install(self, platform, settings=None, replicas=2, *, chart=None, more=None, wait=True):
        """Installs it, or upgrades what is installed.

        That the issuer is public is said, since it is not, and what is shown here does not depend on it.
        """
        self._values.write_text(json.dumps({
            "image": {"repository": self._image.repository, "tag": self._image.tag, "pullPolicy": "Never"},
            "config": {"platform": platform, "issuer": {"public": True}, **(settings or {})},
            "replicas": replicas, **(more or {}),
        }))
        self.configuration = ()
        waiting = ["--wait", "--timeout=100s"] if wait else []
        said = self.helm(
            "upgrade", "lanyard", chart or self.chart, "--install", "--namespace", NAMESPACE, "--create-namespace",
            "--values", self._values, *waiting)
        if wait:
            self.expect_replicas(replicas)
            eventually(self.expect_injection, "pods are injected")
            if chart is None and more is None:
                self.configuration = platform, settings or {}, replicas
        return said

    def uninstall(self):
        said = self.helm("uninstall", "lanyard", "--namespace", NAMESPACE, "--wait", "--timeout=100s")
        self.configuration = None
        return said

    def helm(self, *arguments):
        return self.cluster.exec(self._helm, *arguments, within=130)

    def pods(self):
        return self.cluster.items(PODS)

    def expect_replicas(self, count=2, within=60):
        """Waits until so many pods are ready, and no container of an earlier revision runs.

        The kubelet may take a minute to remove a pod whose containers have ended.
        """
        def attempt():
            states = [
                "ending" if "deletionTimestamp" in pod["metadata"] else "ready" if is_ready(pod) else "not ready"
                for pod in self.pods() if "deletionTimestamp" not in pod["metadata"] or has_running_container(pod)
            ]
            if states != ["ready"] * count:
                raise Failure(f"the pods are {states}")

        eventually(attempt, f"{count} replicas of Lanyard are ready", within)

    def expect_injection(self):
        """A pod that would be created now would be injected."""
        account = {
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "probe", "namespace": "default", "annotations": {
                "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/probe",
                "lanyard.dev/aws-region": "us-east-1",
            }},
        }
        self.cluster.call(
            "PATCH", "/api/v1/namespaces/default/serviceaccounts/probe?fieldManager=tests&force=true", account,
            kind="application/apply-patch+yaml")
        pod = self.cluster.create("/api/v1/namespaces/default/pods?dryRun=All", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"},
            "spec": {"serviceAccountName": "probe", "containers": [{"name": "app", "image": "app"}]},
        })
        if "lanyard.dev/plan" not in pod["metadata"].get("annotations", {}):
            raise Failure("a pod is admitted as it was")

    def authority(self):
        """What the registration trusts."""
        return {hook["clientConfig"].get("caBundle") for hook in self.cluster.call("GET", INJECTOR)["webhooks"]}

    def reports(self):
        """The Ready condition of each report, by namespace and name."""
        return {
            (each["metadata"]["namespace"], each["metadata"]["name"]): condition
            for each in self.cluster.items(REPORTS) for condition in each.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
        }

    def log(self, *options):
        """What the replicas that run have logged; those that have ended may still be there, and have no log."""
        running = [pod["metadata"]["name"] for pod in self.pods() if has_running_container(pod)]
        return "".join(
            self.cluster.kubectl("logs", "-n", NAMESPACE, name, "--tail=-1", "--prefix", *options) for name in running)


def is_ready(pod):
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod.get("status", {}).get("conditions", []))


def has_running_container(pod):
    return any("running" in each["state"] for each in pod.get("status", {}).get("containerStatuses", []))
