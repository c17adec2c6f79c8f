"""What others are still to be told: a Redis Stream for each sink, written with the checkpoints.

What happened is in every outbox, or in none, from the very write that made it happen: so a
process that dies at any moment can neither forget to tell something nor tell what never was.
`cefmp4:events` lies on another node of a cluster, and cannot be written in that step; it is a
sink like the webhook. An event that is delivered is dropped in a write that carries the claim.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cefmp4.adapters.checkpoints.claim import Claim
from cefmp4.adapters.checkpoints.codec import pack_text
from cefmp4.adapters.checkpoints.keys import EVENTS, Keyspace
from cefmp4.adapters.checkpoints.scripts import PUBLISH, Command, batches
from cefmp4.adapters.checkpoints.server import Server
from cefmp4.core.cloudevents import cloud_event
from cefmp4.core.happenings import Happening, Sink
from cefmp4.ports import Event, Outbox, Place
from cefmp4.ports.outboxes import START

LONGEST_OUTBOX = b"100000"
"""About how many events wait at most, while a sink is away for days: then the oldest go."""
DROPPED_AT_A_TIME = 500
LASTS = -1
"""What the server says of a key without an end."""
UNWANTED_KEPT_SECONDS = 7 * 86_400
"""What waits for a sink that was turned off is kept for so long, should it be a slip."""


class RedisOutboxes:
    """The outboxes of one instance; those of `sinks` are written."""

    def __init__(
        self,
        server: Server,
        keys: Keyspace,
        claim: Claim,
        sinks: Collection[Sink],
        events_kept: int,
    ) -> None:
        self._server, self._keys, self._claim = server, keys, claim
        self._events_kept = events_kept
        self._bells = {sink: asyncio.Event() for sink in sinks}

    async def begin(self) -> None:
        """Right after the claim: what waits for nobody any more goes, in time."""
        outboxes = {self._keys.outbox(sink): sink in self._bells for sink in Sink}
        left = await self._server.read("outbox", [(b"TTL", outbox) for outbox in outboxes])
        commands: list[Command] = []
        for (outbox, wanted), seconds in zip(outboxes.items(), left, strict=True):
            if wanted:
                commands.append((b"PERSIST", outbox))
            elif seconds == LASTS:  # a start every day does not put it off
                commands.append((b"EXPIRE", outbox, b"%d" % UNWANTED_KEPT_SECONDS))
        if commands:
            await self._claim.write("outbox", commands)

    @contextmanager
    def telling(self, happenings: Sequence[Happening]) -> Iterator[list[Command]]:
        """The commands that put these into every outbox, for the write within."""
        commands = [
            self._adding(sink, happening) for happening in happenings for sink in self._bells
        ]
        try:
            yield commands
        finally:  # it may have been written, also where that failed
            for bell in self._bells.values() if commands else ():
                bell.set()

    async def untold(self, sink: Sink, since: Place = START, limit: int = 100) -> Outbox:
        outbox, first = self._keys.outbox(sink), _packed(since)
        asked: list[Command] = [
            (b"XLEN", outbox),
            (b"XRANGE", outbox, first, b"+", b"COUNT", b"%d" % limit),
        ]
        pending, entries = await self._server.read("outbox", asked)
        return Outbox(pending, [_event(raw, fields) for raw, fields in entries])

    async def drop(self, sink: Sink, places: Collection[Place]) -> None:
        outbox = self._keys.outbox(sink)
        for some in batches([_packed(place) for place in places], DROPPED_AT_A_TIME):
            await self._claim.write("outbox", [(b"XDEL", outbox, *some)])

    async def publish(self, events: Sequence[Event]) -> None:
        instance = (b"instance", pack_text(self._keys.instance_id))
        entries = [(*_fields(event), *instance) for event in events]
        if not entries:
            return
        await self._claim.assure()
        sizes = (b"%d" % self._events_kept, b"%d" % len(entries[0]))
        argv = (*sizes, *(item for entry in entries for item in entry))
        await self._server.run("publish", PUBLISH, (EVENTS,), argv)

    async def news(self, sink: Sink) -> None:
        await self._bells[sink].wait()
        self._bells[sink].clear()

    async def assure(self) -> None:
        await self._claim.assure()

    def _adding(self, sink: Sink, happening: Happening) -> Command:
        body = cloud_event(happening, self._keys.instance_id)
        told = Event(START, happening.id, happening.kind, happening.stream_id, body)
        trimmed = (b"MAXLEN", b"~", LONGEST_OUTBOX)
        return (b"XADD", self._keys.outbox(sink), *trimmed, b"*", *_fields(told))


def _fields(event: Event) -> Command:
    return (
        *(b"id", event.id.encode()),
        *(b"type", event.type.encode()),
        *(b"stream_id", event.stream_id.encode()),
        *(b"event", event.body),
    )


def _event(raw: bytes, fields: Mapping[bytes, bytes]) -> Event:
    """What another version wrote there is passed on as it is."""

    def told(name: bytes) -> str:
        return fields.get(name, b"").decode(errors="replace")

    body = fields.get(b"event", b"")
    return Event(_place(raw), told(b"id"), told(b"type"), told(b"stream_id"), body)


def _place(raw: bytes) -> Place:
    milliseconds, _, sequence = raw.partition(b"-")
    return int(milliseconds), int(sequence)


def _packed(place: Place) -> bytes:
    return b"%d-%d" % place
