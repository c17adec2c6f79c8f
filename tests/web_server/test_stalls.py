"""Of a recording that gets nowhere, people are told once."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cefmp4.core.safety import Safety
from cefmp4.errors import RedisOperationError
from cefmp4.lookout import Sighting
from cefmp4.rows import STALLED, Row
from cefmp4.stalls import tell_stalls, watch_stalls
from waiting import wait_until
from web_server.rows import row
from web_server.serving import Served


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """These tests read the log."""


def seen(*rows: Row) -> Sighting:
    return Sighting(1_000.0, {each.stream_id: each for each in rows})


STUCK = row("a", status=STALLED, verdict=Safety.AT_RISK, why="refused", hint="mend it")
MOVES = row("a")


async def test_it_is_told_when_it_begins_and_when_it_is_over() -> None:
    """Once each, however often it is looked at; a second time when it begins again.

    Seen failing with a line for every look.
    """
    told: list[str] = []

    async def on_stalled(stalled: Row) -> None:
        told.append(stalled.stream_id)

    with capture_logs() as logs:
        before: dict[str, Row] = {}
        for sighting in (
            seen(MOVES), seen(STUCK), seen(STUCK), seen(STUCK), seen(MOVES), seen(MOVES),
            seen(STUCK), seen(),
        ):  # fmt: skip
            before = dict(await tell_stalls(before, sighting, on_stalled))
    lines = [(line["event"], line["log_level"], line["why"]) for line in logs]
    assert lines == [
        ("stalled", "warning", "refused"),
        ("no longer stalled", "info", "growing"),
        ("stalled", "warning", "refused"),
        ("no longer stalled", "info", "it has ended"),
    ]
    assert (logs[0]["hint"], logs[0]["since"]) == ("mend it", "1970-01-01T00:16:40+00:00")
    assert told == ["a", "a"]


async def test_that_nobody_could_be_told_hurts_nothing() -> None:
    """The others are told of all the same."""
    told: list[str] = []

    async def on_stalled(stalled: Row) -> None:
        told.append(stalled.stream_id)
        raise RedisOperationError("no answer")

    now = await tell_stalls({}, seen(STUCK, row("b", status=STALLED)), on_stalled)
    assert sorted(told) == sorted(now) == ["a", "b"]


async def test_it_is_looked_for_while_nobody_looks(served: Served) -> None:
    """No page has to be open for an alarm."""
    looked: list[Row] = []
    done: Callable[[], bool] = looked.__len__  # type: ignore[assignment]

    async def on_stalled(stalled: Row) -> None:
        looked.append(stalled)

    served.lookout._stalled_after_seconds = 0.0
    served.twins.disk.open_writer("/w/a.mp4")
    await served.growing()
    stream = served.supervisor.streams["/w/a.mp4"]
    stream.progress.due_since = stream.world.clock.monotonic() - 100.0
    watching = asyncio.create_task(watch_stalls(served.lookout, on_stalled, 0.01))
    try:
        await wait_until(done)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert [stalled.path for stalled in looked] == ["/w/a.mp4"]
