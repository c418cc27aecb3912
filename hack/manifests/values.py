"""The chart's values: each can be left out, each has an effect, and what makes no sense is refused."""

import copy
import re
import subprocess

import yaml

from chart import Refused, find, in_parallel, leaves, objects_of, text_of

EVERY_VALUE = "hack/manifests/every-value.yaml"
# Maps that are one value: what is in them is Kubernetes' own.
WHOLE = ("resources", "affinity", "podSecurityContext", "nodeSelector", "rollingUpdate", "labels")

REFUSED = [
    "unknown=1", "image.unknown=1", "image.digest=sha256:12", "replicas=0", "logLevel=loud",
    "webhook.timeoutSeconds=31", "webhook.port=0", "metrics.port=65536", "webhook.excludedNamespaces={Not_A_Name}",
    "metrics.unknown=1", "metrics.serviceMonitor.interval=soon", "metrics.prometheusRule.runbookURL=docs",
    "metrics.dashboard.enabled=yes", "webhook.certManager.enabled=true", "webhook.annotations.a=1", "networkPolicy.enabled=true",
    "networkPolicy.from={10.0.0.1}", "secretDelivery.unknown=1",
    "secretDelivery.vaultCSI.enabled=yes", "cleanUp.enabled=yes", "guard.enabled=yes", "guard.keep=yes",
    "healing.enabled=yes", "injection.policy=yes", "verify.scheduled={llm}", "verify.scheduled[0].namespace=ai",
    "verify.policy=yes", "verify.audiences={a b}", "verify.unknown=1", "verify.inPods.enabled=yes",
    "verify.inPods.image=a b", "verify.inPods.imagePullSecret=A_B", "hostNetwork=yes", "dnsPolicy=Cluster",
    "service.ipFamilyPolicy=Dual", "createNamespace=yes", "rollingUpdate.maxSurge=many", "rollingUpdate.unknown=1",
    "topologySpreadConstraints={zone}", "config.aws.regoin=eu-central-1", "config.aws.region=eu-central",
    # Two that exclude each other.
    "networkPolicy.enabled=true,networkPolicy.from[0].ipBlock.cidr=10.0.0.0/8,hostNetwork=true",
]
# Whole maps and single values: who takes one away gets the default, and not a template's own error.
NULLS = [
    "image config webhook metrics service serviceAccount secretDelivery cleanUp guard injection healing verify logLevel extraEnv "
    "rollingUpdate hostNetwork dnsPolicy createNamespace",
    "image.repository image.tag image.digest image.pullPolicy webhook.port webhook.excludedNamespaces "
    "webhook.timeoutSeconds webhook.annotations webhook.certManager webhook.clientCA metrics.port "
    "metrics.serviceMonitor metrics.prometheusRule metrics.dashboard "
    "service.ipFamilyPolicy serviceAccount.annotations networkPolicy.enabled networkPolicy.from "
    "secretDelivery.externalSecret secretDelivery.vaultCSI cleanUp.enabled guard.enabled guard.keep healing.enabled "
    "injection.policy verify.scheduled verify.policy verify.audiences verify.inPods",
]


def check(checks, chart):
    every_value = yaml.safe_load(text_of(EVERY_VALUE))
    lint(checks, chart)
    check_nulls(checks, chart)
    check_refusals(checks, chart)
    check_schema(checks, chart)
    check_effects(checks, chart, every_value)
    check_network(checks, chart)
    check_placement(checks, chart)
    check_guard(checks, chart)
    check_policy(checks, chart)
    check_verify(checks, chart)


