"""What hack/demo has on a node besides Lanyard.

usage: demo.py images CACHE HACK_BAO           print the archives of the images that its pods are of
       demo.py surround CLUSTER KUBECTL CACHE BAO FOLDER
                                               start providers that verify tokens, OpenBao, and an injector of its agent
       demo.py call CLUSTER KUBECTL CACHE BAO FOLDER
                                               run a pod that calls a model of each of three providers

CLUSTER is the folder of a cluster of hack/cluster that runs.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

# Those of Tests/SDKConformance are found here, too.
sys.path.append(str(Path(__file__).resolve().parents[1] / "SDKConformance"))

from cases import platforms  # noqa: E402
from cluster import Cluster  # noqa: E402
from images import Workshop  # noqa: E402
from processes import Failure  # noqa: E402
from sdks_in_pods import run  # noqa: E402
from surroundings import Surroundings  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
# Of the workloads of EKS, the one whose pod has the credentials of three providers.
CALLER = "gateway"


def main(command, *arguments):
    if command == "images":
        cache, bao = map(Path, arguments)
        for image in (Workshop(REPOSITORY, cache).python(), Workshop(REPOSITORY, cache).openbao(bao)):
            print(image.file)
        return
    folder, kubectl, cache, bao, work = arguments
    programs = SimpleNamespace(cluster=REPOSITORY / "hack/cluster", kubectl=kubectl)
    cluster = Cluster(REPOSITORY, programs, Path(folder))
    workshop = Workshop(REPOSITORY, Path(cache))
    python = workshop.python()
    surroundings = Surroundings(cluster, python, workshop.openbao(Path(bao)), Path(work))
    if command == "surround":
        surroundings.start()
    else:
        call(SimpleNamespace(cluster=cluster, python=python, surroundings=surroundings, vault=surroundings.vault))


def call(world):
    eks = next(platform for platform in platforms(world.vault.address) if platform.name == "eks")
    workload = next(workload for workload in eks.workloads if workload.name == CALLER)
    world.cluster.service_accounts({workload.name: workload.annotations})
    for (provider, mechanism, application), ended in zip(workload.credentials, run(world, workload)):
        if ended["code"] != 0:
            raise Failure(f"{provider}: {ended['errors']}")
        said = json.loads(ended["output"])
        print(f"{provider} by {mechanism}: {application.sdk} got {said['answer']!r} from the model")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Failure, TypeError) as failure:
        sys.exit(f"demo.py: {failure}")
