"""The rows of streams as a command sees them: from what the state server remembers, and
from what the daemon shows there.

What must stay true: a checkpoint that has ended says the last word, for the figures of the
daemon may be half a minute old; and without a daemon nothing is called safe that is not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cefmp4.core.model import LIVE, STORED, Checkpoint
from cefmp4.core.safety import WORST_FIRST, Safety
from cefmp4.ports import Figures, Outline, Presence, Shown
from cefmp4.rows import STALLED, Row, bytes_in_store, row_at_the_end

NO_DAEMON = "no daemon works on this instance"
NO_DAEMON_HINT = "start it: cefmp4 run; it carries on where it was"
NOT_TOLD = "the daemon has not told yet"


@dataclass(frozen=True, slots=True)
class View:
    """All streams of an instance, as far as asked for, at one moment."""

    instance: str
    at: float
    outlines: Mapping[str, Outline]
    """By stream id; one that has not begun has none."""
    rows: tuple[Row, ...]
    """The most urgent first, the longest ended last."""
    presence: Presence | None
    """None: the daemon shows nothing, or there is none."""
    holder: str
    """Who works on the instance; empty: nobody."""
    fresh: bool
    """The figures are of the last seconds."""


def rows_of(outlines: Iterable[Outline], shown: Shown, *, works: bool) -> tuple[Row, ...]:
    """One of each stream, in the order of a table. `works`: a daemon does."""
    rows = list(_rows(outlines, shown if works else Shown(None, {}), works=works))
    return tuple(sorted(rows, key=_order))


def _rows(outlines: Iterable[Outline], shown: Shown, *, works: bool) -> Iterator[Row]:
    remembered = set()
    for outline in outlines:
        remembered.add(outline.checkpoint.stream_id)
        yield row_elsewhere(outline, shown.figures.get(outline.checkpoint.stream_id), works)
    for stream_id, figures in shown.figures.items():
        if stream_id not in remembered and not figures.begun:
            yield _not_begun(stream_id, figures)


def row_elsewhere(outline: Outline, figures: Figures | None, works: bool) -> Row:
    """Of one stream; `figures` are what the daemon shows of it, if anything."""
    cp = outline.checkpoint
    row = replace(
        row_at_the_end(cp),
        parts=outline.parts if cp.parts_stand else 0,
        sent_bytes=bytes_in_store(cp, outline.bytes_sent),
    )
    if cp.status not in LIVE:
        return row
    if figures is None:
        return _untold(row, cp, works)
    stored = cp.status in STORED
    return replace(
        row,
        path=figures.path,
        status=STALLED if figures.status == STALLED and not stored else cp.status.value,
        verdict=Safety.STORED if stored else _verdict(figures),
        why=figures.why,
        since=figures.since,
        hint=figures.hint,
        trouble=figures.trouble,
        failures=figures.failures,
        disk_bytes=figures.disk_bytes,
        unsent_bytes=0 if stored else figures.unsent_bytes,
        at_risk_since=None if stored else figures.at_risk_since,
    )


def _untold(row: Row, cp: Checkpoint, works: bool) -> Row:
    """Its daemon says nothing of it, or there is none."""
    if cp.status in STORED:
        return replace(row, verdict=Safety.STORED)
    since = cp.last_activity_at or cp.started_at
    if works:
        why = cp.reason or NOT_TOLD
        return replace(row, verdict=Safety.ON_ITS_WAY, why=why, since=since)
    return replace(row, verdict=Safety.AT_RISK, why=NO_DAEMON, since=since, hint=NO_DAEMON_HINT)


def _not_begun(stream_id: str, figures: Figures) -> Row:
    """It is on the disk, and nothing is written down of it yet."""
    return Row(
        stream_id,
        figures.path,
        figures.status,
        _verdict(figures),
        figures.why,
        figures.since,
        figures.hint,
        figures.trouble,
        figures.failures,
        figures.disk_bytes,
        unsent_bytes=figures.unsent_bytes,
        at_risk_since=figures.at_risk_since,
    )


def _verdict(figures: Figures) -> Safety:
    """That of another version may be none of ours."""
    try:
        return Safety(figures.verdict)
    except ValueError:
        return Safety.ON_ITS_WAY


def _order(row: Row) -> tuple[int, int, float, str]:
    """The worst first, stalled before other trouble; live ones by age; then ended ones."""
    rank = WORST_FIRST[row.verdict]
    if row.verdict is Safety.NOT_STORED:
        return rank, 0, -row.since, row.stream_id
    if row.ended_at is not None:
        return max(WORST_FIRST.values()) + 1, 0, -row.ended_at, row.stream_id
    at = row.at_risk_since if row.verdict is Safety.AT_RISK else row.started_at
    return rank, 0 if row.status == STALLED else 1, at or 0.0, row.stream_id