def lint(checks, chart):
    for options in ([], [f"--values={EVERY_VALUE}"]):
        command = [chart.helm, "lint", "--strict", "--quiet", chart.path, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            checks.fail(chart.path, done.stdout + done.stderr)
    checks.finish("helm lint: no warnings, with the defaults and with every value set")


def check_nulls(checks, chart):
    default = chart.template()
    if chart.template() != default:
        checks.fail(chart.path, "two renderings differ")
    for names in NULLS:
        rendered = chart.outcome(*[option for name in names.split() for option in ("--set", f"{name}=null")])
        if rendered != default:
            checks.fail(chart.path, f"a value that is null is not its default: {first_difference(default, rendered)}")
    for name, outcome in zip(
            chart.values, in_parallel(lambda name: chart.outcome("--set", f"{name}=null"), chart.values)):
        if outcome.startswith("refused"):
            checks.fail(chart.path, f"{name}: null is {outcome}")
    checks.finish("values: every one can be null")


def first_difference(one, other):
    if other.startswith("refused"):
        return other
    lines = zip(other.splitlines(), one.splitlines())
    return next((f"{found!r}, not {wanted!r}" for found, wanted in lines if found != wanted), "its length")


def check_refusals(checks, chart):
    for setting, outcome in zip(REFUSED, in_parallel(lambda setting: chart.outcome("--set", setting), REFUSED)):
        if not outcome.startswith("refused"):
            checks.fail(f"{chart.path}/values.schema.json", f"accepts {setting}")
    checks.finish(f"values: {len(REFUSED)} that are unknown, out of range or exclude each other are refused")


def paths(value, prefix=()):
    """The values, as paths of names. `config` is checked by itself."""
    for name, member in value.items():
        path = (*prefix, name)
        if isinstance(member, dict) and member and name not in WHOLE:
            yield from paths(member, path)
        elif name != "config":
            yield path


def check_schema(checks, chart):
    """A value that the schema does not know would be refused, and one that is in the schema alone says nothing."""
    for path in paths(chart.values):
        if schema_of(chart.schema, path) is None:
            checks.fail(f"{chart.path}/values.schema.json", f"does not know {'.'.join(path)}")
    # `global` is Helm's own.
    for name in chart.schema["properties"].keys() - chart.values.keys() - {"global"}:
        checks.fail(f"{chart.path}/values.yaml", f"does not show {name}, which the schema knows")
    checks.finish("values.schema.json: it knows every value, and no others")


def schema_of(schema, path):
    place = schema
    for name in path:
        while "$ref" in place:
            place = schema["definitions"][place["$ref"].rpartition("/")[2]]
        properties = place.get("properties", {})
        if name not in properties and place.get("additionalProperties", True) is False:
            return None
        place = properties.get(name, {})
    return place


def check_effects(checks, chart, every_value):
    every = chart.objects(values=every_value)
    by_tag = copy.deepcopy(every_value)
    by_tag["image"]["digest"] = ""
    effects = [leaf for _, item in every for leaf in leaves(item)]
    image = every_value["image"]
    if f"{image['repository']}@{image['digest']}" not in effects:
        checks.fail(f"{chart.path}/templates/deployment.yaml", "the image is not the one of the digest")
    tags = [leaf for _, item in chart.objects(values=by_tag) for leaf in leaves(item)]
    if f"{image['repository']}:{image['tag']}" not in tags:
        checks.fail(f"{chart.path}/templates/deployment.yaml", "the image is not the one of the tag")
    for path in paths(chart.values):
        present = every_value
        for name in path:
            present = present.get(name, {}) if isinstance(present, dict) else {}
        if present == {}:
            checks.fail(EVERY_VALUE, f"does not set {'.'.join(path)}")
    # What is set stands somewhere. A tag has no effect beside a digest.
    texts = [str(effect) for effect in effects + tags]
    for name, value in every_value.items():
        for leaf in leaves(value):
            if not isinstance(leaf, bool) and not any(str(leaf) in text for text in texts):
                checks.fail(f"{chart.path}/values.yaml", f"{name}: {leaf!r} is set, and nowhere in what is rendered")
    # And it is missed where it is taken away: of two switches or numbers that are alike, each.
    whole = chart.template(values=every_value)

    def without(path):
        values = copy.deepcopy(every_value if path != ("image", "tag") else by_tag)
        place = values
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]
        return chart.outcome(values=values)

    changed = [path for path in paths(chart.values) if path != ("hostNetwork",)] + [("config",)]
    for path, outcome in zip(changed, in_parallel(without, changed)):
        if outcome == whole:
            checks.fail(f"{chart.path}/values.yaml", f"{'.'.join(path)}: set or not, the same is rendered")
    checks.finish(f"values: each of {len(changed)} has an effect, and stands in what is rendered")


