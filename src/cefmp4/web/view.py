"""Which recordings somebody wants to see, and in which order: pure, of rows and a query.

Sorting thousands of rows takes some milliseconds, so `Pages` keeps what it has sorted until
a row has changed, the living and the ended apart: of the latter there may be ten thousand,
and they change rarely.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from operator import itemgetter
from typing import Any

from cefmp4.core.model import Status
from cefmp4.core.safety import WORST_FIRST, Safety
from cefmp4.rows import STALLED, Row, is_over
from cefmp4.web.words import shown

MOST_PER_PAGE = 200
LONGEST_SEARCH = 1_000
LAST_PAGE = 1_000_000
VIEWS_KEPT = 40
"""More than connections that look."""

STATUSES = frozenset({status.value for status in Status} | {STALLED})
UNDER_WAY = "active"
"""In place of a verdict: whatever it is, the stream has not ended."""
VERDICTS = frozenset(safety.value for safety in Safety) | {UNDER_WAY}


class WrongQuery(ValueError):
    """One line says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class View:
    """What somebody looks at."""

    search: str = ""
    verdict: str = ""
    status: str = ""
    sort: str = "urgency"
    descending: bool = False
    page: int = 1
    per_page: int = 50


def view_of(query: Mapping[str, str]) -> View:
    """The view a query asks for; names it does not know are none of its business.

    Raises WrongQuery.
    """
    search = query.get("search", "").strip()
    if len(search) > LONGEST_SEARCH:
        raise WrongQuery(f"search: at most {LONGEST_SEARCH} letters")
    return View(
        search=search.casefold(),
        verdict=_one_of(query, "verdict", VERDICTS),
        status=_one_of(query, "status", STATUSES),
        sort=_one_of(query, "sort", SORTS.keys()) or "urgency",
        descending=_one_of(query, "order", {"asc", "desc"}) == "desc",
        page=_number(query, "page", 1, LAST_PAGE),
        per_page=_number(query, "per_page", 50, MOST_PER_PAGE),
    )


def _one_of(query: Mapping[str, str], name: str, allowed: Iterable[str]) -> str:
    told = query.get(name, "")
    if told and told not in allowed:
        raise WrongQuery(f"{name}: one of {', '.join(sorted(allowed))}")
    return told


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    told = query.get(name, "")
    if not told:
        return default
    if not (told.isascii() and told.isdigit() and len(told) < 10 and 1 <= int(told) <= most):
        raise WrongQuery(f"{name}: a whole number from 1 to {most}")
    return int(told)


# --- the order ------------------------------------------------------------------------


def _urgency(row: Row) -> tuple[int, bool, float]:
    """At risk, stalled ones first, then since the longest; all else, the latest first.

    What is on its way stays where it is while its parts land.
    """
    rank = WORST_FIRST[row.verdict]
    if row.verdict is Safety.AT_RISK:
        return rank, row.status != STALLED, row.since
    if row.verdict is Safety.ON_ITS_WAY:
        return rank, False, -(row.started_at or inf)
    return rank, False, -row.since


Key = Callable[[Row], Any]
SORTS: Mapping[str, Key] = {
    "urgency": _urgency,
    "name": lambda row: row.path.casefold(),
    "status": lambda row: row.status,
    "since": lambda row: row.since,
    "at_risk_seconds": lambda row: -(row.at_risk_since or inf),
    "disk_bytes": lambda row: -1 if row.disk_bytes is None else row.disk_bytes,
    "sent_bytes": lambda row: row.sent_bytes,
    "started_at": lambda row: row.started_at or 0.0,
}
"""What each is sorted by, ascending; what is not known comes first."""


# --- the pages ------------------------------------------------------------------------

Sorted = list[tuple[Any, Row]]


@dataclass(frozen=True, slots=True)
class Table:
    """All rows there are, at one moment."""

    living: Mapping[str, Row]
    """By stream id, as they were seen last."""
    ended: Mapping[str, Row]
    """By stream id; of one that is in both, its end is the latest news."""
    living_changes: int
    """Is the same only while no row of them is another."""
    ended_changes: int

    @property
    def changes(self) -> tuple[int, int]:
        return self.living_changes, self.ended_changes


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a view: its rows in order, and how many there are on all pages."""

    total: int
    rows: tuple[Row, ...]


@dataclass(slots=True)
class _Kept:
    """Of one view."""

    changes: tuple[int, int]
    ended: Sorted
    page: Page


class Pages:
    """Makes pages, and makes none twice."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        """`name_of` makes of a path the name that is searched."""
        self._name_of = name_of
        self._kept: dict[View, _Kept] = {}
        self.sorted_rows = 0
        """How many were filtered and sorted, since ever: the work that was done."""

    def page(self, view: View, table: Table) -> Page:
        """The page of this view of this table."""
        kept = self._kept.pop(view, None)
        if kept is None or kept.changes != table.changes:
            kept = self._make(view, table, kept)
        self._kept[view] = kept  # the latest used last
        if len(self._kept) > VIEWS_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept.page

    def _make(self, view: View, table: Table, before: _Kept | None) -> _Kept:
        if before is not None and before.changes[1] == table.ended_changes:
            ended = before.ended
        else:
            ended = self._sorted(view, table.ended.values())
        over = table.ended.keys()
        living = self._sorted(
            view, [row for key, row in table.living.items() if key not in over]
        )
        rows = living + ended
        if living and ended:
            rows.sort(key=itemgetter(0), reverse=view.descending)  # two runs: it only merges
        begin = (view.page - 1) * view.per_page
        page = tuple(row for _, row in rows[begin : begin + view.per_page])
        return _Kept(table.changes, ended, Page(len(rows), page))

    def _sorted(self, view: View, rows: Iterable[Row]) -> Sorted:
        key = SORTS[view.sort]
        wanted = [((key(row), row.stream_id), row) for row in rows if self._wants(view, row)]
        wanted.sort(key=itemgetter(0), reverse=view.descending)
        self.sorted_rows += len(wanted)
        return wanted

    def _wants(self, view: View, row: Row) -> bool:
        if view.verdict == UNDER_WAY:
            if is_over(row):
                return False
        elif view.verdict and row.verdict != view.verdict:
            return False
        if view.status and row.status != view.status:
            return False
        if not view.search:
            return True
        told = (self._name_of(row.path), shown(row.key), row.stream_id)
        return any(view.search in text.casefold() for text in told)
