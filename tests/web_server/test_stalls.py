"""Of a recording that gets nowhere, people are told once."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cefmp4.core.safety import Safety
from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.lookout import Sighting
from cefmp4.rows import STALLED, Row
from cefmp4.stalls import Stalls, watch_stalls
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
        stalls = Stalls(on_stalled)
        for sighting in (
            seen(MOVES), seen(STUCK), seen(STUCK), seen(STUCK), seen(MOVES), seen(MOVES),
            seen(STUCK), seen(),
        ):  # fmt: skip
            await stalls.take_in(sighting)
    lines = [(line["event"], line["log_level"], line["why"]) for line in logs]
    assert lines == [
        ("stalled", "warning", "refused"),
        ("no longer stalled", "info", "growing"),
        ("stalled", "warning", "refused"),
        ("no longer stalled", "info", "it has ended"),
    ]
    assert (logs[0]["hint"], logs[0]["since"]) == ("mend it", "1970-01-01T00:16:40+00:00")
    assert told == ["a", "a"]


async def test_whom_an_outage_kept_from_hearing_it_is_told_later() -> None:
    """While the state server is away, one question finds that out; once it is back, all that
    still is so is told, once, and the log has every recording once.

    Seen failing where what could not be told was taken as told.
    """
    asked, told, away = list[str](), list[str](), True

    async def on_stalled(stalled: Row) -> None:
        asked.append(stalled.stream_id)
        if away:
            raise RedisOperationError("no answer")
        told.append(stalled.stream_id)

    stalls, all_three = Stalls(on_stalled), [row(name, status=STALLED) for name in "abc"]
    with capture_logs() as logs:
        await stalls.take_in(seen(*all_three))
        await stalls.take_in(seen(*all_three[:2]))
        assert asked == ["a", "a"]
        away = False
        for _ in range(2):
            await stalls.take_in(seen(*all_three[:2]))
    assert told == ["a", "b"]
    lines = [line["event"] for line in logs]
    assert lines.count("stalled") == 3


async def test_a_claim_that_was_lost_ends_the_watch() -> None:
    """Whoever has taken over tells of it."""

    async def on_stalled(_: Row) -> None:
        raise Fenced("taken over")

    with pytest.raises(Fenced):
        await Stalls(on_stalled).take_in(seen(STUCK))


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
