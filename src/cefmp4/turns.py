"""Gives each stream a task only while it has something to do.

A wake-up costs one stat and one plan. Only when that plan asks for something, or the
checkpoint is in doubt, does the stream get a task, for one turn; a stream that waits costs
at most one timer. One that only grows is not even woken (`lull.py`).

What must stay true: many that are woken at once, by a scan, a start or the clock, are looked
at a few at a time, so that no iteration of the event loop takes long.
"""

import asyncio
from collections.abc import Callable

import structlog

from cefmp4.core.model import FileVersion
from cefmp4.errors import CefMP4Error, ChunkProcessingError, Fenced, Stopping
from cefmp4.retry import CAP_SECONDS
from cefmp4.stream import Stream

LOOKS_AT_A_TIME = 25
"""Streams looked at in one iteration of the event loop: a few ms, with what follows."""

log = structlog.get_logger(__name__)


class Turns:
    """Runs turns; one at a time per stream, as many at once as the slots let through."""

    def __init__(self, settled: Callable[[Stream], bool]) -> None:
        """`settled` is called whenever a stream comes to rest; False takes it out of here."""
        self._settled = settled
        self._running: dict[Stream, asyncio.Task[None]] = {}
        self._again: set[Stream] = set()
        self._timers: dict[Stream, asyncio.TimerHandle] = {}
        self._queue: dict[Stream, None] = {}
        """To be looked at in a later iteration of the event loop, in this order."""
        self._looks = 0
        """Taken in this iteration."""
        self._stopping = False
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when no stream may go on: the claim is lost."""

    def __len__(self) -> int:
        return len(self._running) + len(self._queue)

    def note(self, stream: Stream, version: FileVersion) -> None:
        """The tick has seen this version: look, unless it only grows and is at rest."""
        at_rest = stream in self._timers and stream not in self._queue and _is_sound(stream)
        now = stream.world.clock.monotonic()
        if not (at_rest and stream.lull.note(version, now)):
            stream.sight.grown(version, now)  # a turn may hang, or a pause be long
            self.wake(stream)

    def wake(self, stream: Stream) -> None:
        """Look at a stream now, or as soon as its turn or its wait after a failure is over.

        Where many are woken at once, those that come late are looked at a little later.
        """
        if self._stopping:
            return
        if stream in self._running:
            self._again.add(stream)
            return
        if stream.failures and stream in self._timers:
            return
        if self._looks >= LOOKS_AT_A_TIME:
            self._queue[stream] = None
            return
        if self._looks == 0:
            asyncio.get_running_loop().call_soon(self._look_at_more)
        self._looks += 1
        self._queue.pop(stream, None)
        self._look(stream)

    def _look_at_more(self) -> None:
        """Another iteration has begun: of those that wait, the next few."""
        self._looks = 0
        while self._queue and self._looks < LOOKS_AT_A_TIME:
            stream = next(iter(self._queue))
            del self._queue[stream]
            self.wake(stream)

    def _look(self, stream: Stream) -> None:
        self._disarm(stream)
        if _is_sound(stream):
            try:
                decision = stream.glance()
            except ChunkProcessingError:
                pass  # the turn meets it again, and counts and reports it
            else:
                if not decision.actions:
                    self._rest(stream, decision.look_again_seconds)
                    return
        self._running[stream] = asyncio.create_task(self._turn(stream))

    async def stop(self, grace_seconds: float) -> None:
        """Begin nothing more, let what is in flight land, and leave in time."""
        self._stopping = True
        self._queue.clear()
        for stream in list(self._timers):
            self._disarm(stream)
        if self._running:
            log.info("stopping: work in flight is finished first", streams=len(self._running))
            await asyncio.wait(self._running.values(), timeout=grace_seconds)
        late = list(self._running.values())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.warning("work left unfinished; the next start takes it up", streams=len(late))

    async def _turn(self, stream: Stream) -> None:
        delay: float | None = CAP_SECONDS
        try:
            delay = await stream.turn()
        except Stopping:
            return
        except Fenced as error:
            if not self.fatal.done():
                self.fatal.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001 - a bug met by one recording must not hurt another
            stream.failures += 1
            stream.progress.failed(error, stream.world.clock.monotonic())
            stream.ledger.distrust()
            hint = error.hint if isinstance(error, CefMP4Error) else "please report this"
            stream.telling.crashed(error, hint, stream.failures)
        finally:
            del self._running[stream]
        self._rest(stream, delay)

    def _rest(self, stream: Stream, delay_seconds: float | None) -> None:
        again = stream in self._again
        self._again.discard(stream)
        if not self._settled(stream) or self._stopping:
            return
        if delay_seconds == 0 or (again and not stream.failures):
            self.wake(stream)
        elif delay_seconds is not None:
            self._arm(stream, delay_seconds)

    def _arm(self, stream: Stream, delay_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timers[stream] = loop.call_later(delay_seconds, self._due, stream)

    def _due(self, stream: Stream) -> None:
        del self._timers[stream]
        world, left_seconds = stream.world, 0.0
        if _is_sound(stream):
            left_seconds = stream.lull.left_seconds(
                world.clock.monotonic(), lambda: world.disk.stat(stream.path)
            )
        if left_seconds > 0.0:  # it has grown since
            self._arm(stream, left_seconds)
        else:
            self.wake(stream)

    def _disarm(self, stream: Stream) -> None:
        timer = self._timers.pop(stream, None)
        if timer is not None:
            timer.cancel()


def _is_sound(stream: Stream) -> bool:
    """A look at its recording is enough to decide; it need not try, or read, anything again."""
    return stream.failures == 0 and stream.ledger.trusted
