"""What the API server's audit log says of who wrote what, and who held the Lease then."""
import datetime
import json

# Kept by every replica, with the version that it read as precondition.
EVERYBODYS = ("secrets", "mutatingwebhookconfigurations", "validatingwebhookconfigurations")


class Entry:
    """A successful write."""

    def __init__(self, event):
        self.user = event["user"]["username"]
        self.received = moment(event["requestReceivedTimestamp"])
        self.done = moment(event["stageTimestamp"])
        reference = event.get("objectRef", {})
        self.resource = "/".join(filter(None, [reference.get("resource"), reference.get("subresource")]))
        self.what = f"{event['verb']} {self.resource} {reference.get('namespace')}/{reference.get('name')}"
        self.lease = reference.get("namespace") if self.resource == "leases" else None
        holder = event.get("responseObject", {}).get("spec", {}).get("holderIdentity")
        self.renews = bool(self.lease and holder)
        self.gives_back = bool(self.lease and not holder)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def audit(cluster, users):
    """The writes by users whose names begin with `users`, and everybody's of Leases, in the order in which they were done."""
    entries = []
    with open(f"{cluster.folder}/audit.log", encoding="utf-8") as file:
        for line in file:
            if (users not in line and '"leases"' not in line) or not line.endswith("\n"):
                continue
            event = json.loads(line)
            reference = event.get("objectRef", {})
            if (event["user"]["username"].startswith(users) or reference.get("resource") == "leases") \
                    and 200 <= event["responseStatus"]["code"] < 300:
                entries.append(Entry(event))
    return sorted(entries, key=lambda entry: entry.done)


class Verdict:
    """Of the writes that are the leader's alone, by users of a namespace: how many there were, and which were not by the
    leader."""

    def __init__(self, entries, namespace):
        self.count, self.wrong = 0, []
        # Seconds between a theft of the Lease and what its former holder still wrote. Nobody can know of a theft before looking.
        self.after_theft = []
        users = f"system:serviceaccount:{namespace}:"
        history = [entry for entry in entries if entry.lease == namespace]
        for entry in entries:
            if entry.lease or not entry.user.startswith(users) or entry.resource in EVERYBODYS:
                continue
            self.count += 1
            # As the Lease was when the request came in.
            before = [change for change in history if change.done <= entry.received]
            if before and not before[-1].gives_back and before[-1].user == entry.user:
                continue
            legal = [change for change in before if change.user.startswith(users)]
            if before and before[-1] not in legal and legal and legal[-1].user == entry.user:
                self.after_theft.append(entry.received - before[-1].done)
            else:
                self.wrong.append(f"{entry.received:.3f} {entry.user} {entry.what}; the Lease: "
                                  + (before[-1].user if before else "nobody's"))