def check_network(checks, chart):
    place = f"{chart.path}/templates/deployment.yaml"
    ours = chart.objects("--set", "hostNetwork=true,webhook.port=10260,createNamespace=true")
    deployment = find(ours, "Deployment")["spec"]
    pod = deployment["template"]["spec"]
    ports = {port["name"]: (port["containerPort"], port.get("hostPort")) for port in pod["containers"][0]["ports"]}
    for what, found, wanted in [
        ("hostNetwork", pod.get("hostNetwork"), True),
        ("dnsPolicy", pod.get("dnsPolicy"), "ClusterFirstWithHostNet"),
        ("ports", ports, {"webhook": (10260, 10260), "metrics": (8080, 8080)}),
        # One more pod than there are nodes could not be scheduled, and the update would never end.
        ("rollingUpdate", deployment["strategy"]["rollingUpdate"], {"maxSurge": 0, "maxUnavailable": 1}),
        ("args", [a for a in pod["containers"][0]["args"] if "address" in a],
         ["--webhook-address=[::]:10260", "--metrics-address=[::]:8080"]),
        ("the namespace's level", find(ours, "Namespace", "lanyard-system")["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"], "privileged"),
    ]:
        if found != wanted:
            checks.fail(place, f"with hostNetwork, {what} is {found!r}, not {wanted!r}")
    place = f"{chart.path}/templates/service.yaml"
    for version, policy in (("1.22.0", None), ("1.23.0", "PreferDualStack"), ("1.36.0", "PreferDualStack")):
        for name in ("lanyard-webhook", "lanyard-metrics"):
            found = find(chart.objects(kubernetes=version), "Service", name)["spec"].get("ipFamilyPolicy")
            if found != policy:
                checks.fail(place, f"for Kubernetes {version}, ipFamilyPolicy of {name} is {found}")
    checks.finish("network: the nodes' own, ports and address families")


