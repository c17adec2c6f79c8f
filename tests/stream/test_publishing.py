"""What the daemon shows to commands elsewhere: when, how much, and after what went wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from cefmp4 import publishing
from cefmp4.adapters.memory.checkpoints import MemoryCheckpoints
from cefmp4.core.safety import Safety
from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.lookout import Sighting
from cefmp4.ports import Presence
from cefmp4.publishing import Publisher
from cefmp4.rows import Row
from waiting import wait_until


class Daemon:
    """Rows that a test changes, a twin, and a clock that it sets."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.writes: list[str] = []
        self.checkpoints = MemoryCheckpoints(before=self._note)
        self.away = False
        self.seconds = 0.0
        self.publisher = Publisher(self._look, self.checkpoints, self._presence, self)

    def now(self) -> float:
        return 1_000.0 + self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def grow(self, stream_id: str, disk_bytes: int) -> None:
        safe = Safety.ON_ITS_WAY
        grown = Row(stream_id, f"/w/{stream_id}.mp4", "active", safe, "growing", 1.0)
        self.rows[stream_id] = replace(grown, disk_bytes=disk_bytes, started_at=1.0)

    async def shown(self) -> dict[str, int | None]:
        figures = (await self.checkpoints.shown()).figures
        return {name: told.disk_bytes for name, told in figures.items()}

    def shown_is(self, wanted: dict[str, int | None]) -> Callable[[], Awaitable[bool]]:
        async def so() -> bool:
            return await self.shown() == wanted

        return so

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        await self.checkpoints.claim()
        task: asyncio.Task[None] = asyncio.ensure_future(self.publisher.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look(self) -> Sighting:
        return Sighting(self.now(), dict(self.rows))

    def _presence(self) -> Presence:
        return Presence("here", 1, "0", self.now(), "/w", 0, 8)

    def _note(self, operation: str) -> None:
        self.writes.append(operation)
        if self.away:
            raise RedisOperationError("away")


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """One that is watched at a pace of milliseconds, and else says nothing more."""
    monkeypatch.setattr(publishing, "WATCHED_SECONDS", 0.01)
    return Daemon()


async def test_what_changes_is_shown_as_long_as_somebody_looks(daemon: Daemon) -> None:
    """At once when they begin to; what has ended is gone.

    Seen failing without the event that wakes it, and with `gone` left empty.
    """
    daemon.grow("a", 1)
    daemon.grow("b", 1)
    async with daemon.running():
        await wait_until(lambda: "enlist" in daemon.writes)
        assert await daemon.shown() == {"a": 1, "b": 1}
        daemon.grow("a", 2)
        daemon.publisher.heed(True)
        await wait_until(daemon.shown_is({"a": 2, "b": 1}))
        daemon.rows.pop("b")
        await wait_until(daemon.shown_is({"a": 2}))


async def test_nothing_is_said_twice(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what changed since; the daemon itself says each time that it is there.

    Seen failing with every row taken for changed.
    """
    said: list[list[str]] = []
    publish = daemon.checkpoints.publish

    async def listening(presence, changed, gone, *, anew):  # type: ignore[no-untyped-def]
        said.append(sorted(changed))
        await publish(presence, changed, gone, anew=anew)

    monkeypatch.setattr(daemon.checkpoints, "publish", listening)
    daemon.grow("a", 1)
    daemon.grow("b", 1)
    daemon.publisher.heed(True)
    async with daemon.running():
        await wait_until(lambda: len(said) > 2)
        daemon.grow("b", 2)
        await wait_until(lambda: ["b"] in said)
    assert said[0] == ["a", "b"]
    assert said[1] == []


async def test_after_an_outage_everything_is_said_anew(daemon: Daemon) -> None:
    """The figures may have vanished meanwhile. The outage itself is nobody's news.

    Seen failing with what was said before taken to stand.
    """
    daemon.grow("a", 1)
    daemon.publisher.heed(True)
    async with daemon.running():
        await wait_until(daemon.shown_is({"a": 1}))
        daemon.away = True
        tried = len(daemon.writes)
        await wait_until(lambda: len(daemon.writes) > tried + 2)
        daemon.checkpoints.board.let_expire()
        daemon.away = False
        await wait_until(daemon.shown_is({"a": 1}))


async def test_a_server_that_lost_its_data_is_told_anew(daemon: Daemon) -> None:
    """Whoever noticed the loss; and the instance is known again.

    Seen failing without the count of losses.
    """
    daemon.grow("a", 1)
    daemon.publisher.heed(True)
    async with daemon.running():
        await wait_until(lambda: "enlist" in daemon.writes)
        daemon.checkpoints.lose_everything()
        with pytest.raises(RedisOperationError):
            await daemon.checkpoints.renew()
        await wait_until(daemon.shown_is({"a": 1}))
        await wait_until(lambda: daemon.checkpoints.board.enlisted_at is not None)


async def test_a_sleep_of_the_machine_lets_nothing_stand(daemon: Daemon) -> None:
    """What was said longer ago than figures last is said again.

    Seen failing without the clock.
    """
    daemon.grow("a", 1)
    daemon.publisher.heed(True)
    async with daemon.running():
        await wait_until(daemon.shown_is({"a": 1}))
        daemon.checkpoints.board.let_expire()
        daemon.seconds += 100.0
        await wait_until(daemon.shown_is({"a": 1}))


async def test_it_ends_once_another_process_has_the_claim(daemon: Daemon) -> None:
    """As everything does that works for this instance."""
    daemon.publisher.heed(True)
    async with daemon.running() as task:
        await wait_until(lambda: "enlist" in daemon.writes)
        daemon.checkpoints.fall_silent()
        await daemon.checkpoints.successor().claim()
        with pytest.raises(Fenced):
            await task
