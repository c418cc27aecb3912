"""Links among pages, and what else names a page or a file."""

import re
import subprocess

import pages


def check(documents, fail):
    """Returns how many links and paths there are, and how many lead elsewhere."""
    by_path = {page.path: page for page in documents}
    inner = outer = 0
    for page in documents:
        for line, target in page.links():
            if re.match(r"https?://", target):
                outer += 1
            else:
                inner += 1
                _follow(by_path, page.path.parent, page.path, target, f"{page.name}:{line}", fail)
        for line, path in page.paths():
            inner += 1
            if not (pages.ROOT / path).exists():
                fail(f"{page.name}:{line}", f"there is no {path}")
    return inner + _mentions(by_path, fail), outer


def _follow(by_path, folder, own, target, where, fail):
    name, _, anchor = target.partition("#")
    path = (folder / name).resolve() if name else own
    if not path.exists():
        fail(where, f"{target} leads to no file")
    elif anchor and path not in by_path:
        fail(where, f"{target} names an anchor in what is no page")
    elif anchor and anchor not in by_path[path].anchors:
        fail(where, f"{target}: no such heading there")


def _mentions(by_path, fail):
    """Pages that comments, messages and the chart name, perhaps with an anchor."""
    found = subprocess.run(
        ["git", "grep", "-noE", r"docs/[a-z-]+\.md(#[a-z0-9-]+)?", "--", ":!*.md"],
        cwd=pages.ROOT, capture_output=True, text=True).stdout.splitlines()
    for line in found:
        name, number, target = line.split(":", 2)
        _follow(by_path, pages.ROOT, None, target, f"{name}:{number}", fail)
    return len(found)
