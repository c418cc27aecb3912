"""Tests on a real node: Lanyard as its chart installs it, and what runs in pods that it has injected.

Run by hack/cluster-tests. hack/cluster starts a cluster of one node; its pods are of images that are made here of
this machine's own programs (images.py). A section shows one thing, and can be run alone: it installs what it needs.
Applications with the providers' SDKs are those of Tests/SDKConformance, whose modules are found through PYTHONPATH, and
so are the endpoints that stand for the providers; here they run in pods (surroundings.py, and the files *_pod.py).
"""

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import examples
import healing
import installation
import operations
import own_paths
import sdks_in_pods
import trials
import upgrades
from images import Image, Workshop
from processes import Failure
from shown import Report
from world import World

REPOSITORY = Path(__file__).resolve().parents[2]
# In this order: each finds the cluster as the one before left it, and needs nothing of that.
SECTIONS = {
    "install": installation.install,
    "bad-configuration": installation.bad_configuration,
    "examples": examples.examples,
    "own-paths": own_paths.own_paths,
    **{f"sdks-{name}": sdks_in_pods.on_platform(name) for name in sdks_in_pods.PLATFORMS},
    "trials": trials.trials,
    "restart": operations.restart,
    "drain": operations.drain,
    "healing": healing.healing,
    "power-failure": operations.power_failure,
    "uninstall": operations.uninstall,
    "upgrade": upgrades.upgrade,
    "ipv6": installation.ipv6,
}
LONG = {"rotation": operations.rotation, "thousand": upgrades.thousand}


@dataclass(frozen=True)
class Programs:
    cluster: Path
    kubectl: str
    helm: str
    bao: Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in Programs.__dataclass_fields__:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--image", help="an archive with Lanyard's image; one is built if it is not given")
    parser.add_argument("--cache", required=True, help="where images for the pods are kept")
    parser.add_argument("--long", action="store_true", help=f"also {', '.join(LONG)}")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join([*SECTIONS, *LONG]))
    options = parser.parse_args()
    known = SECTIONS | LONG
    if unknown := [name for name in options.sections if name not in known]:
        parser.error(f"there is no section {unknown[0]}; there are {', '.join(known)}")
    for number in [signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, lambda *_: sys.exit(143))

    # Some minutes, once; what starts a cluster does not wait that long.
    build([options.cluster, "build"])
    report = Report()
    programs = Programs(Path(options.cluster), options.kubectl, options.helm, Path(options.bao))
    workshop = Workshop(REPOSITORY, Path(options.cache))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-tests-")))
        image = Image.in_archive(Path(options.image or built_image(folder)))
        started = time.monotonic()
        world = stack.enter_context(World.made(REPOSITORY, programs, workshop, image, folder))
        print(f"a node is up ({time.monotonic() - started:.0f} s)", flush=True)
        for name in options.sections or [*SECTIONS, *(LONG if options.long else [])]:
            report.section(name, known[name](world))
            if name == "install" and report.failed:
                print("where it cannot be installed, nothing else is tried")
                break
    print(f"took {time.monotonic() - started:.0f} s")
    print(report.summary())
    return 1 if report.failed else 0


def built_image(folder):
    archive = folder / "lanyard.tar"
    # By its full name: pods find no other.
    build([REPOSITORY / "hack/image", "--name", "docker.io/library/lanyard:cluster-tests", archive])
    return archive


def build(command):
    """Runs a script that says on standard error how it goes, for as long as it takes."""
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise Failure(f"{Path(command[0]).name} failed")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"cluster-tests: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
