"""Compares how lanyard reads and writes YAML with PyYAML's parser in Python, which shares no code with libyaml.

What PyYAML tells is the structure. What texts without quotes mean is kubectl's business, and is written here once more:
PyYAML takes 1:30 for a number and a date for a date.
"""
import json
import math
import random
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import yaml

WORDS = {word: value for words, value in [
    (["", "~", "null", "Null", "NULL"], None),
    (["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"], True),
    (["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"], False)] for word in words}
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
BASES = [(re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16), (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
         (re.compile(r"[-+]?0[bB][01]+"), 2)]


TYPES = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}


class Loader(yaml.BaseLoader):
    """Tells plain texts from others by their tags."""

    def resolve(self, kind, value, implicit):
        if kind is yaml.ScalarNode:
            return "plain" if implicit[0] else "text"
        return super().resolve(kind, value, implicit)


class Refused(Exception):
    pass


def plain(text):
    if text in WORDS:
        return WORDS[text]
    digits = text.replace("_", "")
    if not text[:1].isascii() or text[:1] not in "+-.0123456789":
        return text
    for pattern, base in BASES:
        if pattern.fullmatch(digits):
            sign, magnitude = (digits[0], digits[1:]) if digits[0] in "+-" else ("", digits)
            number = int(magnitude.lstrip("0").lstrip("xXoObB") or "0", base) if base != 8 else int(
                re.sub("^0[oO]?", "", magnitude) or "0", 8)
            return number if sign != "-" else -number
    if DECIMAL.fullmatch(digits):
        return Decimal(digits)
    if text.lstrip("+-").lower() in (".inf", ".nan"):
        raise Refused("no number of JSON")
    return text


def value(node):
    if isinstance(node, yaml.ScalarNode):
        return plain(node.value) if node.tag == "plain" or node.tag in TYPES else node.value
    if isinstance(node, yaml.SequenceNode):
        return [value(element) for element in node.value]
    members, merged, merges = {}, [], 0
    for key, member in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Refused("a key is not a string")
        if key.tag == "plain" and key.value == "<<":
            merges += 1
            merged += member.value if isinstance(member, yaml.SequenceNode) else [member]
        elif key.value in members:
            raise Refused("a key twice")
        else:
            members[key.value] = value(member)
    if merges > 1 or not all(isinstance(other, yaml.MappingNode) for other in merged):
        raise Refused("merge keys")
    for other in merged:
        for key, member in value(other).items():
            members.setdefault(key, member)
    return members


def read(text):
    try:
        values = [value(node) for node in yaml.compose_all(text, Loader)]
    except (yaml.YAMLError, Refused) as problem:
        raise Refused(problem) from None
    return [one for one in values if one is not None]


# What lanyard reads and writes.

def lanyard(binary, text, output):
    run = subprocess.run([binary, "inject", "--platform", "eks", "-o", output, "-f", "-"], input=text.encode(),
                         capture_output=True, timeout=120)
    if run.returncode not in (0, 1, 2) or run.returncode == 2 and not run.stderr:
        sys.exit(f"check-yaml: lanyard ends with {run.returncode} for {text!r}")
    if run.returncode == 2:
        raise Refused(run.stderr.decode().strip())
    return run.stdout.decode()


def read_by_lanyard(binary, text):
    items = json.loads(lanyard(binary, text, "json"), parse_float=Decimal)["items"]
    return [item["value"] if item.get("kind") == "Wrapped" else item for item in items]


def wrapped(text):
    """The text as a member of an object: lanyard prints objects of kinds that it does not know as they are."""
    return "apiVersion: v1\nkind: Wrapped\nmetadata: {name: w}\nvalue:\n" + "".join(
        f"  {line}\n" for line in text.removeprefix("--- ").splitlines())


def wrapped_value(text):
    return [one["value"] if isinstance(one, dict) and one.get("kind") == "Wrapped" else one for one in read(text)]


# What is compared.

def own_texts():
    for path in sorted([*Path("manifests").rglob("*.yaml"), Path("charts/lanyard/values.yaml"),
                        *Path("charts/lanyard/crds").glob("*.yaml")]):
        # Nothing is injected without annotations, and what is no object is wrapped.
        text = path.read_text().replace("annotations:", "notes:")
        is_object = all(isinstance(one, dict) and "kind" in one and "metadata" in one for one in read(text))
        yield str(path), text if is_object else wrapped(text)
    for path in [*Path("docs").rglob("*.md"), Path("README.md")]:
        for number, block in enumerate(re.findall(r"^```ya?ml\n(.*?)^```", path.read_text(), re.S | re.M)):
            if "\n---" not in block and not block.startswith("---"):
                yield f"{path}, block {number + 1}", wrapped(block)


PIECES = ["a", "Z", "0", "7", " ", "  ", ": ", ":", " #", "#", "-", "- ", "?", "{", "}", "[", "]", ",", "&", "*", "!", "|",
          ">", "'", '"', "\\", "%", "@", "`", "=", "<<", "~", "null", "yes", "y", "1e3", "0x1F", "1:30", "---", "...", "\n",
          "\n\n", "\n ", "\t", "\r", "\r\n", "\0", "\x01", "\x7f", "\x85", "\u2028", "\ufeff", "é", "€", "😀", "word " * 20]


