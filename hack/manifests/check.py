"""Checks the chart, the manifests and the examples. See hack/check-manifests.

usage: check.py FOLDER KUBECTL HELM [LANYARD]
"""

import pathlib
import sys

import configuration
import objects
import publication
import values
from chart import Chart, Checks


def main(work, kubectl, helm, lanyard=None):
    sys.stdout.reconfigure(line_buffering=True)
    chart = Chart(pathlib.Path(helm), pathlib.Path("charts/lanyard"))
    checks = Checks()
    work = pathlib.Path(work)
    values.check(checks, chart)
    configuration.check(checks, chart, work, lanyard)
    publication.check(checks, chart, work)
    objects.check(checks, chart, kubectl)


main(*sys.argv[1:])
