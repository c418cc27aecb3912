"""Commands of the pages: run, where what they need is there, else compared with what the program's help says."""

import collections
import functools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

import yaml

import pages

# Programs of others: what they do is theirs to say.
OTHERS = {
    "aws", "az", "cat", "crane", "curl", "docker", "gcloud", "git", "grep", "jq", "podman", "skopeo", "source", "sudo",
    "swift", "vault",
}
EXAMPLE = "manifests/examples/bedrock.yaml"
# What of kubectl works on an API server without nodes, and leaves it as it was.
ON_API_SERVER = {"annotate", "apply", "get", "label", "wait"}
# Of kinds that the tests' API server is too old for.
TOO_NEW = {"manifests/guard.yaml", "manifests/policy.yaml"}


def logical_lines(block):
    """Commands of a block, each with the number of its first line."""
    pending, first = "", 0
    for number, line in enumerate(block.lines, start=block.line):
        if block.language == "console":
            if not line.startswith("$ "):
                continue
            line = line[2:]
        if not pending:
            first = number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        if text := (pending + line).strip():
            yield first, text
        pending = ""


def pipelines(text):
    """A line's pipelines: lists of commands, which are lists of words. Redirections and variables' values go."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split, lexer.commenters = True, "#"
    result, pipeline, words = [], [], []
    skip = False

    def end_command():
        nonlocal words
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if words:
            pipeline.append(words)
        words = []

    def end_pipeline():
        nonlocal pipeline
        end_command()
        if pipeline:
            result.append(pipeline)
        pipeline = []

    for token in lexer:
        if skip:
            skip = False
        elif token == "|":
            end_command()
        elif set(token) <= set("&;()<") and token != "<":
            end_pipeline()
        elif set(token) <= set("<>&"):
            skip = True
        else:
            words.append(token)
    end_pipeline()
    return result


class Checker:
    """Checks commands and YAML of all pages, in a folder that has what the placeholders name."""

    def __init__(self, programs, kubeconfig, fail):
        self.programs, self.kubeconfig, self.fail = programs, kubeconfig, fail
        self.counts = collections.Counter()
        self.runs, self.shown = True, None
        self.folder = pathlib.Path(tempfile.mkdtemp())
        (self.folder / "manifests").symlink_to(pages.ROOT / "manifests")
        (self.folder / "charts").symlink_to(pages.ROOT / "charts")
        (self.folder / "FOLDER").mkdir()
        shutil.copy(pages.ROOT / EXAMPLE, self.folder / "FOLDER")
        shutil.copy(pages.ROOT / EXAMPLE, self.folder / "FILE")
        (self.folder / "config.yaml").write_text("platform: eks\n")
        (self.folder / "values.yaml").write_text("replicas: 3\n")
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": kubeconfig or str(self.folder / "none"),
        }

    def close(self):
        shutil.rmtree(self.folder)

    def run(self, words, text=""):
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, input=text, capture_output=True, text=True, timeout=120)

    # ---- commands

    def check(self, page):
        for number, line in page.prose:
            for text in re.findall(r"`((?:kubectl|lanyard|helm) [^`]+)`", line):
                self._check_line(f"{page.name}:{number}", text, runs=False)
        for block in page.blocks:
            if block.language in ("sh", "console"):
                for line, text in logical_lines(block):
                    self.shown = block.shown(line) if block.language == "console" else None
                    self._check_line(f"{page.name}:{line}", text)
                self.shown = None
            elif block.language == "yaml":
                self._check_yaml(f"{page.name}:{block.line}", block.text)

    def _check_line(self, where, text, runs=True):
        self.runs = runs
        try:
            found = pipelines(text)
        except ValueError as error:
            self.fail(where, f"cannot be read as a command: {error}")
            return
        for pipeline in found:
            output = ""
            for words in pipeline:
                output = self._check_command(where, words, output)

    def _check_command(self, where, words, given):
        """Checks one command. `given` is what comes through the pipe, None if it cannot be known; returns the same."""
        program = words[0]
        if program.startswith("hack/"):
            self._check_script(where, words)
        elif program == "lanyard":
            return self._check_lanyard(where, words[1:], given)
        elif program == "kubectl":
            return self._check_kubectl(where, words[1:], given)
        elif program == "helm":
            return self._check_helm(where, words[1:])
        elif program in OTHERS:
            self.counts["of other programs"] += 1
        else:
            self.fail(where, f"{program}: a program that hack/documents/commands.py does not know")
        return None

    def _check_script(self, where, words):
        path = pages.ROOT / words[0]
        if not os.access(path, os.X_OK):
            self.fail(where, f"there is no script {words[0]}")
            return
        text = path.read_text(encoding="utf-8")
        for word in words[1:]:
            # hack/test hands what it does not know to swift test.
            if word.startswith("-") and word not in text and (words[0], word) != ("hack/test", "--filter"):
                self.fail(where, f"{words[0]} has no option {word}")
        self.counts["compared with their help"] += 1

    def _options(self, where, name, words, known):
        for word in words:
            if word == "--":
                return
            if not word.startswith("-") or word == "-":
                continue
            option = word.split("=")[0] if word.startswith("--") else word[:2]
            if option not in known:
                self.fail(where, f"{name} has no option {option}")

    # ---- lanyard

    @functools.cache
    def _lanyard_help(self, command):
        help_text = self.run([self.programs["lanyard"], "help", *([command] if command else [])]).stdout
        options = set(re.findall(r"(?<![\w-])(--[a-z-]+|-[a-zA-Z])\b", help_text))
        return options, re.findall(r"^  ([a-z-]+) {2,}", help_text, re.M)

    def _check_lanyard(self, where, words, given):
        if words[:1] == ["--generate-completion-script"]:
            return self._run_lanyard(where, words, given)
        subcommands = self._lanyard_help("")[1] + ["help"]
        command = words[0] if words else ""
        if command == "COMMAND":
            return None
        if command not in subcommands:
            self.fail(where, f"lanyard has no command {command}")
            return None
        self._options(where, f"lanyard {command}", words, self._lanyard_help(command)[0])
        offline = (
            command in ("matrix", "version", "help")
            or command in ("check", "inject") and (given is not None or "-" not in words)
            or command == "explain" and "--platform" in words
            or command == "run" and "--print-config" in words)
        if self.runs and (offline or self.kubeconfig and command in ("explain", "status")):
            output = self._run_lanyard(where, words, given)
            if offline:
                self._compare(where, output)
            return output
        self.counts["compared with their help"] += 1
        return None

    def _compare(self, where, output):
        """What is shown must be lines of the output, in their order; "…" stands for others."""
        lines = iter(output.splitlines())
        for shown in self.shown or []:
            if shown.strip() != "…" and shown not in lines:
                self.fail(where, f"does not print, or not there: {shown}")
                return

    def _run_lanyard(self, where, words, given):
        words = ["config.yaml" if before == "--config" else word for before, word in zip([""] + words, words)]
        result = self.run([self.programs["lanyard"], *words], given or "")
        # What manifests say is not the documentation's fault: 1 is for errors in them.
        if result.returncode not in ((0, 1) if words[0] in ("check", "inject") else (0,)):
            why = f"exit code {result.returncode}: {result.stderr.strip()[:300]}"
            self.fail(where, f"lanyard {shlex.join(words)}: {why}")
        self.counts["run"] += 1
        return result.stdout

    # ---- kubectl and helm

    @functools.cache
    def _help(self, program, words):
        """The subcommand's own words, and its options; None if there is no such subcommand."""
        result = self.run([self.programs[program], *words, "--help"])
        usage = re.search(rf"^Usage:\s+{program}((?: [a-z][a-z-]*)*)", result.stdout, re.M)
        if result.returncode or not usage:
            return None
        return tuple(usage[1].split()), set(re.findall(r"(?<![\w-])(--[a-z-]+|-[a-zA-Z])(?=[,= \n])", result.stdout))

    @functools.cache
    def _global_options(self):
        text = self.run([self.programs["kubectl"], "options"]).stdout
        return set(re.findall(r"(?<![\w-])(--[a-z-]+|-[a-zA-Z])(?=[,=])", text))

    def _check_kubectl(self, where, words, given):
        leading = []
        for word in words[:3]:
            if word.startswith("-") or not re.fullmatch(r"[a-z-]+", word):
                break
            leading.append(word)
        found = self._help("kubectl", tuple(leading)) if leading else None
        if found is None:
            self.fail(where, f"kubectl has no command {' '.join(words[:2])}")
            return None
        own, options = found
        self._options(where, f"kubectl {' '.join(own)}", words, options | self._global_options())
        if "--" in words:
            self._check_command(where, words[words.index("--") + 1:], None)
        for before, word in zip(words, words[1:]):
            file = pages.ROOT / word
            if before in ("-f", "-k") and word.startswith(("manifests", "charts")) and not file.exists():
                self.fail(where, f"there is no {word}")
        complete = TOO_NEW.isdisjoint(words) and "." not in words and (given or "-" not in words)
        on_server = self.kubeconfig and complete and (
            own[0] in ON_API_SERVER or own in (("rollout", "restart"), ("create", "token")))
        if self.runs and (on_server or own == ("kustomize",)):
            return self._run_kubectl(where, words, given)
        self.counts["compared with their help"] += 1
        return None

    def _run_kubectl(self, where, words, given):
        result = self.run([self.programs["kubectl"], *words], given or "")
        if result.returncode:
            self.fail(where, f"kubectl {shlex.join(words)}: {result.stderr.strip()[:300]}")
        warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: lanyard: ")]
        if self.shown is not None and warnings != [line for line in self.shown if line.startswith("Warning: ")]:
            self.fail(where, "prints other warnings:\n" + "\n".join(warnings))
        self.counts["run"] += 1
        return result.stdout

    def _check_helm(self, where, words):
        found = self._help("helm", (words[0],))
        if found is None:
            self.fail(where, f"helm has no command {words[0]}")
            return None
        self._options(where, f"helm {words[0]}", words, found[1])
        if words[0] == "show":
            self.counts["run"] += 1
            return self.run([self.programs["helm"], *words]).stdout
        if words[0] not in ("install", "upgrade", "template") or not any("lanyard" in word for word in words[2:3]):
            self.counts["compared with their help"] += 1
            return None
        rendered = self._template(where, [
            argument for before, word in zip(words, words[1:]) if before in ("--set", "--set-file", "--values", "-f")
            for argument in (before, word.replace("DIGEST", "0" * 64))])
        self.counts["run"] += 1
        return rendered

    def _template(self, where, arguments):
        words = ["template", "lanyard", "charts/lanyard", "--namespace", "lanyard-system", *arguments]
        result = self.run([self.programs["helm"], *words])
        if result.returncode:
            self.fail(where, f"helm template {shlex.join(arguments)}: {result.stderr.strip()[:300]}")
        return result.stdout

    # ---- YAML

    @functools.cached_property
    def _keys(self):
        printed = self.run([self.programs["lanyard"], "run", "--print-config"]).stdout
        values = (pages.ROOT / "charts/lanyard/values.yaml").read_text(encoding="utf-8")
        return set(yaml.safe_load(printed)), set(yaml.safe_load(values))

    def _check_yaml(self, where, text):
        try:
            documents = [item for item in yaml.safe_load_all(text) if item]
        except yaml.YAMLError as error:
            self.fail(where, f"no YAML: {error}")
            return
        configuration, values = self._keys
        for item in documents:
            keys = set(item)
            file = self.folder / "block.yaml"
            file.write_text(yaml.safe_dump(item))
            if keys <= configuration:
                self._read_configuration(where, item)
            elif keys <= values:
                self._template(where, ["--values", str(file)])
                self._read_configuration(where, item.get("config", {}))
            elif item.get("kind") == "Kustomization":
                place = self.folder / "deploy"
                place.mkdir(exist_ok=True)
                (place / "kustomization.yaml").write_text(yaml.safe_dump(item))
                result = self.run([self.programs["kubectl"], "kustomize", str(place)])
                if result.returncode:
                    self.fail(where, f"kubectl kustomize: {result.stderr.strip()[:300]}")
            elif "kind" in keys:
                self.counts["blocks of YAML read"] += 1
                continue
            else:
                self.fail(where, f"neither a configuration nor values of the chart: {', '.join(sorted(keys))}")
            self.counts["blocks of YAML tried"] += 1

    def _read_configuration(self, where, settings):
        (self.folder / "settings.yaml").write_text(yaml.safe_dump(settings))
        result = self.run([self.programs["lanyard"], "run", "--print-config", "--config", "settings.yaml"])
        if result.returncode:
            self.fail(where, f"lanyard run --print-config: {result.stderr.strip()[:300]}")
