"""Compares what every pod really has with what statuses, conditions, events and metrics claim."""
import http.client
import json
import threading
import time

from population import ACCOUNTS, DEPLOYMENTS, LABEL, NAMESPACES, ROLE

GROUP = "/apis/lanyard.dev/v1alpha1"
PLAN = "lanyard.dev/plan"
STATES = ("current", "stale", "notInjected")
CONDITION = "lanyard.dev/CredentialsReady"


def state(pod, region):
    """What a pod is, by what stands in it and not by what anybody says of it."""
    environment = {
        entry["name"]: entry.get("value") for container in pod["spec"]["containers"] for entry in container.get("env", [])}
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
    mounts = {mount["name"] for container in pod["spec"]["containers"] for mount in container.get("volumeMounts", [])}
    parts = [environment.get("AWS_ROLE_ARN") == ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE" in environment,
             "AWS_REGION" in environment, "aws-iam-token" in volumes, "aws-iam-token" in mounts,
             PLAN in pod["metadata"].get("annotations", {})]
    if not any(parts):
        return "notInjected"
    if not all(parts):
        return "half"
    return "current" if environment["AWS_REGION"] == region else "stale"


def is_alone(pod):
    return pod["metadata"].get("labels", {}).get(LABEL) == "false"


def is_required(pod):
    return pod["metadata"].get("labels", {}).get(LABEL) == "required"


class Reports:
    """What the WorkloadIdentities said, at each moment."""

    def __init__(self, cluster):
        self.cluster, self.history, self.lock = cluster, {}, threading.Lock()
        self.ended = threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while not self.ended.wait(0.25):
            try:
                items = json.loads(self.cluster.ask("GET", f"{GROUP}/workloadidentities")[1]).get("items", [])
            except (OSError, http.client.HTTPException, ValueError):
                continue
            now = time.time()
            with self.lock:
                for item in items:
                    pods = item.get("status", {}).get("pods", {})
                    key = item["metadata"]["namespace"], item["metadata"]["name"]
                    entry = (pods.get("notInjected", 0), {pod["name"] for pod in pods.get("attention", [])})
                    past = self.history.setdefault(key, [])
                    if not past or past[-1][1:] != entry:
                        past.append((now, *entry))

    def first(self, key, after, name, count):
        """When that pod was first named, or so many counted; `None` if never."""
        with self.lock:
            past = list(self.history.get(key, []))
        held = [entry for entry in past if entry[0] <= after][-1:] + [entry for entry in past if entry[0] > after]
        return next((max(at, after) for at, counted, names in held if name in names or counted >= count), None)

    def forget(self):
        with self.lock:
            self.history = {}


class Census:
    """All objects of one moment, and what is wrong with what is said of them."""

    def __init__(self, cluster, replicas):
        self.at, self.wrong, self.pods = time.time(), [], {}
        self.totals = dict.fromkeys(STATES, 0)
        for namespace in NAMESPACES:
            accounts = self.objects(cluster, f"/api/v1/namespaces/{namespace}/serviceaccounts")
            identities = self.objects(cluster, f"{GROUP}/namespaces/{namespace}/workloadidentities")
            deployments = self.objects(cluster, f"/apis/apps/v1/namespaces/{namespace}/deployments")
            pods = [pod for pod in self.objects(cluster, f"/api/v1/namespaces/{namespace}/pods").values()
                    if not pod["metadata"].get("deletionTimestamp")]
            events = cluster.call("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")["items"]
            for account in ACCOUNTS:
                region = accounts[account]["metadata"]["annotations"]["lanyard.dev/aws-region"]
                own = {pod["metadata"]["name"]: (pod, state(pod, region)) for pod in pods
                       if pod["spec"]["serviceAccountName"] == account and not is_alone(pod)}
                self.pods |= {(namespace, name): entry for name, entry in own.items()}
                self.compare(f"{namespace}/{account}", [said for _, said in own.values()], own, identities.get(account), events)
            others = [pod for pod in pods if pod["spec"]["serviceAccountName"] == "plain" or is_alone(pod)]
            for pod in others:
                if state(pod, None) != "notInjected":
                    self.wrong.append(f"{namespace}/{pod['metadata']['name']} was changed, and should not have been")
            for name in DEPLOYMENTS:
                own = [said for (place, _), (pod, said) in self.pods.items()
                       if place == namespace and pod["metadata"].get("labels", {}).get("chaos") == name]
                self.compare_condition(f"deployment {namespace}/{name}", own, deployments[name])
        self.compare_metrics(replicas)

    @staticmethod
    def objects(cluster, path):
        return {item["metadata"]["name"]: item for item in cluster.call("GET", path)["items"]}

    def compare(self, key, states, own, identity, events):
        real = {name: states.count(name) for name in STATES}
        for name in STATES:
            self.totals[name] += real[name]
        if identity is None:
            self.wrong.append(f"{key}: no WorkloadIdentity")
            return
        status = identity.get("status", {})
        said = {name: status.get("pods", {}).get(name) for name in STATES}
        if said != real or status["pods"]["total"] != len(states) or status["pods"].get("lacking"):
            self.wrong.append(f"{key}: the status says {status.get('pods')}, and there are {real} of {len(states)}")
        bad = {name for name, (_, what) in own.items() if what != "current"}
        named = {pod["name"] for pod in status.get("pods", {}).get("attention", [])}
        if not named <= bad or len(named) != min(10, len(bad)):
            self.wrong.append(f"{key}: {sorted(named)} are named, of {len(bad)} that should be")
        ready = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})
        if (ready.get("status") == "True") != (not bad):
            self.wrong.append(f"{key}: Ready is {ready.get('status')} with {len(bad)} pods that are not current")
        namespace, account = key.split("/")
        if bad and not any(
                event["regarding"].get("name") == account and event["regarding"]["namespace"] == namespace
                and event["reason"] == ready.get("reason") for event in events):
            self.wrong.append(f"{key}: no event tells of {ready.get('reason')}")

    def compare_condition(self, key, states, deployment):
        ready = next(
            (one for one in deployment.get("status", {}).get("conditions", []) if one["type"] == CONDITION), {})
        bad = [said for said in states if said != "current"]
        if ready.get("status") != ("False" if bad else "True"):
            self.wrong.append(f"{key}: {CONDITION} is {ready.get('status')} with {len(bad)} pods that are not current")

    def compare_metrics(self, replicas):
        every = [replica.metrics() for replica in replicas]
        for replica, metrics in zip(replicas, every):
            if not replica.is_ready:
                self.wrong.append(f"replica {replica.name} is not ready")
            for name in ('lanyard_webhook_registered{name="pod-injector.lanyard.dev"}', "lanyard_webhook_trusted"):
                if metrics.get(name) != 1:
                    self.wrong.append(f"replica {replica.name}: {name} is {metrics.get(name)}")
            dropped = sum(value for name, value in metrics.items() if name.startswith("kubernetes_events_dropped_total"))
            if dropped:
                self.wrong.append(f"replica {replica.name} dropped {dropped:.0f} events")
        leaders = sum(
            value for metrics in every for name, value in metrics.items() if name.startswith("leader_election_master_status"))
        if leaders != 1:
            self.wrong.append(f"{leaders:.0f} replicas say that they lead")
        for name in STATES:
            said = sum(metrics.get(f'lanyard_pods{{state="{name}"}}', 0) for metrics in every)
            if said != self.totals[name]:
                self.wrong.append(f"the metric says {said:.0f} pods {name}, and there are {self.totals[name]}")


