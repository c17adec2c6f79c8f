"""From the outbox into `cefmp4:events`, in the order things happened."""

import asyncio
from contextlib import suppress
from typing import NoReturn

import structlog

from cefmp4.core.happenings import Sink
from cefmp4.errors import Fenced, RedisOperationError
from cefmp4.metrics_of_events import EventCounts
from cefmp4.ports import Outboxes, Place
from cefmp4.retry import backoff_seconds, is_worth_a_line

AT_A_TIME = 100
LOOK_ANYWAY_SECONDS = 30.0

log = structlog.get_logger(__name__)


class StreamRelay:
    """See `Relay`."""

    def __init__(self, outboxes: Outboxes) -> None:
        self.counts = EventCounts(Sink.REDIS)
        self._outboxes = outboxes
        self._published: frozenset[Place] = frozenset()
        """What could not be dropped yet."""

    async def run(self) -> NoReturn:
        """See Relay."""
        failures = 0
        while True:
            try:
                await self._hand_over()
            except Fenced:
                raise
            except RedisOperationError as error:
                failures += 1
                if is_worth_a_line(failures):
                    why = {"error": str(error), "hint": error.hint}
                    log.warning("events are not handed over", **why, failures=failures)
                await asyncio.sleep(backoff_seconds(failures))
                continue
            if failures:
                log.info("events are handed over again", failures=failures)
            failures = 0
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_ANYWAY_SECONDS):
                    await self._outboxes.news(Sink.REDIS)

    async def _hand_over(self) -> None:
        """All that waits, some at a time."""
        while True:
            outbox = await self._outboxes.untold(Sink.REDIS, limit=AT_A_TIME)
            self.counts.pending = outbox.pending
            if not outbox.events:
                return
            new = [event for event in outbox.events if event.place not in self._published]
            await self._outboxes.publish(new)
            self._published = frozenset(event.place for event in outbox.events)
            self.counts.delivered += len(new)
            await self._outboxes.drop(Sink.REDIS, self._published)
            self._published = frozenset()
