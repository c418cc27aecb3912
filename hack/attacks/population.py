"""Pods that are created all along, in several namespaces, some of them through Deployments; and what became of each."""
import http.client
import random
import threading
import time

NAMESPACES = ("chaos-a", "chaos-b", "chaos-c")
ROLE = "arn:aws:iam::111122223333:role/bedrock"
REGIONS = ("eu-central-1", "us-east-1")
# Their annotations ask for a provider. `moving` is given another region again and again, and `deployed` has the Deployments.
ACCOUNTS = ("llm", "moving", "deployed")
DEPLOYMENTS = {"web": None, "strict": "required", "healed": None}
# It asks for healing. Its pods are for healing.py alone, which deletes some of them and says that they are ready.
HEALED = "healed"
# Kinds of pods: ServiceAccount, label, and how many of a hundred.
KINDS = {
    "annotated": ("llm", None, 40),
    "moving": ("moving", None, 10),
    "required": ("llm", "required", 30),
    "plain": ("plain", None, 15),
    "left alone": ("llm", "false", 5),
}
LABEL = "lanyard.dev/inject"


class Made:
    """One attempt to make a pod, and those that followed."""

    def __init__(self, kind, namespace, name):
        self.kind, self.namespace, self.name = kind, namespace, name
        self.begin = self.end = time.time()
        self.outcome, self.message = None, ""
        # When it was denied first, and when it was made after all.
        self.denied = self.healed = None
        # What the oracle makes of it: `made`, `late` if it was denied first, `bare` if it was not injected, or not made.
        self.fate = None


class Population:
    def __init__(self, cluster, seed, rate, threads=10):
        self.cluster, self.seed, self.rate = cluster, seed, rate
        self.made, self.lock, self.next = [], threading.Lock(), 0
        self.ended, self.resting = threading.Event(), threading.Event()
        self.regions, self.busy = {}, 0
        for namespace in NAMESPACES:
            cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
            for account in (*ACCOUNTS, "plain"):
                annotations = {"eks.amazonaws.com/role-arn": ROLE, "lanyard.dev/aws-region": REGIONS[0]}
                cluster.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {
                    "name": account, "annotations": {} if account == "plain" else annotations}})
            for name, label in DEPLOYMENTS.items():
                cluster.create(f"/apis/apps/v1/namespaces/{namespace}/deployments", deployment(name, label))
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]
        self.threads.append(threading.Thread(target=self.change, daemon=True))

    def start(self):
        self.begin = time.time()
        for thread in self.threads:
            thread.start()

    def rest(self):
        """Nothing is made or changed from now on, until `go_on`. It returns when all that was under way is done."""
        self.resting.set()
        deadline = time.time() + 15
        while self.busy and time.time() < deadline:
            time.sleep(0.05)

    def go_on(self):
        with self.lock:
            self.begin = time.time() - self.next / self.rate
        self.resting.clear()

    def run(self):
        while not self.ended.is_set():
            with self.lock:
                number, self.next = self.next, self.next + 1
            while not self.ended.is_set() and (
                    self.resting.is_set() or time.time() < self.begin + number / self.rate):
                time.sleep(0.02)
            if self.ended.is_set():
                return
            draw = random.Random(f"{self.seed} {number}")
            kind = draw.choices(list(KINDS), [share for _, _, share in KINDS.values()])[0]
            pod = Made(kind, draw.choice(NAMESPACES), f"p{number}")
            with self.lock:
                self.made.append(pod)
                self.busy += 1
            self.make(pod)
            with self.lock:
                self.busy -= 1

    def make(self, made):
        account, label, _ = KINDS[made.kind]
        body = {"metadata": {"name": made.name, "labels": {LABEL: label} if label else {}}, "spec": spec(account)}
        while True:
            at = time.time()
            try:
                status, content = self.cluster.ask("POST", f"/api/v1/namespaces/{made.namespace}/pods", body)
            except (OSError, http.client.HTTPException) as error:
                made.outcome, made.message = "unreached", f"{type(error).__name__}: {error}"
            else:
                made.outcome = "made" if status in (201, 409) else "denied"
                made.message = "" if made.outcome == "made" else f"{status} {content[:200].decode(errors='replace')}"
            made.end = time.time()
            if made.outcome == "denied" and made.kind == "required" and made.denied is None:
                made.denied = made.end
            if made.outcome == "made" or made.kind != "required":
                if made.outcome == "made" and made.denied:
                    made.healed = made.end
                return
            # It is tried again, as a controller would; not to the end of time.
            if self.ended.is_set() or (self.resting.is_set() and at > made.begin + 60):
                return
            time.sleep(0.5)

    def change(self):
        """Other changes: regions of ServiceAccounts, and Deployments that are scaled and rolled out."""
        draw = random.Random(f"{self.seed} changes")
        while not self.ended.wait(1.5):
            namespace, what = draw.choice(NAMESPACES), draw.choice(("region", "scale", "scale", "roll"))
            name, number = draw.choice([name for name in DEPLOYMENTS if name != HEALED]), draw.randrange(1, 6)
            if self.resting.is_set():
                continue
            path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
            patch = {"spec": {"replicas": number}} if what == "scale" else {
                "spec": {"template": {"metadata": {"annotations": {"chaos/rolled": str(time.time())}}}}}
            if what == "region":
                path = f"/api/v1/namespaces/{namespace}/serviceaccounts/moving"
                patch = {"metadata": {"annotations": {"lanyard.dev/aws-region": draw.choice(REGIONS)}}}
            try:
                self.cluster.ask("PATCH", path, patch, "application/merge-patch+json")
            except (OSError, http.client.HTTPException):
                pass

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(20)

    def clear(self):
        """Deletes the pods that nothing made, so that those that are named stay few."""
        for namespace in NAMESPACES:
            self.cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/pods?labelSelector=!chaos&gracePeriodSeconds=0")


def spec(account):
    return {"serviceAccountName": account, "containers": [{"name": "app", "image": "app:1"}]}


def deployment(name, label):
    labels = {"chaos": name} | ({LABEL: label} if label else {})
    is_healed = name == HEALED
    return {
        "metadata": {"name": name, "annotations": {"lanyard.dev/heal": "restart"} if is_healed else {}},
        "spec": {
            "replicas": 3 if is_healed else 2, "selector": {"matchLabels": {"chaos": name}},
            # No pod of the others becomes ready here, so a rollout goes on only if it need not wait for that.
            "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": labels}, "spec": spec("deployed")}}}
