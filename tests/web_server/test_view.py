"""Which rows are shown, in which order, on which page."""

from collections.abc import Iterable

import pytest

from cefmp4.core.safety import Safety
from cefmp4.rows import STALLED, Row
from cefmp4.web.view import Page, Pages, Table, View, WrongQuery, view_of
from web_server.rows import row

AT_RISK = {"verdict": Safety.AT_RISK}


def by_id(rows: Iterable[Row]) -> dict[str, Row]:
    return {each.stream_id: each for each in rows}


def shown(view: View, living: Iterable[Row] = (), ended: Iterable[Row] = ()) -> Page:
    table = Table(by_id(living), by_id(ended), 1, 1)
    return Pages(lambda path: path.removeprefix("/w/")).page(view, table)


def ids(view: View, living: Iterable[Row] = (), ended: Iterable[Row] = ()) -> list[str]:
    return [each.stream_id for each in shown(view, living, ended).rows]


def test_a_query_without_anything_is_the_worst_fifty() -> None:
    """And what it does not know, as the opened stream, is no mistake."""
    assert view_of({}) == view_of({"detail": "x", "verdict": ""}) == View()
    assert (View().sort, View().page, View().per_page) == ("urgency", 1, 50)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sort", "colour"),
        ("sort", "__class__"),
        ("order", "down"),
        ("verdict", "safe"),
        ("status", "running"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "1e3"),
        ("page", "٣"),
        ("page", "9" * 5_000),
        ("per_page", "201"),
        ("per_page", "many"),
        ("search", "x" * 1_001),
    ],
)
def test_a_wrong_value_is_told_in_one_line(name: str, wrong: str) -> None:
    """It names the parameter, and does not repeat what was sent."""
    with pytest.raises(WrongQuery, match=f"^{name}: ") as told:
        view_of({name: wrong})
    assert "\n" not in str(told.value)
    assert wrong not in str(told.value).removeprefix(f"{name}: ") or wrong == "0"


def test_the_worst_comes_first() -> None:
    """Stalled, at risk for long, at risk, not stored, on its way; then the latest ended."""
    living = [
        row("young", started_at=950.0),
        row("risk", since=990.0, **AT_RISK),
        row("old", started_at=800.0),
        row("stalled", since=995.0, status=STALLED, **AT_RISK),
        row("risk for long", since=500.0, **AT_RISK),
    ]
    ended = [
        row("stored", verdict=Safety.STORED, since=400.0),
        row("gone", verdict=Safety.GIVEN_UP, since=600.0),
        row("failed", verdict=Safety.NOT_STORED, since=100.0),
        row("stored later", verdict=Safety.STORED, since=700.0),
    ]
    assert ids(View(), living, ended) == [
        "stalled", "risk for long", "risk", "failed", "young", "old",
        "stored later", "gone", "stored",
    ]  # fmt: skip


def test_what_is_on_its_way_stays_in_its_place_while_parts_land() -> None:
    """Nobody can read a table that jumps."""
    one, two = row("1", started_at=1.0), row("2", started_at=2.0)
    busy = row("1", started_at=1.0, sent_bytes=99, at_risk_since=999.0, since=1_005.0)
    assert ids(View(), [one, two]) == ids(View(), [busy, two]) == ["2", "1"]


@pytest.mark.parametrize(
    ("sort", "ascending"),
    [
        ("name", ["a", "b", "c"]),
        ("status", ["c", "a", "b"]),
        ("since", ["b", "c", "a"]),
        ("at_risk_seconds", ["c", "a", "b"]),
        ("disk_bytes", ["c", "b", "a"]),
        ("sent_bytes", ["b", "a", "c"]),
        ("started_at", ["b", "a", "c"]),
    ],
)
def test_every_column_sorts_both_ways(sort: str, ascending: list[str]) -> None:
    """What is not known is the least; living and ended are one list."""
    a = row(
        "a", path="/w/A.mp4", status="completed", since=3.0, at_risk_since=90.0,
        disk_bytes=30, sent_bytes=2, started_at=2.0,
    )  # fmt: skip
    b = row(
        "b", path="/w/b.mp4", status="failed", since=1.0, at_risk_since=50.0,
        disk_bytes=20, sent_bytes=1, started_at=None,
    )  # fmt: skip
    c = row(
        "c", path="/w/c.mp4", status="active", since=2.0, at_risk_since=None,
        disk_bytes=None, sent_bytes=3, started_at=3.0,
    )  # fmt: skip
    assert ids(View(sort=sort), [c], [a, b]) == ascending
    assert ids(View(sort=sort, descending=True), [c], [a, b]) == ascending[::-1]


def test_a_search_looks_into_name_key_and_id_and_not_into_the_directory() -> None:
    """Case ignored, also of letters that become two."""
    rows = [
        row("one", path="/w/Straße.mp4"),
        row("two", path="/w/b.mp4", key="Keys/B"),
        row("3f2a", path="/w/c.mp4"),
        row("raw", path="/w/\udcff.mp4", key="\udcff"),
    ]
    found = {
        search: ids(View(search=search.casefold()), rows)
        for search in ("STRASSE", "keys/b", "3F2", "/w/", "\ufffd")
    }
    assert found == {
        "STRASSE": ["one"], "keys/b": ["two"], "3F2": ["3f2a"], "/w/": [], "\ufffd": ["raw"],
    }  # fmt: skip


def test_filters_and_pages_count_what_they_leave() -> None:
    """The total is of all pages; a page past the last one is empty."""
    living = [row(f"{n:02}", started_at=100.0 - n) for n in range(7)]
    ended = [row("x", verdict=Safety.STORED, status="completed")]
    assert shown(View(verdict="stored"), living, ended).total == 1
    assert ids(View(status="completed"), living, ended) == ["x"]
    second = shown(View(page=2, per_page=3), living, ended)
    assert (second.total, [r.stream_id for r in second.rows]) == (8, ["03", "04", "05"])
    assert shown(View(page=4, per_page=3), living, ended) == Page(8, ())


def test_one_that_has_just_ended_is_shown_once() -> None:
    """Streams are looked at once a second: until then its end is the latest news."""
    page = shown(View(), [row("x")], [row("x", verdict=Safety.NOT_STORED)])
    assert (page.total, [r.verdict for r in page.rows]) == (1, [Safety.NOT_STORED])


def test_nothing_is_sorted_twice() -> None:
    """The same view of the same rows is made once; the ended ones only when they change.

    Seen failing without anything kept, and with the ended sorted with the living.
    """
    living = by_id(row(f"{n}") for n in range(5))
    ended = by_id(row(f"e{n}", verdict=Safety.STORED) for n in range(100))
    pages = Pages(str)
    for living_changes, ended_changes, sorted_rows in (
        (1, 1, 105), (1, 1, 105), (2, 1, 110), (2, 1, 110), (2, 2, 215),
    ):  # fmt: skip
        pages.page(View(), Table(living, ended, living_changes, ended_changes))
        assert pages.sorted_rows == sorted_rows
    for number in range(1, 200):
        pages.page(View(page=number), Table(living, ended, 2, 2))
    assert len(pages._kept) == 40
