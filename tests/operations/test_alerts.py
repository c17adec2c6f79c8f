"""Each alert tells a person what to do, and is seen firing and not firing."""

from collections import defaultdict
from typing import Any

import pytest

from operations.documents import GUIDE, RUNBOOK, alert_tests, alerts, anchors

ALERTS = alerts()
SEVERITIES = {"warning", "critical"}
TOLD = {"summary", "description", "runbook_url"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    """And leads to its row in docs/failures.md, which names it.

    Seen failing with an anchor misspelt, and with the name left out of the row.
    """
    assert alert["labels"]["severity"] in SEVERITIES
    assert set(alert["annotations"]) == TOLD
    page, anchor = alert["annotations"]["runbook_url"].split("#")
    assert page == "docs/failures.md"
    assert anchor in anchors()
    rows = RUNBOOK.read_text(encoding="utf-8").splitlines()
    (row,) = [row for row in rows if f'<a id="{anchor}"></a>' in row]
    assert f"`{alert['alert']}`" in row
    assert row.startswith("| <a id=")


def test_every_anchor_is_that_of_an_alert() -> None:
    """Nothing is left of one that was renamed. Seen failing with one too many."""
    linked = {alert["annotations"]["runbook_url"].split("#")[1] for alert in ALERTS}
    assert anchors() == linked


def test_every_alert_is_seen_firing_and_not_firing() -> None:
    """In each of its severities. Seen failing without the cases of one."""
    fires, rests = defaultdict(set), set()
    for test in alert_tests():
        for case in test["alert_rule_test"]:
            for expected in case["exp_alerts"]:
                fires[case["alertname"]].add(expected["exp_labels"]["severity"])
            if not case["exp_alerts"]:
                rests.add(case["alertname"])
    names = {alert["alert"] for alert in ALERTS}
    assert rests == names
    assert set(fires) == names
    for alert in ALERTS:
        assert alert["labels"]["severity"] in fires[alert["alert"]], alert["alert"]


def test_the_guide_tells_of_every_alert() -> None:
    """What it means and what is normal. Seen failing with one left out."""
    guide = GUIDE.read_text(encoding="utf-8")
    assert not [alert["alert"] for alert in ALERTS if f"`{alert['alert']}`" not in guide]