def check_placement(checks, chart):
    place = f"{chart.path}/templates/deployment.yaml"
    own = {"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
    values = {"nodeSelector": {"pool": "system"}, "topologySpreadConstraints": [own, {**own, "labelSelector": None}]}
    del values["topologySpreadConstraints"][1]["labelSelector"]
    pod = find(chart.objects(values=values, kubernetes="1.27.0"), "Deployment")["spec"]["template"]["spec"]
    selector = {"matchLabels": {"app.kubernetes.io/name": "lanyard"}}
    ours = {**own, "labelSelector": selector, "matchLabelKeys": ["pod-template-hash"]}
    if pod["topologySpreadConstraints"] != [own, ours]:
        checks.fail(place, f"topologySpreadConstraints are {pod['topologySpreadConstraints']}")
    older = find(chart.objects(kubernetes="1.26.0"), "Deployment")["spec"]["template"]["spec"]
    if "matchLabelKeys" in older["topologySpreadConstraints"][0]:
        checks.fail(place, "has matchLabelKeys for Kubernetes 1.26, which does not know them")
    if pod["nodeSelector"] != {"kubernetes.io/os": "linux", "pool": "system"}:
        checks.fail(place, f"nodeSelector is {pod['nodeSelector']}")
    checks.finish("placement: a node selector is added to, and constraints are about Lanyard's pods")


GUARD = "required-pods.lanyard.dev"
GUARD_KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def check_guard(checks, chart):
    """Where it is rendered, that it sees the namespaces that the webhooks see, and that it goes with the release."""
    place = f"{chart.path}/templates/guard.yaml"
    served = ["--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"]
    for what, options, wanted in [
        ("a server without such policies", [], False),
        ("a server with them", served, True),
        ("guard.enabled=true", ["--set", "guard.enabled=true"], True),
        ("guard.enabled=false", [*served, "--set", "guard.enabled=false"], False),
    ]:
        rendered = chart.objects(*options)
        for kind in GUARD_KINDS:
            if (find(rendered, kind, GUARD) is not None) != wanted:
                checks.fail(place, f"with {what}, {kind} {GUARD} is {'not ' if wanted else ''}there")
    for keep in ("false", "true"):
        rendered = chart.objects(*served, "--set", f"guard.keep={keep},webhook.excludedNamespaces={{one,two}}")
        for kind in GUARD_KINDS:
            annotations = find(rendered, kind, GUARD)["metadata"].get("annotations", {})
            if annotations != ({"helm.sh/resource-policy": "keep"} if keep == "true" else {}):
                checks.fail(place, f"with guard.keep={keep}, {kind} has the annotations {annotations}")
        policy = find(rendered, "ValidatingAdmissionPolicy", GUARD)["spec"]
        registration = find(rendered, "MutatingWebhookConfiguration", "pod-injector.lanyard.dev")
        required = registration["webhooks"][0]
        for field, found in [
            ("rules", policy["matchConstraints"]["resourceRules"]),
            *((name, policy["matchConstraints"][name]) for name in ("namespaceSelector", "objectSelector")),
        ]:
            if found != required[field]:
                checks.fail(place, f"its {field} are not those of {required['name']}: {found}")
        if policy["failurePolicy"] != "Fail":
            checks.fail(place, "what it cannot evaluate is admitted")
        bound = find(rendered, "ValidatingAdmissionPolicyBinding", GUARD)["spec"]
        if bound != {"policyName": GUARD, "validationActions": ["Deny"]}:
            checks.fail(place, f"its binding is {bound}")
    checks.finish("guard: where the server has such policies, for the pods of the webhook, and gone with the release")


POLICY = "pod-injector.lanyard.dev"
POLICY_OBJECTS = [
    ("MutatingAdmissionPolicy", POLICY), ("MutatingAdmissionPolicyBinding", POLICY),
    ("ValidatingAdmissionPolicy", "credential-plan-sets.lanyard.dev"),
    ("ValidatingAdmissionPolicyBinding", "credential-plan-sets.lanyard.dev"), ("ClusterRole", "lanyard-plan-sets"),
    ("ClusterRoleBinding", "lanyard-plan-sets"),
]


def check_policy(checks, chart):
    """Where it is rendered, that it sees the pods that the webhook sees, and that it and the setting come together."""
    place = f"{chart.path}/templates/policy.yaml"
    registration = "admissionregistration.k8s.io/v1"
    kinds = [f"{registration}/MutatingAdmissionPolicy", f"{registration}/ValidatingAdmissionPolicy",
             "lanyard.dev/v1alpha1/CredentialPlanSet"]
    served = [word for kind in kinds for word in ("--api-versions", kind)]
    auto = ["--set", "injection.policy=auto"]
    for what, options, wanted in [
        ("the defaults", served, False),
        ("auto, and a server that has nothing of it", auto, False),
        *((f"auto, and a server without {kind}", [
            *auto, *(word for other in kinds if other != kind for word in ("--api-versions", other))], False)
          for kind in kinds),
        ("auto, and a server that has all of it", [*served, *auto], True),
        ("injection.policy=on", ["--set-string", "injection.policy=on"], True),
        ("injection.policy=off", [*served, "--set-string", "injection.policy=off"], False),
    ]:
        rendered = chart.objects(*options)
        for kind, name in POLICY_OBJECTS:
            if (find(rendered, kind, name) is not None) != wanted:
                checks.fail(place, f"with {what}, {kind} {name} is {'not ' if wanted else ''}there")
        config = yaml.safe_load(find(rendered, "ConfigMap", "lanyard")["data"]["config.yaml"])
        if config.get("injection") != ({"policy": True} if wanted else None):
            checks.fail(place, f"with {what}, the configuration has injection: {config.get('injection')}")
    rendered = chart.objects("--set-string", "injection.policy=on", "--set", "webhook.excludedNamespaces={one,two}")
    policy = find(rendered, "MutatingAdmissionPolicy", POLICY)["spec"]
    webhooks = find(rendered, "MutatingWebhookConfiguration", POLICY)["webhooks"]
    for field, name in [("rules", "resourceRules"), ("namespaceSelector", "namespaceSelector")]:
        if policy["matchConstraints"][name] != webhooks[0][field]:
            checks.fail(place, f"its {name} are not those of the webhook: {policy['matchConstraints'][name]}")
    if (policy["failurePolicy"], policy["reinvocationPolicy"]) != ("Ignore", "Never"):
        checks.fail(place, "what it cannot evaluate is not admitted, or it is asked again")
    bound = find(rendered, "MutatingAdmissionPolicyBinding", POLICY)["spec"]
    if bound != {"policyName": POLICY, "paramRef": {"name": "lanyard", "parameterNotFoundAction": "Allow"}}:
        checks.fail(place, f"its binding is {bound}")
    check_required(checks, chart, place)
    check_policy_goes(checks, chart, place, kinds)
    checks.finish("policy: where the server has all of it, for the pods of the webhook, together with the setting")


def check_policy_goes(checks, chart, place, kinds):
    """That no change of the release, and no uninstall, leaves a policy that injects from objects which nobody keeps."""
    served = [word for kind in kinds for word in ("--api-versions", kind)]
    upgrade = ["--is-upgrade", "--set", "guard.enabled=true,guard.keep=true"]
    # `helm upgrade` installs no definition, and without it there is nothing new.
    off = chart.template(*served, *upgrade, "--set-string", "injection.policy=off")
    if chart.template(*served[:-2], *upgrade, "--set", "injection.policy=auto") != off:
        checks.fail(place, "an upgrade without the definition brings more than one with the policy off")
    on = chart.objects(*served, *upgrade, "--set", "injection.policy=auto")
    before = {(item["kind"], item["metadata"]["name"]) for item in objects_of(off)}
    for path, item in on:
        if item["kind"] == "CustomResourceDefinition":
            checks.fail(path, "is rendered, and would go with the release, with all objects")
        # Helm removes what another release or other values do not render, unless it is told to keep it.
        name, annotations = item["metadata"]["name"], item["metadata"].get("annotations", {})
        if (item["kind"], name) not in before and any(key.startswith("helm.sh/") for key in annotations):
            checks.fail(path, f"{item['kind']} {name} does not go with the policy: {annotations}")
    # The objects go at the uninstall also where the policy was off by then.
    for options in ("on", "off"):
        rendered = chart.objects("--set-string", f"injection.policy={options}")
        rules = find(rendered, "ClusterRole", "lanyard-clean-up")["rules"]
        if not any({"list", "delete"} <= {*rule["verbs"]} for rule in rules if "credentialplansets" in rule["resources"]):
            checks.fail(place, f"with the policy {options}, the clean-up may not remove the objects")


REQUIRED = {"lanyard.dev/inject": "required"}
MARK = {"lanyard.dev/injected-by": "policy"}


def check_required(checks, chart, place):
    """That each pod is shown to one entry, and that one that may start without a replica is seen by the guard."""
    for guarded in (True, False):
        options = ["--set-string", "injection.policy=on", "--set", f"guard.enabled={str(guarded).lower()}"]
        rendered = chart.objects(*options)
        webhooks = find(rendered, "MutatingWebhookConfiguration", POLICY)["webhooks"]
        guards = [item for _, item in rendered if item["kind"] == "ValidatingAdmissionPolicy"
                  and item["metadata"]["name"] == "injected-by-policy.lanyard.dev"]
        for labels, wanted in [
            ({}, ["Ignore"]), (MARK, ["Ignore"]), (REQUIRED, ["Fail"]), ({"lanyard.dev/inject": "false", **MARK}, []),
            ({**REQUIRED, **MARK}, ["Ignore" if guarded else "Fail"]),
            ({**REQUIRED, "lanyard.dev/injected-by": ""}, ["Ignore" if guarded else "Fail"]),
        ]:
            shown = [item["failurePolicy"] for item in webhooks
                     if item["rules"][0]["resources"] == ["pods"] and selects(item["objectSelector"], labels)]
            if shown != wanted:
                checks.fail(place, f"with guard.enabled={guarded}, a pod labelled {labels} is shown to entries with {shown}")
            seen = any(selects(item["spec"]["matchConstraints"]["objectSelector"], labels) for item in guards)
            if seen != (wanted == ["Ignore"] and "required" in labels.values()):
                checks.fail(place, f"with guard.enabled={guarded}, the guard sees a pod labelled {labels}: {seen}")


def selects(selector, labels):
    """Whether a label selector matches."""
    operators = {
        "In": lambda key, values: labels.get(key) in values, "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, _: key in labels, "DoesNotExist": lambda key, _: key not in labels,
    }
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        operators[item["operator"]](item["key"], item.get("values")) for item in selector.get("matchExpressions", []))


