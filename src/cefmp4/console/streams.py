"""`streams`: every recording in one line."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cefmp4.console import terminal
from cefmp4.console.facts import stream_facts
from cefmp4.console.terminal import mib, print_table, printable
from cefmp4.console.words import age, percent, size, standing
from cefmp4.core.safety import Safety
from cefmp4.elsewhere import NO_DAEMON, NO_DAEMON_HINT, View
from cefmp4.metadata import utc
from cefmp4.rows import Row, is_over

ID_LETTERS = 8
"""Of an id, on a terminal; more where that many do not tell two apart."""
WIDE, ROOMY = 100, 130
"""Columns of a terminal from which on there is room for more."""
STATUS_LETTERS, GAP_LETTERS = 11, 2
BAR_LETTERS, SHORT_BAR_LETTERS = 10, 5
GOES_ON = "the daemon goes on trying by itself; nothing of it is given up"
"""Of what is at risk, while a daemon works and tells so."""
AROUND = 4
"""Lines of a live table that are no rows, and the one the cursor stands on."""


def row_facts(view: View, row: Row) -> dict[str, Any]:
    """A row as JSON shows it: what is remembered, and what the daemon says."""
    outline = view.outlines.get(row.stream_id)
    return {
        **stream_facts(row, outline.checkpoint if outline else None),
        "next_part_number": outline.next_part_number if outline else 1,
        "verdict": row.verdict.value,
        "why": row.why,
        "since_utc": utc(row.since),
        "trouble": _trouble(row),
        "disk_bytes": row.disk_bytes,
        "unsent_bytes": row.unsent_bytes,
        "at_risk_seconds": at_risk_seconds(view, row),
        "duration_seconds": row.duration_seconds,
        "can": list(row.can),
    }


def _trouble(row: Row) -> dict[str, Any] | None:
    if row.trouble is None:
        return None
    told = asdict(row.trouble)
    return {**told, "since": utc(row.trouble.since), "failures": row.failures}


def at_risk_seconds(view: View, row: Row) -> float:
    """Age of its oldest byte that is not in the store; 0 when all are."""
    return 0.0 if row.at_risk_since is None else max(0.0, view.at - row.at_risk_since)


def print_rows(view: View, rows: Sequence[Row]) -> None:
    """One table. A terminal is narrow; a pipe is told everything, one stream a line."""
    if not rows:
        terminal.out.print("No streams yet." if not view.rows else "No such streams.")
    elif terminal.out.is_terminal:
        terminal.out.print(Group(summary(view, None), _table(view, rows, terminal.out.width)))
    else:
        print_table(_plain(view, rows))


def _plain(view: View, rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("stream", "status"):
        table.add_column(heading, no_wrap=True)
    table.add_column("file", overflow="fold")
    for heading in ("parts", "MiB sent", "MiB", "unsent s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for row in rows:
        table.add_row(
            row.stream_id,
            row.status,
            printable(row.path),
            str(row.parts),
            mib(row.sent_bytes),
            mib(row.disk_bytes),
            f"{at_risk_seconds(view, row):.1f}",
            row.verdict.value,
            printable(row.why),
        )
    return table


def live(
    view: View, rows: Sequence[Row], bytes_per_second: float | None, problem: str
) -> RenderableType:
    """As many rows as the terminal has lines for, the most urgent ones."""
    lines: list[RenderableType] = [summary(view, bytes_per_second)]
    if problem:
        lines.append(printable(problem, "bold red"))
    above = sum(1 + str(line).count("\n") for line in lines)
    room = max(1, terminal.out.height - AROUND - above)
    if rows:
        lines.append(_table(view, rows[:room], terminal.out.width))
    else:
        lines.append(Text("No streams yet." if not view.rows else "No such streams."))
    if len(rows) > room:
        more = f"… {len(rows) - room} more: make the window larger, or name a --status"
        lines.append(Text(more, "dim"))
    return Group(*lines)


def summary(view: View, bytes_per_second: float | None) -> Text:
    """Of all streams, whatever the table leaves out."""
    verdicts = [row.verdict for row in view.rows]
    active = sum(not is_over(row) for row in view.rows)
    at_risk, failed = verdicts.count(Safety.AT_RISK), verdicts.count(Safety.NOT_STORED)
    line = printable(view.instance, "bold")
    line.append(f"  {active} active")
    line.append(f"  {at_risk} at risk", "yellow" if at_risk else "dim")
    line.append(f"  {failed} failed", "bold red" if failed else "dim")
    if bytes_per_second is not None:
        line.append(f"  {size(bytes_per_second)}/s")
    if trouble := staleness(view):
        line.append("\n").append(printable(trouble, "bold yellow"))
    elif at_risk:
        line.append(f"\nat risk: {GOES_ON}", "dim")
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def staleness(view: View) -> str:
    """Why the figures are not those of this moment; empty when they are."""
    if not view.holder:
        return f"{NO_DAEMON} ({NO_DAEMON_HINT})"
    if view.presence is None:
        return f"{view.holder} works on this instance, but shows no figures yet"
    if not view.fresh:
        return f"the figures are old: {view.holder} has not told new ones"
    return ""


def _table(view: View, rows: Sequence[Row], width: int) -> Table:
    """One line a stream, the more columns the wider the terminal is."""
    shorter = short_ids([row.stream_id for row in view.rows])
    within = os.path.join(view.presence.watch_dir, "") if view.presence else ""
    bar_letters = BAR_LETTERS if width >= WIDE else SHORT_BAR_LETTERS
    letters = _file_letters(width, bar_letters)
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    table.add_column("stream", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("file", no_wrap=True, width=letters)
    table.add_column("sent", no_wrap=True, width=bar_letters)
    table.add_column("", justify="right", no_wrap=True, min_width=4)
    if width >= WIDE:
        table.add_column("size", justify="right", no_wrap=True)
        table.add_column("unsent for", justify="right", no_wrap=True)
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1)
    if width >= ROOMY:
        table.add_column("since", justify="right", no_wrap=True)
    for row in rows:
        cells: list[RenderableType] = [
            shorter[row.stream_id],
            standing(row),
            _ending(row.path.removeprefix(within), letters),
            _bar(row, bar_letters),
            "" if (sent := percent(row)) is None else f"{sent}%",
        ]
        if width >= WIDE:
            of = row.sent_bytes if row.disk_bytes is None else row.disk_bytes
            cells += [size(of), _unsent_for(view, row)]
        cells.append(printable(row.why))
        if width >= ROOMY:
            cells.append(age(view.at - row.since))
        table.add_row(*cells)
    return table


def _file_letters(width: int, bar_letters: int) -> int:
    """Half of what the other columns leave, the rest is for the reason."""
    others = ID_LETTERS + STATUS_LETTERS + bar_letters + 4 * GAP_LETTERS + 4
    if width >= WIDE:
        others += 2 * (GAP_LETTERS + 9)
    if width >= ROOMY:
        others += GAP_LETTERS + 6
    return max(10, (width - others) // 2)


def _ending(path: str, letters: int) -> Text:
    """Of a long path the end: there it differs from the others."""
    shown = printable(path).plain
    if cell_len(shown) <= letters:
        return Text(shown)
    while cell_len(shown) >= letters:
        shown = shown[1:]
    return Text(f"…{shown}")


def _bar(row: Row, letters: int) -> RenderableType:
    if row.verdict is Safety.STORED and row.disk_bytes is None:
        return ProgressBar(1, 1, width=letters)
    if row.disk_bytes is None:
        return ""
    return ProgressBar(max(row.disk_bytes, 1), row.sent_bytes, width=letters)


def _unsent_for(view: View, row: Row) -> str:
    seconds = at_risk_seconds(view, row)
    return age(seconds) if seconds >= 1 else ""


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Each id as short as it can be told from the others, but no shorter than some letters."""
    length = ID_LETTERS
    while len({one[:length] for one in ids}) < len(ids):
        length += 1
    return {one: one[:length] for one in ids}
