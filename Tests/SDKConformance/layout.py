"""A pod laid out for a process: what the kubelet does for a container, without one.

The files of the pod's volumes are written below a private root. A process then sees them at their real paths, in a
mount namespace of its own, so that its variables are exactly those that were injected. Where no such namespace can be
had, the paths in variables and files are changed instead, and HOW says so.
"""

import os
import re
import tempfile
from pathlib import Path

from processes import Failure, run

# The machine's top folders, except those that the pod has itself, become the process's root.
ENTER = r"""
set -eu
pod=$1 view=$2
shift 2
mount -t tmpfs none "$view"
for entry in /* "$pod"/*; do
  name=${entry##*/}
  [ ! -e "$view/$name" ] || continue
  [ ! -d "$pod/$name" ] || entry=$pod/$name
  if [ -L "$entry" ]; then
    cp -P "$entry" "$view/$name"
  elif [ -d "$entry" ]; then
    mkdir "$view/$name"
    mount --rbind "$entry" "$view/$name"
  fi
done
# Where a user's PATH does not lead, on Debian.
exec "$(command -v chroot || echo /usr/sbin/chroot)" "$view" "$@"
"""

UNSHARE = next(
    (
        command for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"])
        if run([*command, "sh", "-c", "mount -t tmpfs none /tmp"], env=dict(os.environ)).returncode == 0
    ),
    None)

HOW = "in mount namespaces of their own" if UNSHARE else "with paths changed, as no mount namespace can be had"

ANNOTATION = re.compile(r"metadata\.annotations\['(.+)'\]")


class Container:
    """The first container of a pod, as a place for processes."""

    def __init__(self, plane, deliveries, pod, folder, *, audience=None):
        """Lays the pod out. `audience` takes the place of every token's."""
        self._plane = plane
        self._deliveries = deliveries
        self._pod = pod
        self._audience = audience
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._root = self._folder / "root"
        self._root.mkdir()
        self._paths = []
        specification = pod["spec"]["containers"][0]
        self.volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        self.mounts = specification.get("volumeMounts", [])
        for mount in self.mounts:
            self.mount(mount["name"], mount["mountPath"])
        self.env = {each["name"]: self.seen(self._value(each)) for each in specification.get("env", [])}

    def mount(self, volume, path):
        """Writes a volume's files where a container sees them."""
        place = self.empty_folder(path)
        match self.volumes[volume]:
            case {"csi": source}:
                files = list(self._deliveries.files(self._pod, source, self._audience))
            case {"projected": {"sources": sources}}:
                files = [file for source in sources for file in self._files(source)]
            case other:
                raise Failure(f"the kubelet does something with {other} that is not done here")
        for name, text in files:
            (place / name).write_text(text)
        for file in place.iterdir():
            file.write_text(self.seen(file.read_text()))

    def empty_folder(self, path):
        """A folder of the container, from outside."""
        place = self._root / path.lstrip("/")
        place.mkdir(parents=True)
        self._paths.append(path)
        return place

    def read(self, path):
        return (self._root / path.lstrip("/")).read_text()

    def seen(self, text):
        """A text as a process here must read it: paths are changed if there is no namespace."""
        if UNSHARE is None:
            for path in self._paths:
                text = text.replace(path, f"{self._root}{path}")
        return text

    def run(self, arguments, env, within=60):
        """Runs a program here, with these variables, in an empty home."""
        return run(**self.process(arguments, env), within=within)

    def process(self, arguments, env):
        """What a program is started with, to be here."""
        home, view = (Path(tempfile.mkdtemp(dir=self._folder)) for _ in range(2))
        command = ["env", "-C", home, *arguments]
        if UNSHARE is not None:
            command = [*UNSHARE, "sh", "-c", ENTER, "sh", self._root, view, *command]
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **env}
        return {"arguments": command, "env": env, "cwd": home}

    def _files(self, source):
        """The names and texts of one source of a projected volume."""
        metadata = self._pod["metadata"]
        match source:
            case {"serviceAccountToken": {"path": path, "expirationSeconds": seconds} as token}:
                yield path, self._plane.token(
                    metadata["namespace"], self._pod["spec"]["serviceAccountName"],
                    audience=self._audience or token.get("audience"), seconds=seconds, pod=self._pod)
            case {"downwardAPI": {"items": items}}:
                for item in items:
                    yield item["path"], self._field(item["fieldRef"]["fieldPath"])
            case {"configMap": {"name": name, "items": items}}:
                data = self._plane.config_map(metadata["namespace"], name)
                for item in items:
                    yield item["path"], data[item["key"]]
            case _:
                raise Failure(f"the kubelet does something with {source} that is not done here")

    def _value(self, variable):
        match variable:
            case {"value": value}:
                return value
            case {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}:
                return self._deliveries.secret(self._pod["metadata"]["namespace"], name)[key]
            case {"valueFrom": {"fieldRef": {"fieldPath": path}}}:
                return self._field(path)
            case _:
                raise Failure(f"the kubelet does something with {variable} that is not done here")

    def _field(self, path):
        metadata = self._pod["metadata"]
        if path in ("metadata.name", "metadata.namespace"):
            return metadata[path.removeprefix("metadata.")]
        if match := ANNOTATION.fullmatch(path):
            return metadata["annotations"][match[1]]
        raise Failure(f"the kubelet does something with the field {path} that is not done here")
