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
        f"{most(result['healed']):.1f} s of calm at most; {pods['bare and required']} made while nothing was registered",
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


def picture(result):
    """A lane for each kind of fault; then pods by what became of them; then memory and open files."""
    seconds = max(result["seconds"], 1)
    names = list(dict.fromkeys(fault["name"] for fault in result["faults"]))
    parts = []

    def x(at):
        return LEFT + at / seconds * (WIDTH - LEFT - RIGHT)

    def text(at, y, what, anchor="start"):
        parts.append(f'<text x="{at:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{INK}">{escape(what)}</text>')

    def bar(begin, end, y, height, color):
        parts.append(f'<rect x="{begin:.1f}" y="{y:.1f}" width="{max(end - begin, 1.5):.1f}" height="{height:.1f}" fill="{color}"/>')

    y = 48
    text(LEFT, 24, f"Faults of seed {result['seed']}, and what became of {result['pods']['made']} pods")
    for name in names:
        bar(LEFT, WIDTH - RIGHT, y + 15, 0.5, GREY)
        text(LEFT - 8, y + 12, name, "end")
        for fault in result["faults"]:
            if fault["name"] == name:
                bar(x(fault["begin"]), x(fault["end"]), y + 2, 11, ORANGE)
        y += 17
    y += 70
    step = max(1, seconds / 230)
    bins = {}
    for at, fate in result["made"]:
        counts = bins.setdefault(int(at / step), {})
        counts[fate] = counts.get(fate, 0) + 1
    tallest = most([sum(counts.values()) for counts in bins.values()]) or 1
    text(LEFT - 8, y - 30, "pods made", "end")
    text(LEFT - 8, y - 14, "(blue: denied first; orange: not made)", "end")
    for number, counts in bins.items():
        base = y
        for fate, color in (("made", GREY), ("late", BLUE), ("not made", ORANGE)):
            height = counts.get(fate, 0) / tallest * 56
            if height:
                bar(x(number * step), x((number + 1) * step) - 0.5, base - height, height, color)
            base -= height
    for index, unit in ((1, "MB of memory"), (2, "open files")):
        y += 74
        top = most([sample[index] for samples in result["replicas"].values() for sample in samples]) or 1
        text(LEFT - 8, y - 30, f"{unit}, up to {top:.0f}", "end")
        text(LEFT - 8, y - 14, "(grey: a, blue: b)", "end")
        for samples, color in zip(result["replicas"].values(), (GREY, BLUE)):
            points = " ".join(f"{x(sample[0]):.1f},{y - sample[index] / top * 56:.1f}" for sample in samples if sample[0] >= 0)
            parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    y += 24
    for mark in range(0, int(seconds) + 1, max(10, int(seconds / 6) // 10 * 10)):
        text(x(mark), y, f"{mark} s", "middle")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 16}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="{WIDTH}" height="{y + 16}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>")
