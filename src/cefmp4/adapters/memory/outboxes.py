"""The `Outboxes` port in memory, beside the twin of the checkpoints."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from cefmp4.core.cloudevents import cloud_event
from cefmp4.core.happenings import Happening, Sink
from cefmp4.ports import Event, Outbox, Place
from cefmp4.ports.outboxes import START


@dataclass(slots=True)
class Told:
    """What the server holds of it."""

    outboxes: dict[Sink, dict[Place, Event]] = field(
        default_factory=lambda: {sink: {} for sink in Sink}
    )
    published: list[Event] = field(default_factory=list)
    """`cefmp4:events`."""
    added: int = 0

    def clear(self) -> None:
        """The server has lost its data."""
        for outbox in self.outboxes.values():
            outbox.clear()
        self.published.clear()


class MemoryOutboxes:
    """As one claimant sees them; `check_claim` is asked before every write."""

    def __init__(
        self,
        told: Told,
        operation: Callable[[str], AbstractAsyncContextManager[None]],
        check_claim: Callable[[], None],
    ) -> None:
        self._told, self._operation, self._check_claim = told, operation, check_claim
        self._bells = {sink: asyncio.Event() for sink in Sink}

    def add(self, happenings: Sequence[Happening]) -> None:
        """Within the write that made them happen."""
        for happening in happenings:
            self._told.added += 1
            place, body = (self._told.added, 0), cloud_event(happening, "twins")
            kind = happening.kind.value
            event = Event(place, happening.id, kind, happening.stream_id, body)
            for sink, outbox in self._told.outboxes.items():
                outbox[place] = event
                self._bells[sink].set()

    async def untold(self, sink: Sink, since: Place = START, limit: int = 100) -> Outbox:
        async with self._operation("outbox"):
            outbox = self._told.outboxes[sink]
            later = [event for place, event in outbox.items() if place >= since]
            return Outbox(len(outbox), later[:limit])

    async def drop(self, sink: Sink, places: Collection[Place]) -> None:
        async with self._operation("drop"):
            self._check_claim()
            for place in places:
                self._told.outboxes[sink].pop(place, None)

    async def publish(self, events: Sequence[Event]) -> None:
        async with self._operation("publish"):
            self._check_claim()
            self._told.published.extend(events)

    async def news(self, sink: Sink) -> None:
        await self._bells[sink].wait()
        self._bells[sink].clear()

    async def assure(self) -> None:
        async with self._operation("assure"):
            self._check_claim()
