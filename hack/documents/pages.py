"""Pages of Markdown: their headings, links and blocks of code."""

import dataclasses
import functools
import itertools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Block:
    """A fenced block of code."""

    language: str
    line: int  # of its first line of code
    lines: list[str]

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    def shown(self, line):
        """What a console shows below the command of that line."""
        return list(itertools.takewhile(lambda text: not text.startswith("$ "), self.lines[line - self.line + 1:]))


class Page:
    """One file of Markdown."""

    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.blocks = []
        self.prose = []  # lines outside of blocks, with their numbers
        self._read()

    def _read(self):
        block, indent = None, 0
        for number, line in enumerate(self.lines, start=1):
            fence = re.match(r"( *)```(\w*)$", line)
            if block is None and fence:
                block, indent = Block(fence[2], number + 1, []), len(fence[1])
            elif fence:
                self.blocks.append(block)
                block = None
            elif block is not None:
                block.lines.append(line[indent:] if not line[:indent].strip() else line)
            else:
                self.prose.append((number, line))
        if block is not None:
            raise SystemExit(f"check-docs: {self.name}:{block.line - 1}: this block of code does not end")

    @functools.cached_property
    def anchors(self):
        """What a link may name after "#": the headings, as GitHub writes them."""
        found = {}
        for _, line in self.prose:
            if heading := re.match(r"#{1,6} (.+)$", line):
                text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).lower().replace("`", "")
                anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
                count = found.get(anchor, 0)
                found[anchor] = count + 1
                if count:
                    found[f"{anchor}-{count}"] = 1
        return set(found)

    def links(self):
        """Each link and picture: line and target."""
        for number, line in self.prose:
            for match in re.finditer(r"!?\[(?:[^][]|`[^`]*`)*\]\(([^()\s]+)\)", line):
                yield number, match[1]

    def paths(self):
        """What looks like a path of this repository, in `code`."""
        folders = r"(?:hack|docs|charts|manifests|Sources|Tests)"
        for number, line in self.prose:
            for match in re.finditer(rf"`({folders}/[\w./+-]+)`", line):
                yield number, match[1]


def load():
    """All pages that are part of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return [Page(ROOT / name) for name in sorted(set(listed)) if (ROOT / name).exists()]
