"""What `deploy/observability/` holds, as the tests read it."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parents[2]
FOLDER = HOUSE / "deploy" / "observability"
ALERTS, ALERTS_TEST = FOLDER / "alerts.yml", FOLDER / "alerts_test.yml"
DASHBOARD, PROMETHEUS = FOLDER / "dashboard.json", FOLDER / "prometheus.yml"
RUNBOOK, GUIDE = HOUSE / "docs" / "failures.md", HOUSE / "docs" / "observability.md"
REFERENCE = HOUSE / "docs" / "reference" / "metrics.md"
OPERATORS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "offset"}


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def alerts() -> list[dict[str, Any]]:
    """Every alerting rule, in order."""
    return [rule for group in read_yaml(ALERTS)["groups"] for rule in group["rules"]]


def alert_tests() -> list[dict[str, Any]]:
    """What promtool is to try, one value for each set of series."""
    tests: list[dict[str, Any]] = read_yaml(ALERTS_TEST)["tests"]
    return tests


def dashboard() -> dict[str, Any]:
    board: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return board


def panels() -> list[dict[str, Any]]:
    """Those that show something; rows do not."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def metrics_in(query: str) -> set[str]:
    """The metrics a PromQL query names; enough of its grammar for what stands here."""
    query = re.sub(r'"[^"]*"', '""', query)
    query = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", query)
    query = re.sub(r"\b(by|without|on|ignoring|group_left)\s*\([^)]*\)", " ", query)
    names = set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", query))
    return names - OPERATORS


def anchors() -> set[str]:
    """The places in docs/failures.md that can be linked to."""
    return set(re.findall(r'<a id="([a-z0-9-]+)"></a>', RUNBOOK.read_text(encoding="utf-8")))
