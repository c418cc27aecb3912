"""What the sections share: a cluster, and what was put into it so far."""

import contextlib

from cluster import Cluster
from release import Release
from surroundings import Surroundings


class World:
    """The one cluster of most sections."""

    def __init__(self, repository, programs, workshop, lanyard, folder, cluster):
        self.cluster = cluster
        self.python = workshop.python()
        self._openbao = workshop.openbao(programs.bao)
        self.release = Release(cluster, programs.helm, lanyard, folder)
        self._made_of = repository, programs, lanyard
        self._folder = folder
        # None until they are needed.
        self.surroundings = None

    @classmethod
    @contextlib.contextmanager
    def made(cls, repository, programs, workshop, lanyard, folder):
        with Cluster.started(repository, programs, folder / "cluster") as cluster:
            world = cls(repository, programs, workshop, lanyard, folder, cluster)
            prepare(cluster, lanyard, world.python, world._openbao)
            yield world

    @contextlib.contextmanager
    def another_cluster(self, name, *options):
        """A cluster beside this one, and a release in it."""
        repository, programs, lanyard = self._made_of
        folder = self._folder / name
        folder.mkdir()
        with Cluster.started(repository, programs, folder / "cluster", *options) as cluster:
            prepare(cluster, lanyard, self.python)
            yield cluster, Release(cluster, programs.helm, lanyard, folder)

    def require_installed(self, platform="eks", settings=None, replicas=2):
        """Lanyard runs, and takes the cluster for one of this platform."""
        wanted = platform, settings or {}, replicas
        if self.release.configuration != wanted:
            self.release.install(*wanted)

    def require_vault(self):
        """The providers, OpenBao and its injector run."""
        if self.surroundings is None:
            self.surroundings = Surroundings(self.cluster, self.python, self._openbao, self._folder)
            self.surroundings.start()

    def recover(self):
        """After the node has failed."""
        if self.surroundings is not None:
            self.surroundings.recover()

    @property
    def vault(self):
        return self.surroundings.vault


def prepare(cluster, *images):
    cluster.load(*images)
    # Kubernetes 1.20 does not label namespaces with their names.
    cluster.kubectl("label", "namespace", "kube-system", "lanyard.dev/inject=false")
