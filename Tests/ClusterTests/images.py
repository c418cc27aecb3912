"""Images for the pods, made of programs of this machine and kept in the cache by what they are made of."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from processes import Failure, run

TOOLS = ["sh", "env", "grep", "sleep", "cat", "base64", "tr", "sed"]
PACKAGES = Path(sysconfig.get_path("purelib"))
# What no test imports, and what is large of the rest: of the services of OCI and AWS only those stay that are called,
# or that OCI's SDK imports by itself.
STANDARD_LIBRARY_WITHOUT = [
    "test", "idlelib", "tkinter", "lib2to3", "ensurepip", "turtledemo", "config-*", "site-packages",
]
PACKAGES_WITHOUT = ["kubernetes_validate*", "*.dist-info/licenses", "pip", "pip-*"]
OCI = ["generative_ai_inference", "work_requests", "dns", "object_storage"]
BOTOCORE = ["bedrock-runtime", "sts"]


@dataclass(frozen=True)
class Image:
    """An archive, and the name under which it is known once it is loaded."""

    name: str
    file: Path

    @property
    def repository(self):
        return self.name.rpartition(":")[0]

    @property
    def tag(self):
        return self.name.rpartition(":")[2]

    @classmethod
    def in_archive(cls, file):
        """The image of an archive in the formats of docker or OCI."""
        index = json.loads(archived(file, "index.json") or "{}")
        for manifest in index.get("manifests", []):
            if name := manifest.get("annotations", {}).get("io.containerd.image.name"):
                return cls(name, file)
        for manifest in json.loads(archived(file, "manifest.json") or "[]"):
            return cls(manifest["RepoTags"][0], file)
        raise Failure(f"{file} does not say what its image is called")


def archived(file, name):
    done = run(["tar", "-xOf", file, name], env=dict(os.environ))
    return done.stdout if done.returncode == 0 else None


class Workshop:
    """Makes images, each once."""

    def __init__(self, repository, cache):
        self._oci_image = repository / "hack/oci-image"
        self._cache = cache
        self._cache.mkdir(parents=True, exist_ok=True)

    def python(self):
        """This Python with the SDKs, under the name that the examples ask for."""
        versions = sorted(each.name for each in PACKAGES.glob("*.dist-info"))
        return self._made("docker.io/library/python:3.12-slim", [sys.version, *versions], {
            "Env": ["PATH=/opt/python/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"], "Cmd": ["python3"],
        }, add_python)

    def openbao(self, bao):
        # Its version stands in the path.
        return self._made("docker.io/openbao/openbao:tests", [str(bao), bao.stat().st_size], {
            "Env": ["PATH=/bin", "HOME=/tmp"], "Entrypoint": ["/bin/bao"],
        }, lambda root: add_program(root, bao, "bao"))

    def _made(self, name, parts, config, fill):
        sources = [Path(__file__).read_text(), self._oci_image.read_text()]
        key = hashlib.sha256(json.dumps([parts, config, sources]).encode()).hexdigest()[:16]
        file = self._cache / f"image-{name.rpartition('/')[2].partition(':')[0]}-{key}.tar"
        if not file.exists():
            with tempfile.TemporaryDirectory(dir=self._cache, prefix="image-") as folder:
                root = Path(folder) / "root"
                add_tools(root)
                fill(root)
                subprocess.run(["chmod", "-R", "a+rX,go-w", root], check=True)
                (root / "tmp").chmod(0o1777)
                archive = Path(folder) / "image.tar"
                # They go nowhere but to the node beside.
                subprocess.run(
                    [self._oci_image, archive, name, json.dumps(config), root], check=True, stdout=subprocess.DEVNULL,
                    env={**os.environ, "HACK_COMPRESSION": "1"})
                archive.rename(file)
        return Image(name, file)


def add_tools(root):
    for folder in ["bin", "tmp", "etc"]:
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    for tool in TOOLS:
        add_program(root, Path(shutil.which(tool)), tool)


def add_program(root, program, name):
    shutil.copy2(program.resolve(), root / "bin" / name)
    add_libraries(root, [program])


def add_libraries(root, binaries):
    """The libraries that the binaries are linked with, at the paths at which they are found here."""
    # Of several files ldd ends with 1 if one of them is static, or a plug-in that finds nothing by itself.
    listed = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    for library in set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.MULTILINE)):
        if Path(library).is_relative_to(PACKAGES):
            continue
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy2(Path(library).resolve(), place)


def add_python(root):
    """An interpreter finds its library by its own place."""
    home = root / "opt/python"
    library = home / "lib" / f"python{sysconfig.get_python_version()}"
    ignored = shutil.ignore_patterns("__pycache__", *STANDARD_LIBRARY_WITHOUT)
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=ignored)
    shutil.copytree(PACKAGES, library / "site-packages", ignore=without_unused)
    # As Debian's Python calls it.
    (library / "dist-packages").symlink_to("site-packages")
    (home / "bin").mkdir()
    interpreter = Path(sys.executable).resolve()
    shutil.copy2(interpreter, home / "bin/python3")
    dynamic = Path(sysconfig.get_path("stdlib")) / "lib-dynload"
    add_libraries(root, [interpreter, *dynamic.glob("*.so"), *PACKAGES.rglob("*.so*")])
    # All files of an image have the same date, so what was compiled must not be judged by it.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash", library],
        check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def without_unused(folder, names):
    place = Path(folder)
    ignored = set(shutil.ignore_patterns("__pycache__", *PACKAGES_WITHOUT)(folder, names))
    if place.name == "oci":
        ignored |= {name for name in names if is_service(place / name)}
    elif place.name == "data" and place.parent.name == "botocore":
        ignored |= {name for name in names if (place / name).is_dir() and name not in BOTOCORE}
    return ignored


def is_service(folder):
    return (folder / "models").is_dir() and folder.name not in OCI
