"""Prometheus takes rules, configuration and metrics, and the rules do their work."""

import re
from pathlib import Path

import yaml

from operations.conftest import Promtool
from operations.documents import (
    ALERTS,
    ALERTS_TEST,
    DASHBOARD,
    PROMETHEUS,
    dashboard_queries,
    read_yaml,
)

TOLERATED = {
    "active_streams_gauge metric name should not include type 'gauge'",
    # It was promised under this name, and others have built on it.
}


def test_the_rules_are_rules(promtool: Promtool) -> None:
    """promtool reads them all. Seen failing with a bracket missing in an expression."""
    checked = promtool("check", "rules", "--lint-fatal", str(ALERTS))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_alerts_fire_when_they_should_and_only_then(promtool: Promtool) -> None:
    """All histories of alerts_test.yml. Seen failing with each `for` and threshold changed."""
    tried = promtool("test", "rules", str(ALERTS_TEST))
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_the_configuration_is_one_and_names_the_rules(promtool: Promtool) -> None:
    """Prometheus could be started with it. Seen failing with another name of the rules."""
    checked = promtool("check", "config", str(PROMETHEUS))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert read_yaml(PROMETHEUS)["rule_files"] == [ALERTS.name]


def test_the_scraped_job_is_the_one_the_alerts_ask_for() -> None:
    """Else none of them could fire. Seen failing with another job in the configuration."""
    (job,) = {one["job_name"] for one in read_yaml(PROMETHEUS)["scrape_configs"]}
    asked = {
        name
        for path in (ALERTS, DASHBOARD)
        for name in re.findall(r'job=\\?"([^"\\]*)', path.read_text(encoding="utf-8"))
    }
    assert asked == {job}


def test_the_queries_of_the_dashboard_are_queries(promtool: Promtool, tmp_path: Path) -> None:
    """With Grafana's variables filled in, Prometheus understands them all.

    Seen failing with a bracket missing in one.
    """
    rules = [
        {"record": f"q{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(dashboard_queries())
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_metrics_are_named_as_metrics_are(promtool: Promtool, scrape: str) -> None:
    """promtool complains of nothing, but for what is tolerated, and why.

    Seen failing with a counter without `_total`.
    """
    checked = promtool("check", "metrics", stdin=_with_samples(scrape))
    assert checked.returncode in (0, 3), checked.stderr  # 3: it has complained
    assert set(checked.stderr.splitlines()) == TOLERATED


def _with_samples(text: str) -> str:
    """A labelled metric has no sample before its first event; promtool then passes over it."""
    lines = text.splitlines()
    filled = []
    for line, following in zip(lines, [*lines[1:], "#"], strict=True):
        filled.append(line)
        if line.startswith("# TYPE ") and following.startswith("#"):
            _, _, name, kind = line.split()
            if kind == "histogram":
                filled += [f'{name}_bucket{{le="+Inf"}} 0', f"{name}_sum 0", f"{name}_count 0"]
            else:
                filled.append(f"{name} 0")
    return "\n".join(filled) + "\n"