def made_up(numbers, depth=4):
    kind = numbers.randrange(6 if depth else 4)
    if kind < 3:
        return "".join(numbers.choices(PIECES, k=numbers.randrange(5)))
    if kind == 3:
        return numbers.choice([None, True, False, 0, -7, 1.5, 10**20])
    if kind == 4:
        return [made_up(numbers, depth - 1) for _ in range(numbers.randrange(4))]
    return {"".join(numbers.choices(PIECES, k=numbers.randrange(1, 4))): made_up(numbers, depth - 1)
            for _ in range(numbers.randrange(4))}


def hostile():
    """As in Tests/EndToEndTests/HostileYAML.swift: what stands for much, or deep, in few bytes; and less of it."""
    for levels in (3, 8, 40):
        for pattern in ("[{0}, {0}]", "{{b: {0}, c: {0}}}", "{{<<: {0}, x: z}}", "{{<<: [{0}, {0}]}}"):
            lines = ["a0: &a0 {x: y}"]
            lines += [f"a{n}: &a{n} " + pattern.format(f"*a{n - 1}") for n in range(1, levels)]
            yield f"laughs, {levels} levels of {pattern}", "\n".join(lines)
    for links, nesting in ((3, 5), (50, 2), (200, 1), (900, 60)):
        yield f"a chain of {links} links", "\n".join(
            f"- &a{n} {'[' * nesting}{f'*a{n - 1}' if n else 'x'}{']' * nesting}" for n in range(links))
    for depth in (50, 120, 400):
        yield f"{depth} levels", "[" * depth + "]" * depth
        yield f"{depth} levels of lines", "- " * depth + "x"


def mutated(numbers, text):
    for _ in range(numbers.randrange(1, 4)):
        at = numbers.randrange(len(text) + 1)
        end = min(len(text), at + numbers.randrange(8))
        piece = numbers.choice([*PIECES, "&a ", "*a", "<<: ", "? ", "  - ", "|\n", ">-\n", "!!int ", text[at:end]])
        text = text[:at] + piece + text[numbers.choice([at, end]):]
    return text


BOUNDS = ("its aliases stand for too much", "the document is nested too deep")


class Comparison:
    def __init__(self, binary):
        self.binary = binary
        self.differences = []
        self.same = self.bounded = self.refused = self.disputed = 0

    def reading(self, name, text, is_mutated=False):
        try:
            found = read_by_lanyard(self.binary, text)
        except Refused as problem:
            if str(problem).endswith(BOUNDS):
                self.bounded += 1
                return
            found = problem
        try:
            expected = wrapped_value(text)
        except (Refused, RecursionError) as problem:
            expected = problem
        refusals = isinstance(found, Refused) + isinstance(expected, Exception)
        if refusals == 2:
            self.refused += 1
        elif refusals == 1 and is_mutated:
            # The two disagree on some texts at which YAML's grammar is dark; what both read must be the same.
            self.disputed += 1
        elif refusals or not same(found, expected):
            self.differences.append((name, text, found, expected))
        else:
            self.same += 1

    def writing(self, name, made):
        made = {"apiVersion": "v1", "kind": "Wrapped", "metadata": {"name": "w"}, "value": made}
        # YAML has escapes of its own for what JSON escapes as two halves.
        text = re.sub(r"\\ud[89ab]..\\ud[c-f]..", lambda pair: json.loads(f'"{pair[0]}"'), json.dumps(made))
        written = lanyard(self.binary, text, "yaml")
        # Everything that PyYAML reads by YAML 1.1 must be what it was: what could be something else is in quotes.
        found = yaml.safe_load(written)
        if same(found, made):
            self.same += 1
        else:
            self.differences.append((name, written, found, made))


def same(left, right):
    if isinstance(left, (int, float, Decimal)) and isinstance(right, (int, float, Decimal)):
        return isinstance(left, bool) == isinstance(right, bool) and (
            left == right or math.isclose(left, right, rel_tol=1e-15))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def main():
    binary, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    numbers = random.Random(1)
    comparison = Comparison(binary)
    own = list(own_texts())
    for name, text in own:
        comparison.reading(name, text)
    for name, text in hostile():
        comparison.reading(name, wrapped(text))
    for number in range(count):
        text = yaml.safe_dump(
            made_up(numbers), default_flow_style=numbers.choice([True, False, None]), width=numbers.choice([20, 80, 9999]),
            default_style=numbers.choice([None, '"', "'", "|", ">"]), allow_unicode=numbers.random() < 0.5)
        if not re.search("^(---|\\.\\.\\.)", text, re.M):
            comparison.reading(f"made up {number}", wrapped(text))
        comparison.writing(f"written {number}", made_up(numbers))
        name, text = own[number % len(own)]
        comparison.reading(f"mutated {number} of {name}", mutated(numbers, text[:4000]), is_mutated=True)
    for name, text, found, expected in comparison.differences:
        print(f"{name}: lanyard and PyYAML differ\n  {text!r}\n  lanyard: {found!r}\n  PyYAML:  {expected!r}")
    print(f"check-yaml: {comparison.same} the same, {comparison.refused} refused by both, {comparison.bounded} too much for "
          f"lanyard, {comparison.disputed} mutated ones read by one alone, {len(comparison.differences)} differences")
    sys.exit(1 if comparison.differences else 0)


main()
