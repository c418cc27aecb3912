"""From one release to the next: what stays as it was, and what users' pods notice."""

import json
import os
import tarfile
import tempfile
from pathlib import Path

from operations import APPLICATION, expect_ready_report, expect_same_trust, roll, run_application
from pods import running_pod
from processes import Failure, eventually, run
from release import REPORTS
from shown import NotShown
from steady import SteadyPods

# The chart before this release: the last commit at which it was different.
BEFORE = "38a2e61"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workloadidentities.lanyard.dev"
COMMAND = "kubectl apply --server-side --force-conflicts -f "


def upgrade(world):
    """From the chart of the release before, with the same image."""
    cluster, release = world.cluster, world.release
    with tempfile.TemporaryDirectory() as folder:
        chart = chart_before(cluster.repository, Path(folder))
        if release.configuration is not None:
            release.uninstall()
        release.install("eks", chart=chart)
        pod = run_application(world)
        eventually(lambda: expect_ready_report(release), "the report says that all is well")
        authority, reports = release.authority(), report_uids(cluster)
        drop_field(cluster)
        with SteadyPods(cluster, 100, 5) as pods:
            yield "helm upgrades the chart before", lambda: release.install("eks") and None
            yield "every pod that was created meanwhile is injected", pods.figure
        yield "the log says that the definition is older, and the command that replaces it", lambda: replace_definition(
            cluster, release)
        yield "the CA is the same", lambda: expect_same_trust(release, authority)
        yield "the reports are the same objects", lambda: expect_equal(report_uids(cluster), reports)
        yield "the application's pod has not been touched", lambda: expect_equal(
            running_pod(cluster, APPLICATION, "bedrock")["metadata"]["uid"], pod["metadata"]["uid"])
        yield "its report says that all is well", lambda: eventually(
            lambda: expect_ready_report(release), "the report is right")
        # It looks once a minute.
        yield "the log says that the definition is this release's", lambda: eventually(
            lambda: logged(release, "the installed definition is of this release"), "it is logged", within=75) and None


def drop_field(cluster):
    """Makes the definition one of an earlier release, of which Helm upgrades none."""
    definition = cluster.call("GET", DEFINITION)
    for version in definition["spec"]["versions"]:
        del version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["warnings"]
    cluster.call("PUT", DEFINITION, definition)


def replace_definition(cluster, release):
    entry = eventually(
        lambda: logged(release, "the installed definition is older than this release"), "it is logged")
    if entry["missing"] != "status.warnings" or not entry["remedy"].startswith(COMMAND):
        raise Failure(f"it says {entry}")
    # What follows the file's path is not the command's.
    file = entry["remedy"].removeprefix(COMMAND).partition(",")[0]
    cluster.kubectl(*COMMAND.split()[1:], f"{cluster.repository}/{file}")
    return entry["remedy"]


def logged(release, message):
    """The fields of a line of the log."""
    for line in release.log().splitlines():
        if f'"{message}"' in line:
            return json.loads(line[line.index("{"):])
    raise Failure(f"nobody logs {message!r}")


def chart_before(repository, folder):
    file = folder / "chart.tar"
    done = run(["git", "-C", repository, "archive", "-o", file, BEFORE, "charts/lanyard"], env=dict(os.environ))
    if done.returncode != 0:
        raise NotShown(f"the commit {BEFORE} is not in this clone")
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    return folder / "charts/lanyard"


def report_uids(cluster):
    return {
        each["metadata"]["name"]: each["metadata"]["uid"] for each in cluster.items(REPORTS)
        if each["metadata"]["namespace"] == APPLICATION
    }


def expect_equal(found, expected):
    if found != expected:
        raise Failure(f"{found}, where it was {expected}")


def thousand(world):
    """1,000 pods at 20 a second through two rolling restarts and an upgrade."""
    cluster, release = world.cluster, world.release
    with tempfile.TemporaryDirectory() as folder:
        chart = chart_before(cluster.repository, Path(folder))
        if release.configuration is not None:
            release.uninstall()
        release.install("eks", chart=chart)
        with SteadyPods(cluster, 1000, 20) as pods:
            yield "a rolling restart ends", lambda: roll(cluster, release)
            yield "an upgrade ends", lambda: release.install("eks") and None
            yield "another rolling restart ends", lambda: roll(cluster, release)
            yield "every pod that was created meanwhile is injected", pods.figure
