"""From the outbox to the webhook: each stream in order, no stream held up by another.

Whatever is not taken is tried again, with growing pauses, for three days. While nobody is
there to take anything, all wait; the first that is taken wakes the others.
"""

import asyncio
from dataclasses import dataclass
from typing import NoReturn

import structlog

from cefmp4.core.happenings import Sink
from cefmp4.errors import DeliveryError, Fenced, RedisOperationError
from cefmp4.metrics_of_events import EventCounts
from cefmp4.ports import Clock, Event, Outboxes, Receiver
from cefmp4.relaying.lanes import Lane, Lanes
from cefmp4.retry import backoff_seconds, is_worth_a_line

PAGE = 100
LOOK_ANYWAY_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
_REPORT = "report it, with the log of the daemon"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """When an event is given up: old enough by its date, and tried long enough by us."""

    age_seconds: float = 3 * 86_400.0
    tried_seconds: float = 3_600.0
    """So that a daemon that was off for a week still delivers what it had to tell."""
    at_a_time: int = 4


class WebhookRelay:
    """See `Relay`."""

    def __init__(
        self,
        outboxes: Outboxes,
        receiver: Receiver,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self.counts = EventCounts(Sink.WEBHOOK)
        self._outboxes, self._receiver, self._clock = outboxes, receiver, clock
        self._patience = patience or Patience()
        self._lanes = Lanes()
        self._under_way: set[asyncio.Task[None]] = set()
        self._unanswered = self._outages = 0

    async def run(self) -> NoReturn:
        """See Relay."""
        news = asyncio.ensure_future(self._outboxes.news(Sink.WEBHOOK))
        look_anyway_at = 0.0
        try:
            while True:
                if self._clock.monotonic() >= look_anyway_at:
                    self._lanes.look_from_the_start()
                    look_anyway_at = self._clock.monotonic() + LOOK_ANYWAY_SECONDS
                wait_seconds = await self._round()
                self._begin_due()
                wait_seconds = min(wait_seconds, self._until_due())
                done, _ = await asyncio.wait(
                    {news, *self._under_way},
                    timeout=wait_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done & self._under_way:
                    self._under_way.discard(task)
                    task.result()
                if news in done:
                    news = asyncio.ensure_future(self._outboxes.news(Sink.WEBHOOK))
        finally:
            for task in (news, *self._under_way):
                task.cancel()
            await asyncio.gather(news, *self._under_way, return_exceptions=True)

    async def _round(self) -> float:
        """Drop what is over, take along what is next; seconds until that is worth a try."""
        try:
            over = self._lanes.over()
            if over:
                places = [lane.event.place for lane in over]
                await self._outboxes.drop(Sink.WEBHOOK, places)
                self._lanes.free(over)
            await self._take_in()
        except Fenced:
            raise
        except RedisOperationError as error:
            self._outages += 1
            if self._outages == 1:
                log.warning("events cannot be read", error=str(error), hint=error.hint)
            return backoff_seconds(self._outages)
        self._outages = 0
        return LOOK_ANYWAY_SECONDS

    async def _take_in(self) -> None:
        while True:
            outbox = await self._outboxes.untold(Sink.WEBHOOK, self._lanes.since, PAGE)
            self.counts.pending = outbox.pending
            has_room = self._lanes.take_in(outbox.events)
            if not has_room or len(outbox.events) < PAGE:
                return

    def _begin_due(self) -> None:
        now = self._clock.monotonic()
        for lane in self._lanes.waiting():
            if lane.due_at > now or len(self._under_way) >= self._patience.at_a_time:
                return
            lane.under_way = True
            self._under_way.add(asyncio.create_task(self._try(lane)))

    def _until_due(self) -> float:
        """Seconds until another may begin; a place that is taken is waited for elsewhere."""
        waiting = self._lanes.waiting()
        if not waiting or len(self._under_way) >= self._patience.at_a_time:
            return LOOK_ANYWAY_SECONDS
        return max(0.0, waiting[0].due_at - self._clock.monotonic())

    async def _try(self, lane: Lane) -> None:
        try:
            await self._outboxes.assure()
            await self._receiver.deliver(lane.event)
        except DeliveryError as error:
            self._not_taken(lane, error)
        except Fenced:
            raise
        except RedisOperationError:
            lane.due_at = self._clock.monotonic() + backoff_seconds(1)
        except Exception as error:
            # Nobody has thought of it; whoever is told must never end whoever uploads.
            log.exception("delivering failed in an unknown way", **_named(lane.event))
            self._not_taken(lane, DeliveryError(type(error).__name__, hint=_REPORT))
        else:
            self._taken(lane)
        finally:
            lane.under_way = False

    def _taken(self, lane: Lane) -> None:
        lane.over = True
        self.counts.delivered += 1
        if lane.failures and not lane.unanswered:
            log.info("event delivered", **_named(lane.event), failures=lane.failures)
        self._somebody_is_there()

    def _not_taken(self, lane: Lane, error: DeliveryError) -> None:
        now = self._clock.monotonic()
        if not lane.failures:
            lane.failing_since = now
        lane.failures += 1
        lane.unanswered = error.unanswered
        pause_seconds = backoff_seconds(
            lane.failures, error.retry_after_seconds, LONGEST_PAUSE_SECONDS
        )
        lane.due_at = now + pause_seconds
        if not error.unanswered:
            self._somebody_is_there()
        if not error.transient or self._has_tried_enough(lane, now):
            self._give_up(lane, error)
        elif error.unanswered:
            self._unanswered += 1
            self._say("the webhook cannot be reached", self._unanswered, error, {})
        else:
            self._say("event not taken", lane.failures, error, _named(lane.event))

    def _give_up(self, lane: Lane, error: DeliveryError) -> None:
        lane.over = True
        self.counts.failed += 1
        why = {"error": str(error), "hint": error.hint, "failures": lane.failures}
        log.error("event given up", **_named(lane.event), **why)

    def _has_tried_enough(self, lane: Lane, now: float) -> bool:
        age_seconds = self._clock.now() - lane.event.place[0] / 1000
        tried_seconds = now - lane.failing_since
        patience = self._patience
        return age_seconds >= patience.age_seconds and tried_seconds >= patience.tried_seconds

    def _somebody_is_there(self) -> None:
        self._lanes.somebody_is_there()
        if self._unanswered:
            log.info("the webhook can be reached again", failures=self._unanswered)
        self._unanswered = 0

    def _say(self, what: str, failures: int, error: DeliveryError, of: dict[str, str]) -> None:
        if is_worth_a_line(failures):
            why = {"error": str(error), "hint": error.hint}
            log.warning(what, **of, **why, failures=failures)


def _named(event: Event) -> dict[str, str]:
    return {"event_id": event.id, "type": event.type, "stream_id": event.stream_id}
