"""What a run of hack/chaos showed, as text and as a picture."""
from xml.sax.saxutils import escape

INK, GREY, ORANGE, BLUE = "#1f2328", "#c8ccd4", "#f05138", "#4a6fa5"
WIDTH, LEFT, RIGHT = 960, 250, 20


def most(values):
    return max(values, default=0)


def middle(values):
    return sorted(values)[len(values) // 2] if values else 0


def summary(result):
    pods = result["pods"]
    delays, calm = zip(*result["reported"]) if result["reported"] else ((), ())
    faults = [fault for fault in result["faults"] if not fault["note"].startswith("could not be made")]
    lines = [
        f"seed {result['seed']}: {len(faults)} faults of {len({fault['name'] for fault in faults})} kinds in "
        f"{result['seconds']:.0f} s, and {len(result['faults']) - len(faults)} that could not be made",
        f"pods: {pods['made']} made, {pods['injected']} injected, {pods['left alone']} rightly left alone, "
        f"{pods['bare']} without injection",
        f"failed: {pods['failed']}, and {pods['failed while the API server was away']} while the API server was away",
        f"required: {pods['denied']} denied, {pods['denied, and made after all']} of them made when tried again, after "
        f"{most(result['healed']):.1f} s of calm at most; {pods['bare and required']} without a plan, which is right only while nothing is registered",
        f"healing: {result['replaced']['bare']} pods of Deployments that ask for it were without injection, "
        f"{result['replaced']['left']} are left {result['replaced']['seconds']:.0f} s after the end",
        f"without injection: reported {middle(delays):.1f} s later at the median, {most(delays):.1f} s at most, of which "
        f"{most(calm):.1f} s calm",
        f"all statuses right {middle(result['settled']):.1f} s after the last fault of a round at the median, "
        f"{most(result['settled']):.1f} s at most",
        f"{result['writes']} writes of leaders, {result['written without the Lease']} without the Lease; "
        f"{len(result['written after a theft'])} after a theft, {most(result['written after a theft']):.1f} s at most",
    ]
    for name, samples in result["replicas"].items():
        lines.append(
            f"replica {name}: {most([sample[1] for sample in samples]):.0f} MB at most, {samples[-1][1]:.0f} at the end; "
            f"{most([sample[2] for sample in samples])} open files at most, {samples[-1][2]} at the end")
    answered = {kind: sum(answers[kind] for answers in result["answered"].values())
                for kind in next(iter(result["answered"].values()))}
    lines.append("the replicas' requests answered badly: " + ", ".join(
        f"{count} by {kind}" for kind, count in answered.items()))
    lines.append(f"this machine: a load of {result['load']:.1f} in the last five minutes; {result['lateness']:.1f} s late at most")
    broken = result["broken"]
    lines.append(f"{len(broken)} promises broken" if broken else "all held")
    return lines + [f"  {line}" for line in broken[:40]]


def markdown(result):
    lines = [f"# hack/chaos, seed {result['seed']}", "", "![What was done, and what came of it](chaos.svg)", ""]
    lines += [f"* {line.strip()}" for line in summary(result)]
    lines += ["", "| from (s) | to (s) | fault | |", "|--:|--:|---|---|"]
    lines += [f"| {fault['begin']:.1f} | {fault['end']:.1f} | {fault['name']} | {fault['note']} |"
              for fault in result["faults"]]
    return "\n".join(lines)


class Picture:
    """Over a time in seconds: lanes, bars and curves, one below the other."""

    def __init__(self, title, seconds):
        self.seconds, self.y, self.parts = max(seconds, 1), 48, []
        self.text(LEFT, 24, title)

    def x(self, at):
        return LEFT + at / self.seconds * (WIDTH - LEFT - RIGHT)

    def text(self, at, y, what, anchor="start"):
        self.parts.append(f'<text x="{at:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{INK}">{escape(what)}</text>')

    def label(self, *lines):
        for number, line in enumerate(reversed(lines)):
            self.text(LEFT - 8, self.y - 14 - 16 * number, line, "end")

    def bar(self, begin, end, y, height, color):
        self.parts.append(f'<rect x="{self.x(begin):.1f}" y="{y:.1f}" width="{max(self.x(end) - self.x(begin), 1.5):.1f}" '
                          f'height="{height:.1f}" fill="{color}"/>')

    def lane(self, name, spans):
        self.bar(0, self.seconds, self.y + 15, 0.5, GREY)
        self.text(LEFT - 8, self.y + 12, name, "end")
        for begin, end in spans:
            self.bar(begin, end, self.y + 2, 11, ORANGE)
        self.y += 17

    def stacks(self, label, points, colors):
        """How many points there are of each kind, in steps of time."""
        self.y += 70
        step = max(1, self.seconds / 230)
        bins = {}
        for at, kind in points:
            counts = bins.setdefault(int(at / step), {})
            counts[kind] = counts.get(kind, 0) + 1
        tallest = most([sum(counts.values()) for counts in bins.values()]) or 1
        self.label(*label)
        for number, counts in bins.items():
            base = self.y
            for kind, color in colors.items():
                height = counts.get(kind, 0) / tallest * 56
                if height:
                    self.bar(number * step, (number + 0.8) * step, base - height, height, color)
                base -= height

    def curves(self, unit, lines):
        self.y += 74
        top = most([value for points in lines.values() for _, value in points]) or 1
        self.label(f"{unit}, up to {top:.0f}", ", ".join(f"{color}: {name}" for name, color in zip(lines, ("orange", "blue"))))
        for points, color in zip(lines.values(), (ORANGE, BLUE)):
            path = " ".join(f"{self.x(at):.1f},{self.y - value / top * 56:.1f}" for at, value in points if at >= 0)
            self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')

    def drawn(self):
        self.y += 24
        for mark in range(0, int(self.seconds) + 1, max(10, int(self.seconds / 6) // 10 * 10)):
            self.text(self.x(mark), self.y, f"{mark} s", "middle")
        height = self.y + 16
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
                f'font-size="12">\n<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(self.parts)
                + "\n</svg>")


def curves(title, seconds, families):
    """:param families: by unit, of each replica (second, value)."""
    picture = Picture(title, seconds)
    for unit, lines in families.items():
        picture.curves(unit, lines)
    return picture.drawn()


def picture(result):
    """A lane for each kind of fault; then pods by what became of them; then memory and open files."""
    drawing = Picture(
        f"Faults of seed {result['seed']}, and what became of {result['pods']['made']} pods", result["seconds"])
    for name in dict.fromkeys(fault["name"] for fault in result["faults"]):
        drawing.lane(name, [(fault["begin"], fault["end"]) for fault in result["faults"] if fault["name"] == name])
    drawing.stacks(
        ("pods made", "blue: denied first", "orange: not injected, or not made"), result["made"],
        {"made": GREY, "late": BLUE, "bare": ORANGE})
    for index, unit in ((1, "MB of memory"), (2, "open files")):
        drawing.curves(unit, {
            name: [(sample[0], sample[index]) for sample in samples] for name, samples in result["replicas"].items()})
    return drawing.drawn()
