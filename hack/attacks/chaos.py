"""Two replicas as the chart installs them, pods all along, faults drawn from a seed, and an oracle. See hack/chaos --help."""
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time

from audit import Verdict, audit
from chaos_report import markdown, picture, summary
from clock import Clock
from cluster import Cluster
from faults import Calm, Faults
from healing import Healing
from installation import NAMESPACE, Installation
from oracle import Census, Oracle, Reports
from population import Population

# After the last fault of a round, in seconds: nothing is made any more; all must be right; no more waiting.
REST, BAR, GIVE_UP = 7.5, 10.0, 60.0
THEFT_BAR = 5.0
SHORTEST_ROUND = 15


class Run:
    def __init__(self, options):
        self.options = options
        self.cluster = Cluster(options.control_plane)
        self.installation = Installation(self.cluster, options.lanyard)
        self.begin, self.rounds, self.settled, self.replaced = None, [], [], None

    def run(self):
        try:
            clock = Clock(self.cluster.folder, self.installation.replicas)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"skipped: clocks that jump, since their library cannot be built: {error}")
            clock = None
        self.installation.start()
        self.population = Population(self.cluster, self.options.seed, self.options.rate)
        self.faults = Faults(self.installation, self.options.other or self.options.lanyard, clock)
        self.calm = Calm(self.installation)
        self.reports = Reports(self.cluster)
        self.oracle = Oracle(self.population, self.calm, self.reports)
        self.healing = Healing(self.cluster, self.population, self.options.seed)
        self.begin = time.time()
        self.population.start()
        self.healing.start()
        time.sleep(3)
        for faults in self.faults.drawn(self.options.seed, self.options.seconds, BAR + 4):
            if time.time() > self.begin + self.options.seconds - SHORTEST_ROUND:
                break
            self.one_round(faults)
        self.population.stop()
        bare, left, seconds = self.healing.stop()
        self.replaced = {"bare": bare, "left": len(left), "seconds": seconds}
        for pod in left:
            self.oracle.broke(f"{pod} is without injection, and was not replaced in {seconds:.0f} s")
        self.calm.ended.set()
        self.reports.ended.set()
        self.fence()

    def one_round(self, faults):
        threads = [threading.Thread(target=self.fault, args=(fault,), daemon=True) for fault in faults]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.rounds.append(faults)
        last = max(fault.end for fault in faults)
        for fault in faults:
            print(f"{fault.begin - self.begin:7.1f} s  {fault.end - fault.begin:5.1f} s  {fault.name}: {fault.note}", flush=True)
        time.sleep(max(0, last + REST - time.time()))
        self.population.rest()
        census, after = self.settle(last)
        self.settled.append(after)
        if census is None:
            return
        spans = [(fault.begin, fault.end) for past in self.rounds[-1:] for fault in past
                 if fault.name.startswith("registrations deleted")]
        self.oracle.judge_round(census, spans)
        print(f"{time.time() - self.begin:7.1f} s  right {after:.1f} s after the last fault; "
              f"{self.oracle.counts['made']} pods so far", flush=True)
        self.clear()
        self.population.go_on()

    def fault(self, fault):
        time.sleep(fault.at)
        self.calm.happen(self.faults, fault)

    def settle(self, last):
        """:return: a census without anything wrong, and how long after the last fault that was."""
        wrong = ["nothing could be read"]
        seen = None
        while time.time() < last + GIVE_UP:
            at = time.time()
            try:
                census = Census(self.cluster, self.installation.replicas)
                wrong = census.wrong
            except (OSError, RuntimeError, KeyError) as error:
                wrong = [f"{type(error).__name__}: {error}"]
            if not wrong:
                return census, at - last
            if at > last + BAR and seen is None:
                seen = wrong
                for line in wrong:
                    self.oracle.broke(f"{at - last:.1f} s after the last fault: {line}")
            time.sleep(0.3)
        self.oracle.broke(f"still wrong {GIVE_UP:.0f} s after the last fault: {wrong[0]}")
        self.population.go_on()
        return None, GIVE_UP

    def clear(self):
        """The pods go, and the statuses follow, so that each round is judged for itself."""
        self.population.clear()
        deadline = time.time() + 10
        while time.time() < deadline:
            items = self.cluster.call("GET", "/apis/lanyard.dev/v1alpha1/workloadidentities")["items"]
            if not any(item["metadata"]["name"] != "deployed" and item["status"]["pods"]["total"] for item in items):
                break
            time.sleep(0.1)
        else:
            self.oracle.broke("pods that were deleted were still counted 10 s later")
        self.reports.forget()

    def fence(self):
        self.verdict = Verdict(audit(self.cluster, f"system:serviceaccount:{NAMESPACE}:"), NAMESPACE)
        for line in self.verdict.wrong:
            self.oracle.broke(f"written without the Lease: {line}")
        if max(self.verdict.after_theft, default=0) > THEFT_BAR:
            self.oracle.broke(f"written {max(self.verdict.after_theft):.1f} s after the Lease was stolen")
        for replica in self.installation.replicas:
            for at, what in replica.ends:
                self.oracle.broke(f"{at - self.begin:.1f} s: replica {replica.name} {what}")

    def result(self):
        oracle, replicas = self.oracle, self.installation.replicas
        return {
            "seed": self.options.seed, "seconds": round(time.time() - self.begin, 1), "rate": self.options.rate,
            "faults": [
                {"name": fault.name, "note": fault.note, "begin": fault.begin - self.begin, "end": fault.end - self.begin}
                for faults in self.rounds for fault in faults],
            "settled": self.settled, "pods": oracle.counts, "reported": oracle.reported, "healed": oracle.healed,
            "replaced": self.replaced,
            "writes": self.verdict.count, "written without the Lease": len(self.verdict.wrong),
            "written after a theft": self.verdict.after_theft,
            "lateness": self.calm.lateness, "load": os.getloadavg()[1],
            "answered": {replica.name: replica.wire.weather.answered for replica in replicas},
            "replicas": {
                replica.name: [(at - self.begin, memory, files, pid) for at, memory, files, pid in replica.samples]
                for replica in replicas},
            "made": [(pod.end - self.begin, pod.fate) for pod in self.population.made if pod.fate],
            "broken": oracle.broken,
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lanyard")
    parser.add_argument("control_plane")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=float, default=8)
    parser.add_argument("--report")
    parser.add_argument("--other")
    options = parser.parse_args()
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = Run(options)
    try:
        run.run()
    finally:
        run.installation.remove()
    result = run.result()
    print("\n".join(["", *summary(result)]))
    if options.report:
        for name, content in (("chaos.json", json.dumps(result)), ("chaos.md", markdown(result)),
                              ("chaos.svg", picture(result))):
            with open(f"{options.report}/{name}", "w", encoding="utf-8") as file:
                file.write(content + "\n")
    sys.exit(1 if result["broken"] else 0)


if __name__ == "__main__":
    main()
