"""What goes wrong: each fault, what it lays its hands on, and the draws of a run."""
import random
import signal
import subprocess
import threading
import time

from certificates import SECRET, Secret
from installation import NAMESPACE

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/lanyard-controller"


class Fault:
    """One that was drawn.

    :param at: seconds after the beginning of its round.
    :param lasts: seconds, where it is up to the draw.
    """

    def __init__(self, name, at, lasts, which):
        self.name, self.at, self.lasts, self.which = name, at, lasts, which
        self.begin = self.end = None
        self.note = ""


class Faults:
    """Each kind of fault is a method: it returns when it is over. `target` is the replica that was drawn."""

    def __init__(self, installation, other, clock=None):
        self.installation, self.cluster, self.other, self.clock = installation, installation.cluster, other, clock
        self.own = installation.replicas[0].lanyard
        self.runs = {
            # name: (what does it, what of the installation it needs for itself)
            "a replica killed": (self.kill, "replica"),
            "both replicas killed": (self.kill_both, "replicas"),
            "a replica stopped for a while": (self.stop, "replica"),
            "the leader stopped for longer than its Lease": (self.stop_leader, "replicas"),
            "rolling restart": (self.roll, "replicas"),
            "another version, and back": (self.exchange, "replicas"),
            "API server killed": (self.restart_server, "server"),
            "etcd compacted, the replicas cut off": (self.compact, "server wires"),
            "Secret deleted": (self.delete_secret, "secret"),
            "caBundles emptied": (self.empty_bundles, "registration"),
            "leaf rotated": (self.rotate_leaf, "secret"),
            "CA rotated": (self.rotate_authority, "secret"),
            "registrations deleted, and put back": (self.unregister, "registration"),
            "Lease stolen": (self.steal, "lease"),
            "webhook slow": (self.slow_webhook, "webhook wire"),
            "webhook's connections cut": (self.cut_webhook, "webhook wire"),
            "webhook's bytes swallowed": (self.silence_webhook, "webhook wire"),
            "API server slow for a replica": (self.slow_server, "server wires"),
            "a replica's connections cut": (self.cut_server, "server wires"),
            "a replica cut off in silence": (self.silence_server, "server wires"),
            "a replica's watches dead but open": (self.kill_watches, "server wires"),
            "429, 500, 503 and cuts for a replica": (self.answer_badly, "server wires"),
        }
        if clock:
            self.runs["a replica's clock jumps"] = (self.jump, "clock")

    def drawn(self, seed, seconds, settling):
        """The rounds of a run: faults, some at the same time, then quiet. Each kind comes once before any comes again."""
        draw, bag, rounds, length = random.Random(seed), [], [], 0
        while length < seconds:
            faults, held, at = [], set(), 0.0
            wanted = draw.randint(1, 4)
            while len(faults) < wanted:
                if not bag:
                    bag = list(self.runs)
                    draw.shuffle(bag)
                name = next((name for name in bag if self.needs(name).isdisjoint(held)), None)
                if name is None:
                    break
                bag.remove(name)
                held |= self.needs(name)
                faults.append(Fault(name, at, draw.uniform(2, 9), draw.randrange(2)))
                # Half of them come at once.
                at += draw.choice((0.0, draw.uniform(0.5, 5)))
            rounds.append(faults)
            length += at + 8 + settling
        return rounds

    def needs(self, name):
        need = self.runs[name][1]
        return {"replica", "replicas"} if need in ("replica", "replicas") else {need}

    def happen(self, fault):
        target = self.installation.replicas[fault.which]
        fault.begin = time.time()
        try:
            fault.note = self.runs[fault.name][0](target, fault.lasts) or f"replica {target.name}"
        except Exception as error:  # Another fault may be in its way: that is no failure of the run, and it is said.
            fault.note = f"could not be made: {type(error).__name__}: {error}"[:200]
        fault.end = time.time()

    # MARK: Processes

    def kill(self, target, lasts):
        target.end(signal.SIGKILL)
        time.sleep(lasts / 3)
        target.start()

    def kill_both(self, _, lasts):
        for replica in self.installation.replicas:
            replica.end(signal.SIGKILL)
        time.sleep(lasts / 3)
        for replica in self.installation.replicas:
            replica.start()
        return "both"

    def stop(self, target, lasts):
        target.process.send_signal(signal.SIGSTOP)
        time.sleep(lasts)
        target.process.send_signal(signal.SIGCONT)

    def stop_leader(self, target, lasts):
        leader = self.leader() or target
        self.stop(leader, 10 + lasts)
        return f"replica {leader.name}"

    def leader(self):
        return next((replica for replica in self.installation.replicas if any(
            name.startswith("leader_election_master_status") and value
            for name, value in replica.metrics().items())), None)

    def roll(self, *_):
        for replica in self.installation.replicas:
            self.replace(replica, replica.lanyard)
        return "both"

    def exchange(self, *_):
        there = self.other if self.installation.replicas[0].lanyard == self.own else self.own
        for program in (there, self.own):
            for replica in self.installation.replicas:
                self.replace(replica, program)
        return "both"

    def replace(self, replica, program):
        """As the Deployment does, the next one only when this one is ready."""
        replica.end()
        replica.lanyard = program
        replica.start()
        deadline = time.time() + 60
        while not replica.asked("/readyz"):
            if time.time() > deadline:
                raise RuntimeError(f"{replica.name} does not become ready")
            time.sleep(0.1)

    # MARK: The API server

    def restart_server(self, _, lasts):
        self.control_plane("stop-apiserver")
        time.sleep(lasts / 2)
        self.control_plane("start-apiserver")
        return "away meanwhile"

    def compact(self, *_):
        for replica in self.installation.replicas:
            replica.wire.weather.is_silent = True
        time.sleep(1)
        self.control_plane("compact")
        for replica in self.installation.replicas:
            replica.wire.weather.is_silent = False
            replica.wire.cut()
        return "both"

    def control_plane(self, command):
        subprocess.run(["hack/control-plane", command, self.cluster.folder], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    # MARK: Objects

    def delete_secret(self, *_):
        self.cluster.call("DELETE", SECRET)
        return "it"

    def empty_bundles(self, *_):
        for registration in self.installation.registrations:
            self.cluster.call(
                "PATCH", self.installation.path(registration, f"/{registration['metadata']['name']}"),
                [{"op": "replace", "path": f"/webhooks/{entry}/clientConfig/caBundle", "value": ""}
                 for entry in range(len(registration["webhooks"]))], "application/json-patch+json")
        return "all"

    def rotate_leaf(self, *_):
        secret = Secret(self.cluster)
        secret.age_leaf()
        secret.write()
        return "by age"

    def rotate_authority(self, *_):
        secret = Secret(self.cluster)
        secret.announce_authority()
        secret.write()
        return "by age"

    def unregister(self, _, lasts):
        self.installation.unregister()
        time.sleep(lasts / 3)
        self.installation.register()
        return "all"

    def steal(self, *_):
        """The thief never renews: it leads until the Lease expires."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        self.cluster.call("PATCH", LEASE, {"spec": {
            "holderIdentity": "thief", "renewTime": now, "acquireTime": now}}, "application/merge-patch+json")
        time.sleep(8)
        return "by nobody that leads"

    # MARK: Wires

    def disturb(self, wire, lasts, **weather):
        for name, value in weather.items():
            setattr(wire.weather, name, value)
        time.sleep(lasts)
        for name, value in weather.items():
            setattr(wire.weather, name, type(value)())

    def slow_webhook(self, _, lasts):
        self.disturb(self.installation.webhooks, lasts, delay=0.3)
        return "0.3 s each way"

    def cut_webhook(self, *_):
        self.installation.webhooks.cut()
        return "all"

    def silence_webhook(self, _, lasts):
        self.disturb(self.installation.webhooks, lasts, is_silent=True)
        self.installation.webhooks.cut()
        return "all"

    def slow_server(self, target, lasts):
        self.disturb(target.wire, lasts, delay=0.5)

    def cut_server(self, target, _):
        target.wire.cut()

    def silence_server(self, target, lasts):
        self.disturb(target.wire, lasts * 2, is_silent=True)
        target.wire.cut()

    def kill_watches(self, target, lasts):
        self.disturb(target.wire, lasts, has_dead_watches=True)

    def answer_badly(self, target, lasts):
        self.disturb(target.wire, lasts, errors=0.3)

    # MARK: The clock

    def jump(self, target, lasts):
        """Forward or backward, past the Lease and past the hour by which certificates are backdated; and back."""
        jump = 5400 if lasts < 5.5 else -5400
        self.clock.set(target, jump)
        time.sleep(lasts)
        self.clock.set(target, 0)
        return f"replica {target.name}, by {jump} s"


class Calm:
    """When nothing was wrong: no fault under way, the API server there, and a replica ready."""

    def __init__(self, installation):
        self.installation = installation
        self.under_way, self.lock = 0, threading.Lock()
        # [begin, end] of times without calm, and of times without the API server; the end is None while it lasts.
        self.storms, self.absences = [], []
        self.ended = threading.Event()
        # By how many seconds this machine was late at most: what it cannot do in time is no failure of Lanyard.
        self.lateness = 0.0
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        before = time.time()
        while not self.ended.wait(0.05):
            self.lateness = max(self.lateness, time.time() - before - 0.05)
            before = time.time()
            ready = any(replica.is_ready for replica in self.installation.replicas)
            self.note(self.storms, self.under_way > 0 or not ready)
            for replica in self.installation.replicas:
                if not self.under_way:
                    replica.watch_over()

    @staticmethod
    def note(spans, is_so):
        now = time.time()
        is_open = bool(spans) and spans[-1][1] is None
        if is_so and not is_open:
            spans.append([now, None])
        elif is_open and not is_so:
            spans[-1][1] = now

    def happen(self, faults, fault):
        with self.lock:
            self.under_way += 1
        if fault.name == "API server killed":
            self.note(self.absences, True)
        faults.happen(fault)
        if fault.name == "API server killed":
            self.note(self.absences, False)
        with self.lock:
            self.under_way -= 1

    def longest(self, begin, end):
        """The longest time without a storm between two moments, in seconds."""
        longest, at = 0.0, begin
        for storm in self.storms:
            if storm[0] > at:
                longest = max(longest, min(storm[0], end) - at)
            at = max(at, storm[1] or end)
            if at >= end:
                return longest
        return max(longest, end - at)

    def was_away(self, begin, end):
        # A second more: what was under way when it was killed, and connections that go on trying.
        return any(absence[0] - 1 < end and (absence[1] or end) + 1 > begin for absence in self.absences)
