"""Deployments that ask for healing: what nobody injected while all was in disorder is replaced once it is in order."""
import http.client
import json
import random
import threading
import time

from oracle import PLAN
from population import HEALED, NAMESPACES

# After a replacement that was no better it is not tried again for one minute, then two.
GIVE_UP = 300.0


class Healing:
    """Deletes pods of those Deployments as long as others are made, and says of all that they are ready, as a kubelet would."""

    def __init__(self, cluster, population, seed):
        self.cluster, self.population, self.seed = cluster, population, seed
        self.bare, self.ended = set(), threading.Event()
        self.threads = [threading.Thread(target=self.keep_ready, daemon=True), threading.Thread(target=self.delete, daemon=True)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def pods(self):
        for namespace in NAMESPACES:
            path = f"/api/v1/namespaces/{namespace}/pods"
            status, content = self.cluster.ask("GET", f"{path}?labelSelector=chaos%3D{HEALED}")
            for pod in json.loads(content).get("items", []) if status == 200 else []:
                if not pod["metadata"].get("deletionTimestamp"):
                    yield f"{path}/{pod['metadata']['name']}", pod

    def keep_ready(self):
        while not self.ended.wait(0.5):
            try:
                for path, pod in self.pods():
                    if PLAN not in pod["metadata"].get("annotations", {}):
                        self.bare.add(pod["metadata"]["uid"])
                    if not any(one["type"] == "Ready" for one in pod.get("status", {}).get("conditions", [])):
                        self.cluster.ask("PATCH", f"{path}/status", {"status": {
                            "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
                            "application/strategic-merge-patch+json")
            except (OSError, http.client.HTTPException, ValueError):
                pass

    def delete(self):
        draw = random.Random(f"{self.seed} deleted")
        while not self.ended.wait(2):
            if self.population.resting.is_set() or self.population.ended.is_set():
                continue
            try:
                pods = sorted(path for path, _ in self.pods())
                if pods:
                    self.cluster.ask("DELETE", f"{draw.choice(pods)}?gracePeriodSeconds=0")
            except (OSError, http.client.HTTPException, ValueError):
                pass

    def left(self):
        return [path for path, pod in self.pods() if PLAN not in pod["metadata"].get("annotations", {})]

    def stop(self):
        """Waits until none is left.

        :return: the pods that were bare at any time; those that are left; and the seconds it took.
        """
        begin = time.time()
        left = ["nothing could be read"]
        while left and time.time() < begin + GIVE_UP:
            try:
                left = self.left()
            except (OSError, http.client.HTTPException, ValueError):
                pass
            time.sleep(0.2)
        self.ended.set()
        return len(self.bare), left, time.time() - begin
