"""What is published: versions, Artifact Hub's annotations, the archive, and the clean-up after an uninstall."""

import pathlib
import re
import subprocess
import tarfile

import jsonschema
import yaml

from chart import Chart, find, identity, text_of

CATEGORIES = {
    "ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security",
    "storage", "streaming-messaging",
}


def check(checks, chart, work):
    check_versions(checks, chart)
    check_annotations(checks, chart)
    check_archive(checks, chart, work)
    check_clean_up(checks, chart)


def check_versions(checks, chart):
    version = re.search(r'current = "([^"]+)"', text_of("Sources/lanyard/Commands/Version.swift"))[1]
    ours = chart.description["appVersion"]
    if ours != version:
        checks.fail(f"{chart.path}/Chart.yaml", f"appVersion is {ours}, and lanyard's version {version}")
    budgets = {
        kubernetes: find(chart.objects(kubernetes=kubernetes), "PodDisruptionBudget")["apiVersion"]
        for kubernetes in ("1.20.0", "1.36.0")
    }
    if budgets != {"1.20.0": "policy/v1beta1", "1.36.0": "policy/v1"}:
        checks.fail(f"{chart.path}/templates/pod-disruption-budget.yaml", f"apiVersion is {budgets} by version")
    checks.finish(f"version: {version} everywhere")


def check_annotations(checks, chart):
    place = f"{chart.path}/Chart.yaml"
    annotations = {
        name.removeprefix("artifacthub.io/"): value for name, value in chart.description["annotations"].items()
    }
    for name, value in annotations.items():
        if not isinstance(value, str):
            checks.fail(place, f"annotations.{name} is no string")
    if annotations["category"] not in CATEGORIES:
        checks.fail(place, f"Artifact Hub has no category {annotations['category']}")
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}
    for change in yaml.safe_load(annotations["changes"]):
        if set(change) != {"kind", "description"} or change["kind"] not in kinds:
            checks.fail(place, f"annotations.changes: {change}")
    schemas, defined = {}, []
    for path in sorted((chart.path / "crds").glob("*.yaml")):
        definition = yaml.safe_load(text_of(path))
        kind = definition["spec"]["names"]["kind"]
        for version in definition["spec"]["versions"]:
            schemas[kind, version["name"]] = version["schema"]["openAPIV3Schema"]
            defined.append((kind, definition["metadata"]["name"], version["name"]))
    described = [(crd["kind"], crd["name"], crd["version"]) for crd in yaml.safe_load(annotations["crds"])]
    if sorted(described) != defined:
        checks.fail(place, f"annotations.crds: {described}")
    for example in yaml.safe_load(annotations["crdsExamples"]):
        schema = strict(schemas[example["kind"], example["apiVersion"].rpartition("/")[2]])
        # Whatever is an object's own is Kubernetes'.
        schema["properties"]["metadata"] = {"type": "object", "required": ["name", "namespace"]}
        for error in jsonschema.Draft7Validator(schema).iter_errors(example):
            checks.fail(place, f"annotations.crdsExamples: {identity(example)}: {error.message}")
    checks.finish("Chart.yaml: Artifact Hub's annotations agree with the definitions")


def strict(schema):
    """A schema that refuses what the API server would drop."""
    strict_schema = {name: value for name, value in schema.items() if name != "description"}
    if "properties" in schema:
        strict_schema["properties"] = {name: strict(member) for name, member in schema["properties"].items()}
        strict_schema["additionalProperties"] = False
    elif "items" in schema:
        strict_schema["items"] = strict(schema["items"])
    return strict_schema


def check_archive(checks, chart, work):
    done = subprocess.run(
        [chart.helm, "package", chart.path, "--destination", work], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        checks.fail(chart.path, f"helm package: {done.stderr}")
        checks.finish("")
    archive = pathlib.Path(work, f"lanyard-{chart.description['version']}.tgz")
    with tarfile.open(archive) as file:
        packed = {name.removeprefix("lanyard/") for name in file.getnames()}
    wanted = {
        str(path.relative_to(chart.path)) for path in chart.path.rglob("*")
        if path.is_file() and path.suffix not in (".swp", ".tgz")
    }
    for name in sorted(packed ^ wanted):
        checks.fail(chart.path, f"{name} is only in the {'archive' if name in packed else 'folder'}")
    packaged = Chart(chart.helm, archive)
    for options in ([], ["--include-crds", "--values", "hack/manifests/every-value.yaml"]):
        if packaged.template(*options) != chart.template(*options):
            checks.fail(chart.path, "the archive renders something else than the folder")
    checks.finish(f"helm package: {len(packed)} files, and the archive renders what the folder does")


def check_clean_up(checks, chart):
    """What cleans up comes after the uninstall, in an order, and goes again; and it has no part of the operator."""
    place = f"{chart.path}/templates/clean-up.yaml"
    rendered = [(path, item) for path, item in chart.objects() if path == place]
    order = {}
    for _, item in rendered:
        annotations = item["metadata"]["annotations"]
        order[item["kind"]] = int(annotations["helm.sh/hook-weight"])
        if annotations["helm.sh/hook"] != "post-delete":
            checks.fail(place, f"{identity(item)} is not made after the uninstall")
        policy = annotations["helm.sh/hook-delete-policy"]
        if set(policy.split(",")) != {"before-hook-creation", "hook-succeeded", "hook-failed"}:
            checks.fail(place, f"{identity(item)} may stay: {policy}")
    rights = ["ServiceAccount", "ClusterRole", "Role"]
    bindings = ["ClusterRoleBinding", "RoleBinding"]
    if set(order) != {*rights, *bindings, "Job"} or not (
            max(order[kind] for kind in rights) < min(order[kind] for kind in bindings)
            and max(order[kind] for kind in bindings) < order["Job"]):
        checks.fail(place, f"the order of its objects is {order}")
    job = find(rendered, "Job", "lanyard-clean-up")["spec"]
    operator = find(chart.objects(), "Deployment")["spec"]
    labels = job["template"]["metadata"]["labels"]
    if operator["selector"]["matchLabels"].items() <= labels.items():
        checks.fail(place, "the Services and the budget would count its pod as the operator's")
    container = job["template"]["spec"]["containers"][0]
    if container["args"] != ["clean-up", "--namespace=lanyard-system"]:
        checks.fail(place, f"runs {container['args']}")
    if container["image"] != operator["template"]["spec"]["containers"][0]["image"]:
        checks.fail(place, "is not of the operator's image")
    # Helm waits for five minutes, unless it is told otherwise.
    if not job["activeDeadlineSeconds"] < 300:
        checks.fail(place, "may take longer than Helm waits")
    # It is printed by `helm template` too. Applied beside an operator it has to end before it removes anything.
    for rule in find(rendered, "ClusterRole", "lanyard-clean-up")["rules"]:
        if rule["apiGroups"] == ["admissionregistration.k8s.io"] and rule["verbs"] != ["get"]:
            checks.fail(place, "may remove webhook configurations of an operator that is there")
    if [path for path, _ in chart.objects("--set", "cleanUp.enabled=false") if path == place]:
        checks.fail(place, "is there although cleanUp.enabled is false")
    checks.finish("clean-up: after the uninstall, and gone again")
