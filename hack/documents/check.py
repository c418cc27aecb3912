"""Checks the documentation: see hack/check-docs."""

import argparse
import contextlib
import subprocess
import sys

import cluster
import commands
import links
import pages
import tables

failures = []


def fail(where, what):
    failures.append(f"{where}: {what}")


def finish(what):
    """Ends a check: its line, or what is wrong."""
    if failures:
        for failure in dict.fromkeys(failures):
            print(f"check-docs: {failure}", file=sys.stderr)
        failures.clear()
        return False
    print(f"check-docs: {what}")
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    for program in ("lanyard", "kubectl", "helm"):
        parser.add_argument(f"--{program}", required=True)
    parser.add_argument("--kubeconfig")
    options = parser.parse_args()
    if options.write:
        tables.write_values()
    documents = pages.load()
    good = True

    inner, outer = links.check(documents, fail)
    good &= finish(f"{len(documents)} pages: {inner} links and paths lead somewhere ({outer} more lead to other sites)")

    lines, dependencies = tables.check_readme(documents, fail)
    good &= finish(f"README.md: {lines} lines, all pages, and {dependencies} dependencies with their reasons")

    def run(words):
        return subprocess.run([options.lanyard, *words], check=True, capture_output=True, text=True).stdout

    counts = (
        f"{tables.check_values(fail)} values of the chart, {tables.check_annotations(fail)} annotations, "
        f"{tables.check_subcommands(run, fail)} commands, {tables.check_verdicts(fail)} reasons of lanyard verify, "
        f"{tables.check_metrics(documents, fail)} mentions of metrics, {tables.check_picture(fail)} arrows of the picture")
    good &= finish(f"as the sources have them: {counts}")

    programs = {name: getattr(options, name) for name in ("lanyard", "kubectl", "helm")}
    checker = commands.Checker(programs, options.kubeconfig, fail)
    stage = contextlib.nullcontext()
    if options.kubeconfig:
        stage = cluster.Cluster(programs, options.kubeconfig, checker.folder)
    try:
        with stage:
            for page in documents:
                checker.check(page)
    finally:
        checker.close()
    good &= finish("commands: " + ", ".join(f"{count} {what}" for what, count in sorted(checker.counts.items())))
    sys.exit(0 if good else 1)


main()
