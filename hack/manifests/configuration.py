"""The configuration: values.yaml and the manifests show every setting, and the schema takes what Lanyard takes."""

import re
import subprocess

import yaml

from chart import in_parallel, objects_of, text_of

KEYS = "Sources/WorkloadIdentity/Configuration/ConfigurationKey.swift"
CASES = "hack/manifests/configurations.yaml"
# Whose members are named by whoever writes them.
MAPS = ("providers", "matrix", "verify.endpoints")


def check(checks, chart, work, lanyard):
    known = settings_of_code(checks)
    check_shown(checks, chart, known)
    check_schema(checks, chart, known)
    check_cases(checks, chart, known, work, lanyard)


def settings_of_code(checks):
    known = set(re.findall(r'(?:^ *\w+\(|name: )"([a-z][A-Za-z.]*)"', text_of(KEYS), flags=re.M))
    if len(known) < 10:
        checks.fail("hack/check-manifests", f"finds no settings in {KEYS} any more")
    return known


def uncommented(text):
    """The settings, with nothing but comments to be removed."""
    return re.sub(r"^# ?(?=( *)[a-z][A-Za-z]*:( |$))", "", text, flags=re.M)


def settings(value, prefix=""):
    for key, member in value.items():
        if isinstance(member, dict) and member and prefix + key not in MAPS:
            yield from settings(member, f"{prefix}{key}.")
        else:
            yield prefix + key


def compare(checks, place, found, known):
    for name in sorted(known - found):
        checks.fail(place, f"does not have the setting {name}")
    for name in sorted(found - known):
        checks.fail(place, f"has {name}, which is not a setting")


def check_shown(checks, chart, known):
    """The manifests' comments are those of values.yaml, so one look is enough."""
    path = "manifests/config-map.yaml"
    shown = yaml.safe_load(uncommented(objects_of(text_of(path))[0]["data"]["config.yaml"]))
    compare(checks, path, set(settings(shown)), known)
    # They are said to show the defaults, which are a configuration themselves.
    refusal = refused_by_chart(chart, shown)
    if refusal:
        checks.fail(path, f"shows a default that is none: {refusal}")
    checks.finish(f"configuration: all {len(known)} settings are shown, and no others")


def check_schema(checks, chart, known):
    place = f"{chart.path}/values.schema.json"
    definitions = chart.schema["definitions"]

    def names(schema, prefix=""):
        for name, member in schema["properties"].items():
            if "properties" in member and prefix + name not in MAPS:
                yield from names(member, f"{prefix}{name}.")
            else:
                yield prefix + name

    compare(checks, place, set(names(definitions["configuration"])), known)
    for kind in ("Platform", "Mechanism"):
        source = text_of(f"Sources/WorkloadIdentity/Vocabulary/{kind}.swift")
        cases = re.search(rf"public enum {kind}: String.*?\n\n", source, re.S)[0]
        written = [raw or case for case, raw in re.findall(r'^    case (\w+)(?: = "([^"]+)")?$', cases, flags=re.M)]
        if definitions[kind.lower()]["enum"] != written:
            checks.fail(place, f"definitions.{kind.lower()} is not {written}")
    if definitions["configuration"]["properties"]["platform"]["enum"] != ["auto", *definitions["platform"]["enum"]]:
        checks.fail(place, "config.platform and the matrix have different platforms")
    if list(definitions["configuration"]["properties"]["matrix"]["properties"]) != definitions["platform"]["enum"]:
        checks.fail(place, "config.matrix has other platforms than there are")
    checks.finish("configuration: the schema has the same settings, platforms and mechanisms as the code")


def refused_by_chart(chart, configuration):
    outcome = chart.outcome("--show-only", "templates/config-map.yaml", values={"config": configuration})
    return outcome if outcome.startswith("refused") else None


def check_cases(checks, chart, known, work, lanyard):
    schema = f"{chart.path}/values.schema.json"
    cases = yaml.safe_load(text_of(CASES))
    judged = [(verdict, case) for verdict in ("accepted", "refused") for case in cases[verdict]]
    for (verdict, case), refusal in zip(judged, in_parallel(lambda judged: refused_by_chart(chart, judged[1]), judged)):
        if (refusal is not None) != (verdict == "refused"):
            checks.fail(schema, f"{case} is {verdict} by Lanyard, and not by the schema: {refusal}")
        if refusal and "at '/config" not in refusal:
            checks.fail(schema, f"{case} is refused for something else: {refusal}")
    for verdict in ("accepted", "refused"):
        tried = {name for case in cases[verdict] for name in settings(case)}
        for name in sorted(known - tried):
            checks.fail(CASES, f"no case of {name} that is {verdict}")
    checks.finish(f"configuration: the schema takes and refuses as it should, in {len(judged)} cases")
    if lanyard:
        for number, (verdict, case) in enumerate(judged):
            file = work / f"configuration-{number}.yaml"
            file.write_text(yaml.safe_dump(case), encoding="utf-8")
            done = subprocess.run(
                [lanyard, "run", "--print-config", "--config", file], capture_output=True, text=True, check=False)
            if done.returncode != (2 if verdict == "refused" else 0):
                checks.fail(CASES, f"{case}: Lanyard ends with {done.returncode}: {done.stderr.strip()}")
        checks.finish("configuration: Lanyard takes and refuses the same")
