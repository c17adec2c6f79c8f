"""`streams`: every recording, live on a terminal."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.live import Live

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.commands.asking import AsJson, Embedded, Instance, ask
from cefmp4.commands.seeing import Onlooker
from cefmp4.console.streams import live, print_rows, row_facts, staleness
from cefmp4.core.model import Status
from cefmp4.core.safety import Safety
from cefmp4.elsewhere import View
from cefmp4.errors import RedisOperationError
from cefmp4.rows import STALLED, Row, is_over

REFRESH_SECONDS = 1.0
COST_SHARE = 0.2
"""Of one core, at most, for looking again and again at thousands of streams."""
ENDED_ON_TERMINAL = 20
RATE_SECONDS = 10.0

STATUSES = (*(status.value for status in Status), STALLED)


def checked(statuses: list[str] | None) -> list[str] | None:
    """Raises BadParameter for what is no status."""
    for status in statuses or ():
        if status not in STATUSES:
            raise typer.BadParameter(f"{status!r} is none of: {', '.join(STATUSES)}")
    return statuses


Only = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        callback=checked,
        autocompletion=lambda: list(STATUSES),
        help="Only streams of this status; may be said several times.",
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which streams are to be shown."""

    statuses: Sequence[str]
    failed: bool
    limit: int | None

    def ended(self, *, terminal: bool) -> int | None:
        """How many of those that ended have to be asked for; None: all."""
        if self.statuses or self.failed:
            return None
        return ENDED_ON_TERMINAL if terminal and self.limit is None else self.limit

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """In the order they came."""
        return [
            row
            for row in rows
            if (not self.statuses or row.status in self.statuses)
            and (not self.failed or row.verdict is Safety.NOT_STORED)
        ][: self.limit]


def streams(
    once: Annotated[bool, typer.Option("--once", help="Print one table and end.")] = False,
    status: Only = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what is not stored without a person.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many streams.")
    ] = None,
    as_json: AsJson = False,
    embedded: Embedded = False,
    instance: Instance = "",
) -> None:
    """Show every recording, live: is it safe?

    How much of it is sent, how old its unsent bytes are, and what is in its way.

    On a terminal a table that lives until Ctrl-C, what is in trouble first. Into a pipe or
    a file, and with --once or --json, it is printed once: then one stream is one line.
    REDIS_URL is all it needs, at whatever host.

    \b
      cefmp4 streams                          a table that lives, until Ctrl-C
      cefmp4 streams --once                   one table
      cefmp4 streams --failed                 what needs you
      cefmp4 streams --status active --json   for programs
      REDIS_URL=redis://nvr:6379/0 cefmp4 streams
    """
    terminal = console.out.is_terminal and not as_json
    wanted = Wanted(status or [], failed, limit)
    if terminal and not once and not console.out.is_dumb_terminal:
        ask(embedded, lambda checkpoints: _live(checkpoints, wanted), instance)
        return
    view = ask(embedded, lambda found: _onlooker(found, wanted, terminal).look_once(), instance)
    rows = wanted.of(view.rows)
    if as_json:
        console.print_json([row_facts(view, row) for row in rows])
        return
    if not terminal and view.rows and (old := staleness(view)):
        console.note(old)
    print_rows(view, rows if terminal else sorted(rows, key=_begun))


def _begun(row: Row) -> float:
    """Into a pipe the latest comes last."""
    return row.started_at or row.since


def _onlooker(checkpoints: RedisCheckpoints, wanted: Wanted, terminal: bool) -> Onlooker:
    ended = wanted.ended(terminal=terminal)
    return Onlooker(checkpoints, lambda: checkpoints.outlines(ended))


async def _live(checkpoints: RedisCheckpoints, wanted: Wanted) -> None:
    """Until Ctrl-C, which is no failure."""
    onlooker = _onlooker(checkpoints, wanted, terminal=True)
    view, rate = await onlooker.look_once(), Rate()
    loop, problem = asyncio.get_running_loop(), ""
    with Live(console=console.out, auto_refresh=False) as shown:
        while True:
            rows = wanted.of(view.rows)
            per_second = rate.of(view)
            shown.update(live(view, rows, per_second, problem), refresh=True)
            await asyncio.sleep(REFRESH_SECONDS)
            begun = loop.time()
            try:
                view, problem = await onlooker.look(), ""
            except RedisOperationError as error:
                problem = f"{error}. {error.hint}".rstrip()
            await asyncio.sleep((loop.time() - begun) * (1 / COST_SHARE - 1))


class Rate:
    """How fast parts land, over the last seconds."""

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        self._total = 0
        self._points: deque[tuple[float, int]] = deque()

    def of(self, view: View) -> float | None:
        """Bytes per second; None while that cannot be told yet."""
        first = not self._points
        for row in view.rows:
            known = self._sent.get(row.stream_id, row.sent_bytes if is_over(row) else 0)
            self._total += 0 if first else max(0, row.sent_bytes - known)
            self._sent[row.stream_id] = row.sent_bytes
        self._points.append((view.at, self._total))
        while len(self._points) > 2 and view.at - self._points[1][0] >= RATE_SECONDS:
            self._points.popleft()
        (since, before), (at, total) = self._points[0], self._points[-1]
        return (total - before) / (at - since) if at > since else None
