"""The objects themselves: complete, valid in every version of Kubernetes, and restricted."""

import functools
import glob
import subprocess

import kubernetes_validate
import yaml
from kubernetes_validate import utils

from chart import identity, in_parallel, objects_of, text_of

# Applied on demand.
ON_DEMAND = [f"manifests/{name}.yaml" for name in (
    "secret-delivery", "guard", "healing", "plan-sets", "policy", "verify", "verify-policy")]
FOLDERS = ("manifests", "manifests/examples")
# Kinds that are rendered on demand for servers that have them: the first minor version with each.
SINCE = {
    "ValidatingAdmissionPolicy": 30, "ValidatingAdmissionPolicyBinding": 30, "MutatingAdmissionPolicy": 36,
    "MutatingAdmissionPolicyBinding": 36,
}


def check(checks, chart, kubectl):
    files = {
        folder: [
            (path, item)
            for path in sorted(glob.glob(f"{folder}/*.yaml"))
            if not path.endswith("/kustomization.yaml")
            for item in objects_of(text_of(path))
        ]
        for folder in FOLDERS
    }
    check_complete(checks, files, kubectl)
    check_schemas(checks, chart, [item for folder in FOLDERS for item in files[folder]])
    check_security(checks, chart, [item for folder in FOLDERS for item in files[folder]])


def check_complete(checks, files, kubectl):
    for folder, found in files.items():
        done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            checks.fail(folder, done.stderr)
        built = {identity(item) for item in objects_of(done.stdout)}
        for path, item in found:
            if path not in ON_DEMAND and identity(item) not in built:
                checks.fail(f"{folder}/kustomization.yaml", f"leaves out {identity(item)} of {path}")
    checks.finish("kustomize: manifests and examples are complete")


def check_schemas(checks, chart, written):
    """By each version's own schema. The oldest that there are do not reach back to 1.20: an API server tells."""
    versions = list(dict.fromkeys(".".join(version.split(".")[:2]) for version in utils.all_versions()))
    # A schema is a large file, and would be read for every object.
    utils.schema_contents = functools.cache(utils.schema_contents)
    every_value = yaml.safe_load(text_of("hack/manifests/every-value.yaml"))
    renderings = in_parallel(
        lambda wanted: chart.objects(values=wanted[1], kubernetes=f"{wanted[0]}.0"),
        [(minor, values) for minor in versions for values in (None, every_value, {"hostNetwork": True})])
    invalid, count = {}, 0
    for index, minor in enumerate(versions):
        for path, item in written + sum(renderings[3 * index:3 * index + 3], []):
            # Not Kubernetes' own.
            if item["apiVersion"].startswith(("cert-manager.io/", "monitoring.coreos.com/")):
                continue
            if int(minor.split(".")[1]) < SINCE.get(item["kind"], 0):
                continue
            count += 1
            try:
                kubernetes_validate.validate(item, minor, strict=True)
            except kubernetes_validate.ValidationError as error:
                field = ".".join(str(part) for part in error.path) or "the object"
                invalid.setdefault((path, f"{identity(item)}: {field}: {error.message}"), {})[minor] = True
            except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
                checks.fail(path, f"{identity(item)}: {error.message} (Kubernetes {minor})")
    for (path, what), minors in invalid.items():
        checks.fail(path, f"{what} (Kubernetes {', '.join(minors)})")
    checks.finish(f"schemas: {count} objects are valid in Kubernetes {versions[0]} to {versions[-1]}")


HARMLESS_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}


def restricted(pod):
    """What the restricted Pod Security Standard does not allow."""
    context = pod.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field, "is true"
    for index, volume in enumerate(pod.get("volumes", [])):
        if not set(volume) - {"name"} <= HARMLESS_VOLUMES:
            yield f"volumes[{index}]", "is of a kind that is not allowed"
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(kind, [])):
            own = container.get("securityContext", {})
            place = f"{kind}[{index}]"
            if any(port.get("hostPort") for port in container.get("ports", [])):
                yield f"{place}.ports", "has one of the node's"
            wanted = {
                "allowPrivilegeEscalation": (own.get("allowPrivilegeEscalation"), [False]),
                "capabilities.drop": (own.get("capabilities", {}).get("drop"), [["ALL"]]),
                "capabilities.add": (own.get("capabilities", {}).get("add"), [None, ["NET_BIND_SERVICE"]]),
                "privileged": (own.get("privileged"), [None, False]),
                "runAsNonRoot": (own.get("runAsNonRoot", context.get("runAsNonRoot")), [True]),
                "seccompProfile.type": (
                    own.get("seccompProfile", context.get("seccompProfile", {})).get("type"),
                    ["RuntimeDefault", "Localhost"]),
            }
            for field, (value, good) in wanted.items():
                if value not in good:
                    yield f"{place}.securityContext.{field}", f"is {value!r}"
            if own.get("runAsUser", context.get("runAsUser")) == 0:
                yield f"{place}.securityContext.runAsUser", "is root"


def check_security(checks, chart, written):
    workloads = [(path, item) for path, item in written + chart.objects() if item["kind"] in ("Deployment", "Job")]
    names = {item["metadata"]["name"] for _, item in workloads}
    for name in {"lanyard", "lanyard-clean-up"} - names:
        checks.fail("hack/check-manifests", f"finds no {name} any more")
    for path, item in workloads:
        pod = item["spec"]["template"]["spec"]
        for field, what in restricted(pod):
            checks.fail(path, f"{identity(item)}: spec.template.spec.{field} {what}: no restricted namespace allows it")
        if item["metadata"]["name"] not in ("lanyard", "lanyard-clean-up"):
            continue
        # Otherwise the kubelet sets variables that begin as Lanyard's settings do, for Services that begin as
        # Lanyard's.
        if pod.get("enableServiceLinks") is not False:
            checks.fail(path, f"{identity(item)}: spec.template.spec.enableServiceLinks is not false")
        # Why it ended is in the pod's status.
        if pod["containers"][0].get("terminationMessagePolicy") != "FallbackToLogsOnError":
            checks.fail(path, f"{identity(item)}: what it says in the end is not in the pod's status")
        if pod.get("nodeSelector") != {"kubernetes.io/os": "linux"}:
            checks.fail(path, f"{identity(item)}: may come to a node that is no Linux")
    checks.finish(f"pod security: {len(workloads)} workloads meet the restricted standard")
