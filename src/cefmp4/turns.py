"""Gives each stream a task only while it has something to do.

A wake-up costs one stat and one plan. Only when that plan asks for something, or the
checkpoint is in doubt, does the stream get a task, for one turn; a stream that waits costs
at most one timer.
"""

import asyncio
from collections.abc import Callable

import structlog

from cefmp4.errors import CefMP4Error, ChunkProcessingError, Fenced, Stopping
from cefmp4.retry import CAP_SECONDS
from cefmp4.stream import Stream

log = structlog.get_logger(__name__)


class Turns:
    """Runs turns; one at a time per stream, as many at once as the slots let through."""

    def __init__(self, settled: Callable[[Stream], bool]) -> None:
        """`settled` is called whenever a stream comes to rest; False takes it out of here."""
        self._settled = settled
        self._running: dict[Stream, asyncio.Task[None]] = {}
        self._again: set[Stream] = set()
        self._timers: dict[Stream, asyncio.TimerHandle] = {}
        self._stopping = False
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when no stream may go on: the claim is lost."""

    def __len__(self) -> int:
        return len(self._running)

    def wake(self, stream: Stream) -> None:
        """Look at a stream now, or as soon as its turn or its wait after a failure is over."""
        if self._stopping:
            return
        if stream in self._running:
            self._again.add(stream)
            return
        if stream.failures and stream in self._timers:
            return
        self._disarm(stream)
        if stream.failures == 0 and stream.ledger.trusted:
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
        except Exception as error:  # a bug met by one recording must not hurt another
            stream.failures += 1
            stream.ledger.distrust()
            hint = error.hint if isinstance(error, CefMP4Error) else "please report this"
            log.exception("turn failed", file_path=stream.path, hint=hint)
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
            loop = asyncio.get_running_loop()
            self._timers[stream] = loop.call_later(delay_seconds, self._due, stream)

    def _due(self, stream: Stream) -> None:
        self._timers.pop(stream, None)
        self.wake(stream)

    def _disarm(self, stream: Stream) -> None:
        timer = self._timers.pop(stream, None)
        if timer is not None:
            timer.cancel()
