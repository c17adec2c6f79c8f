"""The dashboard can be imported and read."""

import re
from itertools import combinations
from typing import Any

import pytest

from operations.documents import anchors, dashboard, dashboard_queries, metrics_in, panels

COLUMNS = 24
PANELS = panels()


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[length] and other[start] < one[start] + one[length]
        for start, length in (("x", "w"), ("y", "h"))
    )


def test_panels_have_ids_of_their_own() -> None:
    """Grafana mixes up those that share one. Seen failing with one given twice."""
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_panels_lie_beside_each_other_on_the_grid() -> None:
    """None on top of another or off the edge, from the top down, as they are written.

    Seen failing with one moved up by a line.
    """
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    assert not [pair for pair in combinations(places, 2) if _overlap(*pair)]
    assert all(0 <= place["x"] <= COLUMNS - place["w"] for place in places)
    assert places == sorted(places, key=lambda place: (place["y"], place["x"]))


def test_nothing_is_bound_to_one_grafana() -> None:
    """No id of its own, its data source chosen by a variable.

    Seen failing with an id, and with a data source of somebody's.
    """
    board = dashboard()
    uids = set(re.findall(r"'uid': '([^']*)'", str(board)))
    assert uids == {"cefmp4", "${datasource}"}
    assert "id" not in board
    assert board["schemaVersion"] >= 41
    names = {variable["name"] for variable in board["templating"]["list"]}
    assert {"datasource", "instance"} <= names


def test_every_query_is_of_the_chosen_instances() -> None:
    """Each selector in it. Seen failing with one left out."""
    for query in dashboard_queries():
        bare = re.sub(r'"[^"]*"', '""', query)
        for name in metrics_in(query):
            assert not re.search(rf"\b{name}\b(?!{{)", bare), query
        for matchers in re.findall(r"\{([^}]*)\}", query):
            assert 'instance=~"$instance"' in matchers, query


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """Title, description, unit, data source, legends, and links that lead somewhere.

    Seen failing with each of them taken away.
    """
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(references) == len(set(references))
    if len(references) > 1:
        assert all(target["legendFormat"] for target in panel["targets"])
    for link in panel["links"]:
        page, anchor = link["url"].split("#")
        assert page == "${runbooks}"
        assert anchor in anchors()