VERIFY = [("one", "b"), ("two", "c"), ("one", "a")]


def check_verify(checks, chart):
    """The rights to make tokens: for those that are named, in their namespaces, and within a policy where there are such."""
    place = f"{chart.path}/templates/verify.yaml"
    values = {"verify": {"scheduled": [
        {"namespace": namespace, "serviceAccount": account} for namespace, account in VERIFY], "audiences": ["own"]},
        "config": {"vault": {"audience": "vault"}, "verify": {"intervalSeconds": 60}}}
    served = ["--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"]
    if [item for _, item in chart.objects(*served) if "serviceaccounts/token" in str(item)]:
        checks.fail(place, "by default there is something about tokens")
    rendered = chart.objects(*served, values=values)
    roles = {
        item["metadata"]["namespace"]: item["rules"] for _, item in rendered
        if item["kind"] == "Role" and item["metadata"]["name"] == "lanyard-verify"}
    wanted = {
        namespace: [{
            "apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": accounts, "verbs": ["create"]}]
        for namespace, accounts in {"one": ["a", "b"], "two": ["c"]}.items()}
    if roles != wanted:
        checks.fail(place, f"its rules are {roles}")
    bound = {
        item["metadata"]["namespace"]: (item["roleRef"]["name"], item["subjects"]) for _, item in rendered
        if item["kind"] == "RoleBinding" and item["metadata"]["name"] == "lanyard-verify"}
    lanyard = [{"kind": "ServiceAccount", "name": "lanyard", "namespace": "lanyard-system"}]
    if bound != {namespace: ("lanyard-verify", lanyard) for namespace in wanted}:
        checks.fail(place, f"its bindings are {bound}")
    config = yaml.safe_load(find(rendered, "ConfigMap", "lanyard")["data"]["config.yaml"])["verify"]
    if config != {**values["config"]["verify"], "scheduled": values["verify"]["scheduled"]}:
        checks.fail(place, f"the configuration has verify: {config}")
    for options, found in [
        ("enabled=false,verify.inPods.image=i", None), ("enabled=true,image.tag=t", {"image": "lanyard:t", "imagePullSecret": ""}),
        ("enabled=true,verify.inPods.image=i,verify.inPods.imagePullSecret=s", {"image": "i", "imagePullSecret": "s"})]:
        rendered = chart.objects("--set", f"verify.inPods.{options}")
        config = yaml.safe_load(find(rendered, "ConfigMap", "lanyard")["data"]["config.yaml"]).get("verify")
        if config != found:
            checks.fail(place, f"with verify.inPods.{options} the configuration has verify: {config}")
    rendered = chart.objects(*served, values=values)
    for options, is_there in [
        ([], False), (served, True), (["--set", "verify.policy=true"], True),
        ([*served, "--set", "verify.policy=false"], False)]:
        for kind in GUARD_KINDS:
            if (find(chart.objects(*options, values=values), kind, "tokens.lanyard.dev") is not None) != is_there:
                checks.fail(place, f"with {options}, {kind} tokens.lanyard.dev is {'not ' if is_there else ''}there")
    text = str(find(rendered, "ValidatingAdmissionPolicy", "tokens.lanyard.dev")["spec"]["validations"])
    for word in ('["one/a","one/b","two/c"]', '"own"', '"vault"', '"sts.amazonaws.com"', '"https://api.openai.com/v1"'):
        if word not in text:
            checks.fail(place, f"the policy does not have {word}: {text}")
    checks.finish("verify: tokens of those that are named alone, and together with the setting")
