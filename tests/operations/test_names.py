"""Alerts, dashboard and guide ask for metrics that there are."""

import re

import pytest

from cefmp4.core.model import Status
from operations.documents import (
    GUIDE,
    REFERENCE,
    alert_tests,
    alerts,
    dashboard,
    dashboard_queries,
    metrics_in,
)

OF_PROMETHEUS = {"up"}
OURS = re.compile(r"`((?:cefmp4|video|streams|active_streams)_\w+)")
STATUSES = {*Status, "stalled"}


@pytest.fixture(scope="module")
def exported(scrape: str) -> set[str]:
    """The names of all metrics of the daemon, without what a histogram puts behind its own."""
    return set(re.findall(r"^# TYPE (\S+) ", scrape, re.MULTILINE))


def _named(names: set[str], known: set[str]) -> set[str]:
    """Those of the names that are no metric of these, nor a series of a histogram of these."""
    return {
        name
        for name in names
        if name not in known and re.sub("_(bucket|sum|count)$", "", name) not in known
    }


def test_alerts_ask_for_metrics_that_there_are(exported: set[str]) -> None:
    """Else they never fire. Seen failing with one misspelt."""
    asked = {name for rule in alerts() for name in metrics_in(rule["expr"])}
    assert not _named(asked, exported | OF_PROMETHEUS)


def test_the_tests_of_the_alerts_use_metrics_that_there_are(exported: set[str]) -> None:
    """Else they show nothing. Seen failing with one misspelt in both."""
    given = {
        name
        for test in alert_tests()
        for series in test["input_series"]
        for name in metrics_in(series["series"])
    }
    assert not _named(given, exported | OF_PROMETHEUS)


def test_the_dashboard_asks_for_metrics_that_there_are(exported: set[str]) -> None:
    """Else a panel stays empty. Seen failing with one misspelt."""
    asked = {name for query in dashboard_queries() for name in metrics_in(query)}
    variables = dashboard()["templating"]["list"]
    asked |= {
        variable["query"]["query"].removeprefix("label_values(").split(",")[0]
        for variable in variables
        if variable["type"] == "query"
    }
    assert not _named(asked, exported | OF_PROMETHEUS)


def test_the_guide_tells_of_every_metric_and_of_no_other(exported: set[str]) -> None:
    """Its table is whole. Seen failing with one left out, and with one too many."""
    told = set(OURS.findall(GUIDE.read_text(encoding="utf-8")))
    ours = {name for name in exported if not name.startswith("process_")}
    assert told == ours


def test_the_reference_tells_of_every_metric_and_of_no_other(exported: set[str]) -> None:
    """Of what a real daemon exports. Seen failing with one that was registered later."""
    told = set(OURS.findall(REFERENCE.read_text(encoding="utf-8")))
    assert told == {name for name in exported if not name.startswith("process_")}


def test_only_statuses_that_there_are_are_asked_for() -> None:
    """A misspelt one would never match. Seen failing with `stalling`."""
    queries = [*(rule["expr"] for rule in alerts()), *dashboard_queries()]
    asked = {
        status
        for query in queries
        for values in re.findall(r'\bstatus=~?"([^"]*)"', query)
        for status in values.split("|")
    }
    assert asked
    assert asked <= STATUSES
