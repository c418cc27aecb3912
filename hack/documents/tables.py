"""Tables and pictures that repeat what the sources say, compared with them."""

import re

import pages

README_LINES = 200


def read(name):
    return (pages.ROOT / name).read_text(encoding="utf-8")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


# ---- README

def check_readme(documents, fail):
    readme = next(page for page in documents if page.name == "README.md")
    if len(readme.lines) > README_LINES:
        fail("README.md", f"has {len(readme.lines)} lines, more than {README_LINES}")
    linked = {target.split("#")[0] for _, target in readme.links()}
    for page in documents:
        if page.name.startswith("docs/") and page.name not in linked:
            fail("README.md", f"does not link to {page.name}")
    dependencies = re.findall(r'\.package\(url: "[^"]*/([\w-]+)"', read("Package.swift"))
    section = read("README.md").split("\n## What it is built on\n")[1].split("\n## ")[0]
    for name in dependencies:
        if not re.search(rf"(?<![\w-]){name}(?![\w-])", section, re.I):
            fail("README.md", f"does not say what {name} is for, on which Package.swift depends")
    return len(readme.lines), len(dependencies)


# ---- the chart's values

def values_rows():
    """Key, default and description of each value of the chart, by its comments."""
    lines = read("charts/lanyard/values.yaml").splitlines()
    root = _tree(lines)
    rows = []

    def visit(path, node):
        children, comment = node["children"], node["comment"]
        if len(children) == 1 and comment and not path.count("."):
            (name, child), = children.items()
            if not child["children"] and not child["comment"] and "/" not in name:
                path, children, node = f"{path}.{name}", {}, child
        if children and (not comment or any(child["comment"] for child in children.values())):
            if comment and path:
                rows.append((path, "", comment))
            for name, child in children.items():
                visit(f"{path}.{name}".lstrip("."), child)
        else:
            rows.append((path, _default(node), comment))

    visit("", root)
    return rows


def _tree(lines):
    """Mappings by indentation, each with the comment above it. Values stay text."""
    root = {"children": {}, "comment": "", "text": [], "indent": -1}
    stack, comment, blank = [root], [], True
    for line in lines:
        if not line.strip():
            # A comment of a paragraph's own belongs to the file.
            comment, blank = [], True
            continue
        indent = len(line) - len(line.lstrip())
        if line.lstrip().startswith("#"):
            if blank and not comment or comment:
                comment.append(line.strip().lstrip("#").strip())
            else:
                comment = [line.strip().lstrip("#").strip()]
            continue
        while stack[-1]["indent"] >= indent and not line.lstrip().startswith("- "):
            stack.pop()
        match = re.match(r"([\w./-]+):(?: (.*))?$", line.strip())
        if match and stack[-1].get("list") is None:
            node = {"children": {}, "comment": " ".join(comment), "text": [match[2] or ""], "indent": indent}
            stack[-1]["children"][match[1]] = node
            stack.append(node)
        else:
            stack[-1]["text"].append(line.strip())
            stack[-1]["list"] = True
        comment, blank = [], False
    return root


def _default(node):
    if node["children"]:
        inner = ", ".join(f"{name}: {_default(child)}" for name, child in node["children"].items())
        text = "{" + inner + "}"
    else:
        text = " ".join(node["text"]).split("  #")[0].strip()
    if node.get("list") or len(text) > 100:
        return "…"
    return text


def values_table():
    rows = ["| value | default | what it is |", "|---|---|---|"]
    for path, default, comment in values_rows():
        comment = re.sub(r"(?<!`)(docs/([a-z-]+)\.md)(?!`)", r"[\1](\2.md)", comment.replace("|", "\\|"))
        comment = re.sub(r"(?<!`)(\[\{.*?\}\]|\{[^{}]*(?:\{[^{}]*\})?[^{}]*\})(?!`)", r"`\1`", comment)
        rows.append(f"| `{path}` | {f'`{default}`' if default not in ('', '…') else default} | {comment} |")
    return "\n".join(rows) + "\n"


def write_values():
    path = pages.ROOT / "docs/installation.md"
    text = path.read_text(encoding="utf-8")
    begin, end = "<!-- values: hack/check-docs --write -->\n", "<!-- /values -->"
    before, rest = text.split(begin)
    path.write_text(before + begin + values_table() + end + rest.split(end)[1], encoding="utf-8")


def check_values(fail):
    text = read("docs/installation.md")
    if values_table() not in text:
        written = set(re.findall(r"^\| `([\w.]+)` \|", text, re.M))
        wanted = {path for path, _, _ in values_rows()}
        detail = ", ".join(sorted(written ^ wanted)) or "defaults or descriptions"
        what = f"the table of values is not that of values.yaml ({detail}): hack/check-docs --write"
        fail("docs/installation.md", what)
    return len(values_rows())


