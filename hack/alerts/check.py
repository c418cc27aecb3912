"""Checks the alerts and the dashboard without a cluster. See hack/check-alerts.

usage: check.py PROMTOOL HELM
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "hack/documents"))
import pages  # noqa: E402

RULES = "charts/lanyard/files/alerts.yaml"
DASHBOARD = "charts/lanyard/files/dashboard.json"
TESTS = "Tests/Alerts/alerts.yaml"
RUNBOOKS = "docs/operations.md"
SEVERITIES = {"critical", "warning", "info"}
WORDS = {"and", "or", "unless", "by", "on", "without", "ignoring", "bool", "offset", "group_left", "group_right"}

failures = []


def fail(where, what):
    failures.append(f"{where}: {what}")


def finish(what):
    if failures:
        for failure in dict.fromkeys(failures):
            print(f"check-alerts: {failure}", file=sys.stderr)
        sys.exit(1)
    print(f"check-alerts: {what}", flush=True)


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def run(*words, text=None):
    done = subprocess.run(words, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def exposed():
    """The metrics of the table in docs/operations.md, which the tests compare with what is shown: name, and labels."""
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|", text_of(RUNBOOKS), re.M)
    found = {}
    for name, kind, labels in rows:
        known = set(re.findall(r"`(\w+)`", labels))
        for series in [f"{name}_bucket", f"{name}_sum", f"{name}_count"] if kind == "histogram" else [name]:
            found[series] = known | ({"le"} if series.endswith("_bucket") else set())
    return found


def series_of(expression):
    """What an expression asks for: each metric with the labels that it is selected by."""
    text = re.sub(r"\[[^]]*\]", "", expression)
    text = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    found = re.findall(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\(|\w)", re.sub(r'"[^"]*"', '""', text))
    for name, selector in found:
        if name not in WORDS:
            yield name, set(re.findall(r"(\w+)\s*[!=]", selector))


def check_series(where, expression, known):
    for name, labels in series_of(expression):
        if name not in known:
            fail(where, f"there is no metric {name}")
        elif labels - known[name]:
            fail(where, f"{name} has no label {', '.join(sorted(labels - known[name]))}")


def check_rules(alerts, known):
    page = pages.Page(ROOT / RUNBOOKS)
    for alert in alerts:
        where = f"{RULES}: {alert['alert']}"
        check_series(where, alert["expr"], known)
        if alert["labels"].get("severity") not in SEVERITIES:
            fail(where, f"severity is none of {', '.join(sorted(SEVERITIES))}")
        for name in ("summary", "description", "runbook_url"):
            if not alert["annotations"].get(name):
                fail(where, f"has no {name}")
        url, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        if url != "https://lanyard.dev/docs/operations" or anchor != alert["alert"].lower():
            fail(where, f"runbook_url is not that of its entry: {url}#{anchor}")
        if anchor not in page.anchors:
            fail(where, f"{RUNBOOKS} has no entry #{anchor}")
    names = {alert["alert"] for alert in alerts}
    entries = set(re.findall(r"^### (Lanyard\w+)$", text_of(RUNBOOKS), re.M))
    for name in sorted(entries - names):
        fail(RUNBOOKS, f"has an entry {name}, which is no alert")
    # In the table: the alert and its severities.
    rows = dict(re.findall(r"^\| \[(Lanyard\w+)\]\(#\w+\) \| ([a-z, ]+) \|", text_of(RUNBOOKS), re.M))
    for name in sorted(names | set(rows)):
        wanted = ", ".join(alert["labels"]["severity"] for alert in alerts if alert["alert"] == name)
        if rows.get(name) != wanted:
            fail(RUNBOOKS, f"the table says {rows.get(name)} of {name}, and it is {wanted or 'no alert'}")
    return len(names)


def check_tests(alerts, promtool):
    fires, rests = set(), set()
    for group in yaml.safe_load(text_of(TESTS))["tests"]:
        for case in group["alert_rule_test"]:
            if not case.get("exp_alerts"):
                rests.add(case["alertname"])
            for expected in case.get("exp_alerts") or []:
                fires.add((case["alertname"], expected["exp_labels"]["severity"]))
    for alert in alerts:
        if (alert["alert"], alert["labels"]["severity"]) not in fires:
            fail(TESTS, f"has no case in which {alert['alert']} ({alert['labels']['severity']}) fires")
        if alert["alert"] not in rests:
            fail(TESTS, f"has no case in which {alert['alert']} does not fire")
    code, said = run(promtool, "check", "rules", RULES)
    if code:
        fail(RULES, said)
    code, said = run(promtool, "test", "rules", TESTS)
    if code:
        fail(TESTS, said)
    return sum(len(group["alert_rule_test"]) for group in yaml.safe_load(text_of(TESTS))["tests"])


def check_dashboard(known, promtool):
    dashboard = json.loads(text_of(DASHBOARD))
    panels = dashboard["panels"]
    if len({panel["id"] for panel in panels}) != len(panels):
        fail(DASHBOARD, "two panels have the same id")
    taken = {}
    expressions = []
    for panel in panels:
        where = f"{DASHBOARD}: {panel['title']}"
        place = panel["gridPos"]
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])):
            if cell[0] >= 24 or taken.setdefault(cell, panel["title"]) != panel["title"]:
                fail(where, f"has no place of its own: {taken.get(cell)}")
        if not panel["targets"]:
            fail(where, "asks for nothing")
        for target in panel["targets"]:
            check_series(where, target["expr"], known)
            expressions.append(target["expr"].replace("$__rate_interval", "5m"))
    # What promtool takes as a rule is PromQL.
    rules = [{"record": f"panel:{index}", "expr": text} for index, text in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        code, said = run(promtool, "check", "rules", file.name)
    if code:
        fail(DASHBOARD, said)
    return len(panels), len(expressions)


def check_chart(helm):
    """The chart installs the files as they are, and has the Service scraped."""
    settings = ",".join(f"metrics.{name}.enabled=true" for name in ("serviceMonitor", "prometheusRule", "dashboard"))
    code, said = run(helm, "template", "lanyard", "charts/lanyard", "--namespace", "lanyard-system", "--set", settings)
    if code:
        fail("charts/lanyard", said)
        return
    items = [item for item in yaml.safe_load_all(said) if item]

    def find(kind, name):
        return next(item for item in items if item["kind"] == kind and item["metadata"]["name"] == name)

    if find("PrometheusRule", "lanyard")["spec"] != yaml.safe_load(text_of(RULES)):
        fail("charts/lanyard/templates/prometheus-rule.yaml", f"has other rules than {RULES}")
    config_map = find("ConfigMap", "lanyard-dashboard")
    if json.loads(config_map["data"]["lanyard.json"]) != json.loads(text_of(DASHBOARD)):
        fail("charts/lanyard/templates/dashboard.yaml", f"has another dashboard than {DASHBOARD}")
    if config_map["metadata"]["labels"].get("grafana_dashboard") != "1":
        fail("charts/lanyard/templates/dashboard.yaml", "has no label by which Grafana finds it")
    monitor = find("ServiceMonitor", "lanyard")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    scraped = [
        item["metadata"]["name"] for item in items
        if item["kind"] == "Service" and wanted <= item["metadata"]["labels"].items()
        for port in item["spec"]["ports"] if port["name"] == monitor["endpoints"][0]["port"]
    ]
    if scraped != ["lanyard-metrics"]:
        fail("charts/lanyard/templates/service-monitor.yaml", f"has {scraped} scraped")


def main(promtool, helm):
    known = exposed()
    if len(known) < 30:
        fail("hack/check-alerts", f"finds no table of metrics in {RUNBOOKS} any more")
    alerts = [rule for group in yaml.safe_load(text_of(RULES))["groups"] for rule in group["rules"]]
    count = check_rules(alerts, known)
    finish(f"{count} alerts: each is of metrics that there are, and has its entry in {RUNBOOKS}")
    cases = check_tests(alerts, promtool)
    finish(f"{len(alerts)} rules: {cases} cases, each alert fires and does not fire")
    panels, expressions = check_dashboard(known, promtool)
    finish(f"dashboard: {panels} panels, {expressions} expressions of metrics that there are")
    check_chart(helm)
    finish("chart: the rules, the dashboard and the Service that is scraped")


main(*sys.argv[1:])
