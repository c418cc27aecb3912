"""Makes the manifests of what Helm has rendered: one file for each template, without what is Helm's own.

usage: render.py CHART FOLDER <RENDERED
"""

import pathlib
import re
import shutil
import sys

import yaml

# Helm's own labels: who installed an object, and from which release. Selectors have none of them.
HELM_LABELS = re.compile(
    r"^ +(?:app\.kubernetes\.io/(?:instance|managed-by|version)|helm\.sh/chart): .*\n", flags=re.M)
# Makes pods again when the configuration changes. By hand that is a command.
CHECKSUM = re.compile(r"^ +annotations:\n +# Lanyard reads its configuration.*\n +checksum/config: .*\n", flags=re.M)
# An object's place in the chart.
SOURCE = re.compile(r"^# Source: [\w-]+/templates/(\S+)\n", flags=re.M)
HEADER = "# Made from charts/lanyard by hack/render-manifests.\n"
CONFIGURATION = """\
# Lanyard reads this when it starts: after a change, kubectl rollout restart -n lanyard-system deployment/lanyard
"""
SETTINGS = """\
# Every setting is optional. Those after a "#" show the defaults; an unknown setting is an error.

"""


def main(chart, folder):
    folder = pathlib.Path(folder)
    folder.mkdir()
    files = {}
    for document in re.split(r"^---\n", sys.stdin.read(), flags=re.M):
        source = SOURCE.search(document)
        if not source:
            continue
        text = CHECKSUM.sub("", HELM_LABELS.sub("", SOURCE.sub("", document))).strip("\n") + "\n"
        files.setdefault(source[1], []).append(text)
    files["config-map.yaml"] = [CONFIGURATION + with_every_setting(files["config-map.yaml"][0], chart)]
    for name, documents in files.items():
        (folder / name).write_text(HEADER + "---\n".join(documents), encoding="utf-8")
    # What the operator needs to keep the objects: their definition, and the rights.
    definition = pathlib.Path(chart, "crds/credentialplansets.lanyard.dev.yaml").read_text(encoding="utf-8")
    rights = folder / "plan-sets.yaml"
    rights.write_text(definition + "---\n" + rights.read_text(encoding="utf-8"), encoding="utf-8")
    shutil.copyfile(f"{chart}/crds/workloadidentities.lanyard.dev.yaml", folder / "crd.yaml")


def documented_settings(values):
    """The comments of values.yaml that show every setting of `config`, as the file that they are about."""
    block = re.search(r"^config: \{\}\n((?:  .*\n|\n)+)", values, flags=re.M)[1]
    return re.sub(r"^  ", "", block, flags=re.M).strip("\n") + "\n"


def uncommented(block):
    return re.sub("^# ", "", block[0], flags=re.M)


def with_every_setting(config_map, chart):
    """The ConfigMap, whose settings are those that Helm rendered, with all others as comments."""
    head, rendered = config_map.split("  config.yaml: |\n")
    text = documented_settings(pathlib.Path(chart, "values.yaml").read_text(encoding="utf-8"))
    for setting in yaml.safe_load(rendered):
        text = re.sub(rf"^# {setting}:\n(?:#  .*\n)*", uncommented, text, flags=re.M)
    if yaml.safe_load(text) != yaml.safe_load(rendered):
        sys.exit(f"render.py: the comments of config in {chart}/values.yaml do not show what Helm renders:\n{rendered}")
    indented = re.sub(r"^(?=.)", "    ", SETTINGS + text, flags=re.M)
    return f"{head}  config.yaml: |\n{indented}"


main(*sys.argv[1:])