# ---- lanyard verify

def check_verdicts(fail):
    """The reasons that lanyard verify gives: docs/command.md has each, and in its table no others."""
    folders = [
        pages.ROOT / "Sources" / folder for folder in ("WorkloadIdentity/Verification", "lanyard/Verification", "Operator/Trust")]
    sources = "".join(file.read_text(encoding="utf-8") for folder in folders for file in sorted(folder.glob("*.swift")))
    word = '"([A-Z][A-Za-z]+)"'
    known = set(re.findall(rf'(?:ExchangeCause|\.failed|\.denied|\.unknown)\(\s*{word}', sources))
    known |= {each for pair in re.findall(rf'\? {word} : {word}', sources) for each in pair}
    if len(known) < 30:
        fail("hack/check-docs", "finds no reasons of lanyard verify any more")
    name = "docs/command.md"
    section = read(name).split("\n## `lanyard verify`\n")[1].split("\n## ")[0]
    table = section.split("| `reason` of a failure |")[1].split("\n\n")[0]
    for reason in sorted(known):
        if f"`{reason}`" not in section:
            fail(name, f"does not have {reason}, a reason of lanyard verify")
    for reason in sorted(set(re.findall(r"`([A-Z]\w+)`", table)) - known):
        fail(name, f"has {reason}, which is no reason of lanyard verify")
    return len(known)


# ---- annotations

def check_annotations(fail):
    sources = "".join(
        path.read_text(encoding="utf-8") for path in sorted((pages.ROOT / "Sources/WorkloadIdentity").rglob("*.swift")))
    known = set(re.findall(r'AnnotationKey\(\s*"([a-z.-]+/[a-z-]+)"', sources))
    known |= {f"lanyard.dev/{name}" for name in re.findall(r'\b(?:lanyard|stamp)\(\s*"([a-z.-]+)"', sources)}
    text = read("docs/annotations.md")
    documented = set(re.findall(r"`((?:[a-z-]+\.)+[a-z]+/[a-z-]+)(?![\w./-])", text))
    for key in sorted(known - documented):
        fail("docs/annotations.md", f"does not have {key}")
    first_cells = [cells(line)[0] for line in text.splitlines() if line.startswith("| `")]
    listed = {key for cell in first_cells for key in re.findall(r"`([^`]+/[a-z-]+)`", cell)}
    labels = {"lanyard.dev/heal", "lanyard.dev/policy", "azure.workload.identity/use", "eks.amazonaws.com/skip-pod-identity-webhook"}
    for key in sorted(listed - known - labels):
        fail("docs/annotations.md", f"has {key}, which the sources do not know")
    return len(known)


# ---- commands of the program

def check_subcommands(run, fail):
    printed = run(["--help"])
    names = re.findall(r"^  ([a-z-]+) {2,}", printed.split("SUBCOMMANDS:")[1], re.M)
    documented = re.findall(r"^lanyard ([a-z-]+)", read("docs/command.md"), re.M)
    for name in names:
        if name not in documented:
            fail("docs/command.md", f"does not have lanyard {name}")
    return len(names)


# ---- the picture

def check_picture(fail):
    listed = re.search(r"^arrows='\n(.*?)'", read("hack/check-arrows"), re.S | re.M)[1]
    wanted = {line.split(":")[0]: set(line.split(":")[1].split()) for line in listed.splitlines()}
    drawn = re.findall(r'id="(\w+)-(\w+)"', read("docs/architecture.svg"))
    below = {module: set() for module in wanted}
    for upper, lower in drawn:
        if upper not in wanted or lower not in wanted[upper]:
            fail("docs/architecture.svg", f"{upper} imports no {lower}")
            continue
        below[upper].add(lower)

    def reach(module):
        return below[module] | {far for near in below[module] for far in reach(near)}

    for module, lower in wanted.items():
        for missing in sorted(lower - reach(module)):
            fail("docs/architecture.svg", f"no arrows lead from {module} to {missing}")
    return len(drawn)


def names_of_metrics():
    """Metrics that docs/operations.md has in its table."""
    return set(re.findall(r"^\| `(\w+)` \| (?:counter|gauge|histogram) ", read("docs/operations.md"), re.M))


def check_metrics(documents, fail):
    """Every metric that any page mentions is in the table."""
    known = names_of_metrics()
    families = "lanyard|admission_webhook|leader_election|workqueue|kubernetes_events|kubernetes_watch"
    count = 0
    for page in documents:
        for number, line in page.prose:
            for name in re.findall(rf"\b((?:{families})_[a-z_]+)\b", line):
                count += 1
                if name not in known:
                    fail(f"{page.name}:{number}", f"there is no metric {name}")
    return count
