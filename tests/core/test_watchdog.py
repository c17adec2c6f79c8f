"""The watchdog of the event loop: what keeps everything else waiting is counted and said."""

import asyncio
import time

from structlog.testing import capture_logs

from cefmp4.metrics import Metrics
from cefmp4.watchdog import WINDOW_SECONDS, Watchdog


def test_a_callback_that_blocks_is_counted() -> None:
    """One that computes, or sleeps, on the loop; waiting for something does not count.

    Seen failing with a selector that takes the time of its own waiting.
    """
    watchdog = Watchdog()
    watchdog.begin()

    async def work() -> int:
        await asyncio.sleep(0.15)
        before = watchdog.blocked
        asyncio.get_running_loop().call_soon(time.sleep, 0.12)
        await asyncio.sleep(0.01)
        return watchdog.blocked - before

    with asyncio.Runner(loop_factory=watchdog.make_loop) as runner, capture_logs() as logs:
        assert runner.run(work()) >= 1
    assert watchdog.longest_seconds() >= 0.12
    assert "the event loop was blocked" in [line["event"] for line in logs]


def test_waiting_is_not_blocking() -> None:
    """Time that passes in the selector is nobody's fault."""
    seconds = iter([0.0, 0.001, 50.0, 50.002, 50.003])
    told: list[float] = []
    watchdog = Watchdog()
    loop = watchdog.make_loop()
    try:
        selector = loop._selector  # type: ignore[attr-defined]
        selector._now, selector._ran = lambda: next(seconds), told.append
        for _ in range(3):
            selector.select(0)
    finally:
        loop.close()
    assert [round(took, 3) for took in told] == [0.001, 0.002]


def test_the_longest_is_told_for_a_while_and_logged_once_a_minute() -> None:
    """So that no scrape misses it, and an overloaded machine does not fill the log."""
    clock = [1_000.0]
    watchdog = Watchdog(now=lambda: clock[0])
    watchdog.ran(9.0)
    assert watchdog.longest_seconds() == 0.0, "that was before anything waited for it"
    watchdog.begin()
    with capture_logs() as logs:
        for seconds in (0.01, 0.3, 0.2):
            watchdog.ran(seconds)
        assert (watchdog.blocked, len(logs)) == (2, 1)
        clock[0] += WINDOW_SECONDS
        watchdog.ran(0.07)
    assert (watchdog.blocked, len(logs)) == (3, 2)
    assert watchdog.longest_seconds() == 0.3
    clock[0] += WINDOW_SECONDS
    assert watchdog.longest_seconds() == 0.07
    clock[0] += 2 * WINDOW_SECONDS
    assert watchdog.longest_seconds() == 0.0


async def test_a_scrape_tells_what_the_watchdog_has_seen() -> None:
    """Under the names that operators are promised."""
    metrics, watchdog = Metrics(), Watchdog()
    metrics.watch_loop(lambda: watchdog.blocked, watchdog.longest_seconds)
    watchdog.begin()
    watchdog.ran(0.25)
    text = (await metrics.scrape()).decode()
    assert "cefmp4_event_loop_blocked_total 1.0" in text
    assert "cefmp4_event_loop_longest_block_seconds 0.25" in text


async def test_a_stream_that_ends_during_a_scrape_is_told_by_the_next() -> None:
    """The text is written in a thread, and may not have its last figures.

    Seen failing with a scrape that forgets whatever has ended when the text is written.
    """
    metrics = Metrics()
    metrics.streams.part_sent("late", 5)

    def end_meanwhile() -> int:
        metrics.streams.ended.setdefault("late", time.monotonic())
        return 0

    metrics.watch_active(end_meanwhile)
    await metrics.scrape()
    assert b'stream_id="late"' in await metrics.scrape()
    assert b'stream_id="late"' not in await metrics.scrape()
