"""The chart as Helm renders it, and how checks tell what is wrong."""

import concurrent.futures
import functools
import pathlib
import re
import subprocess
import sys

import yaml


class Checks:
    """Collects what is wrong. A check ends with its line; a failed one ends the program."""

    def __init__(self):
        self._failures = []

    def fail(self, where, what):
        self._failures.append(f"{where}: {what}")

    def finish(self, what):
        if self._failures:
            for failure in dict.fromkeys(self._failures):
                print(f"check-manifests: {failure}", file=sys.stderr)
            sys.exit(1)
        print(f"check-manifests: {what}")


class Refused(Exception):
    """What Helm says of values that it does not take."""


class Chart:
    """A chart in a folder, or in an archive."""

    def __init__(self, helm, path):
        self.helm = helm
        self.path = path

    @functools.cached_property
    def values(self):
        return yaml.safe_load(text_of(self.path / "values.yaml"))

    @functools.cached_property
    def schema(self):
        # JSON is YAML.
        return yaml.safe_load(text_of(self.path / "values.schema.json"))

    @functools.cached_property
    def description(self):
        return yaml.safe_load(text_of(self.path / "Chart.yaml"))

    def template(self, *options, values=None, kubernetes=None):
        """What Helm prints, hooks included; raises what it says if it refuses."""
        command = [self.helm, "template", "lanyard", self.path, "--namespace", "lanyard-system", *options]
        if kubernetes:
            command += ["--kube-version", kubernetes]
        if values is not None:
            command += ["--values", "-"]
        text = "" if values is None else yaml.safe_dump(values)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refused(done.stderr.strip())
        return done.stdout

    def objects(self, *options, **settings):
        """What Helm renders: each object with its template."""
        found = []
        for document in re.split(r"^---\n", self.template(*options, **settings), flags=re.M):
            item = yaml.safe_load(document)
            if item:
                source = re.search(r"^# Source: \w+/(\S+)", document, flags=re.M)
                found.append((f"{self.path}/{source[1]}", item))
        return found

    def outcome(self, *options, **settings):
        """What Helm prints, or why it refuses, as text that can be compared."""
        try:
            return self.template(*options, **settings)
        except Refused as refusal:
            return f"refused: {refusal}"


def in_parallel(function, inputs):
    """The results for all inputs, in their order. Most of the time goes into Helm's own start."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(function, inputs))


def text_of(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def objects_of(text):
    return [document for document in yaml.safe_load_all(text) if document]


def identity(item):
    metadata = item.get("metadata", {})
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{item.get('kind')} {place}{metadata.get('name')}"


def find(rendered, kind, name="lanyard"):
    """The object of a kind and a name, among those of `Chart.objects`; `None` if it is not rendered."""
    return next((item for _, item in rendered if item["kind"] == kind and item["metadata"]["name"] == name), None)


def leaves(value):
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member)
    else:
        yield value