class Oracle:
    """What was promised, and what did not hold."""

    BAR = 10.0

    def __init__(self, population, calm, reports):
        self.population, self.calm, self.reports = population, calm, reports
        self.broken, self.judged = [], 0
        self.counts = dict.fromkeys(
            ("made", "injected", "bare", "bare and required", "failed while the API server was away", "failed", "denied",
             "denied, and made after all", "left alone"), 0)
        self.reported, self.healed = [], []
        # Pods of Deployments that are required and were not injected, and have been spoken of.
        self.known = set()

    def broke(self, text):
        self.broken.append(text)

    def judge_round(self, census, unregistered):
        """Every attempt since the last round.

        :param unregistered: spans of time in which nothing was registered, so that the API server asked nobody.
        """
        with self.population.lock:
            made = self.population.made[self.judged:]
        self.judged += len(made)
        bare = {}
        for pod in sorted(made, key=lambda pod: pod.end):
            self.judge(pod, census, bare, unregistered)
        for key, (pod, said) in census.pods.items():
            if said == "half":
                self.broke(f"{'/'.join(key)} is injected by halves")
            if not (is_required(pod) and said == "notInjected" and "chaos" in pod["metadata"]["labels"]):
                continue
            # When a Deployment's pods were made is known to the second alone, and they stay for more than one round.
            if not unregistered and key not in self.known:
                self.broke(f"{'/'.join(key)} of a Deployment started without a plan")
            self.known.add(key)

    def judge(self, pod, census, bare, unregistered):
        key = f"{pod.namespace}/{pod.name} ({pod.kind})"
        if pod.denied and pod.outcome != "made":
            if self.calm.longest(pod.denied, pod.end) > self.BAR:
                self.broke(f"{key} was denied until the end: {pod.message}")
        if pod.denied:
            self.counts["denied"] += 1
        pod.fate = "bare"
        if pod.outcome in ("unreached", "denied"):
            # A required one is tried again until the end of its round.
            if pod.kind != "required" or pod.denied is None:
                away = self.calm.was_away(pod.begin, pod.end)
                self.counts["failed while the API server was away" if away else "failed"] += 1
                if not away:
                    self.broke(f"{key} failed: {pod.message}")
            return
        self.counts["made"] += 1
        pod.fate = "late" if pod.healed else "made"
        if pod.healed:
            self.counts["denied, and made after all"] += 1
            calm = self.calm.longest(pod.denied, pod.healed)
            self.healed.append(calm)
            if calm > self.BAR:
                self.broke(f"{key} was denied for {calm:.1f} s of calm")
        if pod.kind in ("plain", "left alone"):
            self.counts["left alone"] += 1
            return
        entry = census.pods.get((pod.namespace, pod.name))
        if entry is None:
            self.broke(f"{key} is gone")
            return
        if entry[1] != "notInjected":
            self.counts["injected"] += 1
            return
        self.counts["bare"] += 1
        pod.fate = "bare"
        account = entry[0]["spec"]["serviceAccountName"]
        if pod.kind == "required":
            self.counts["bare and required"] += 1
            if not any(begin - 1 < pod.end and pod.begin < end + 2 for begin, end in unregistered):
                self.broke(f"{key} started without a plan")
        # It is named, or as many are counted as were made without injection up to it.
        count = bare[pod.namespace, account] = bare.get((pod.namespace, account), 0) + 1
        # The census found it reported: it counts whatever was read between.
        at = self.reports.first((pod.namespace, account), pod.end, pod.name, count) or max(census.at, pod.end)
        self.reported.append((at - pod.end, self.calm.longest(pod.end, at)))
        if self.reported[-1][1] > self.BAR:
            self.broke(f"{key} was not injected, and reported after {self.reported[-1][1]:.1f} s of calm")
