"""What the daemon shows to commands elsewhere, what they ask for, and what happened.

Nothing in here is needed to store a recording, and nothing of it needs the claim but the
saying. Two keys belong to no instance: which instances there are, and what happened.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import structlog

from cefmp4.adapters.checkpoints.codec import Unreadable, pack_text, unpack, unpack_text
from cefmp4.adapters.checkpoints.keys import EVENTS, INSTANCES
from cefmp4.adapters.checkpoints.reading import BATCH, CheckpointView
from cefmp4.adapters.checkpoints.scripts import Command, batches
from cefmp4.ports.figures import (
    INSTANCE_KEPT_SECONDS,
    WATCHED_SECONDS,
    Figures,
    Outline,
    Presence,
    Shown,
)
from cefmp4.progress import Trouble

PRESENCE = b"daemon"
"""The field of the daemon itself; the others are stream ids."""
EVENTS_AT_A_TIME = 200

log = structlog.get_logger(__name__)


class Event(NamedTuple):
    """One entry of `cefmp4:events`."""

    entry_id: str
    instance: str
    text: str
    """The CloudEvent, as JSON; from outside."""


class ShownView(CheckpointView):
    """Reads what is shown of one instance. Raises RedisOperationError."""

    @property
    def instance(self) -> str:
        """Whose."""
        return self._keys.instance_id

    async def watch(self) -> bool:
        """As the port says; whether somebody looked on already."""
        key = self._keys.watched
        commands: list[Command] = [
            (b"EXISTS", key),
            (b"SET", key, b"1", b"EX", b"%d" % WATCHED_SECONDS),
        ]
        already, _ = await self._server.read("watch", commands)
        return bool(already)

    async def shown(self) -> Shown:
        """As the port says; what this version cannot read is left out."""
        presence, figures = None, {}
        async for name, raw in self._scan(self._keys.now):
            if name == PRESENCE:
                presence = unpack_presence(raw)
            elif (told := unpack_figures(raw)) is not None:
                figures[name.decode(errors="replace")] = told
        return Shown(presence, figures)

    async def presence(self) -> Presence | None:
        """The daemon's own part of `shown`."""
        [raw] = await self._server.read("presence", [(b"HGET", self._keys.now, PRESENCE)])
        return unpack_presence(raw) if raw else None

    async def enlist(self, at: float) -> None:
        """As the port says."""
        name = pack_text(self._keys.instance_id)
        oldest = f"({at - INSTANCE_KEPT_SECONDS!r}".encode()
        commands: list[Command] = [
            (b"ZADD", INSTANCES, repr(at).encode(), name),
            (b"ZREMRANGEBYSCORE", INSTANCES, b"-inf", oldest),
        ]
        await self._server.read("enlist", commands)

    async def instances(self) -> list[str]:
        """Every instance that was heard of lately, the latest first."""
        [names] = await self._server.read("instances", [(b"ZREVRANGE", INSTANCES, b"0", b"-1")])
        return [unpack_text(name) for name in names]

    async def outlines(self, ended: int | None = None) -> list[Outline]:
        """Every live stream, those set aside, and the latest `ended` ones; None: all."""
        outlines = []
        for some in batches(await self._names_of_all(ended), BATCH):
            names = [name.decode() for name in some]
            asked: list[Command] = [
                command
                for name in names
                for command in (
                    (b"HGETALL", self._keys.meta(name)),
                    (b"HLEN", self._keys.parts(name)),
                )
            ]
            answers = iter(await self._server.read("streams", asked))
            for name, meta, parts in zip(names, answers, answers, strict=False):
                if meta and (outline := _outline(name, meta, parts)):
                    outlines.append(outline)
            await asyncio.sleep(0)
        return outlines

    async def _names_of_all(self, ended: int | None) -> list[bytes]:
        return await self._names() if ended is None else await self._names(max(ended, 1))

    async def latest_events(self, count: int, until: str, *, everybody: bool) -> list[Event]:
        """The last `count` ones up to this id, the latest last; of this instance, or of all."""
        found: list[Event] = []
        before = until.encode()
        while len(found) < count:
            asked = (b"XREVRANGE", EVENTS, before, b"-", b"COUNT", b"%d" % EVENTS_AT_A_TIME)
            [entries] = await self._server.read("events", [asked])
            events = [_event(name, told) for name, told in entries]
            found += [event for event in events if everybody or self._is_ours(event)]
            if len(entries) < EVENTS_AT_A_TIME:
                break
            before = b"(" + entries[-1][0]
        return found[:count][::-1]

    async def events_after(self, entry_id: str) -> list[Event]:
        """The next events of every instance, some hundred at most; "0" is before the first."""
        count = b"%d" % EVENTS_AT_A_TIME
        first = b"(" + entry_id.encode()
        [entries] = await self._server.read(
            "events", [(b"XRANGE", EVENTS, first, b"+", b"COUNT", count)]
        )
        return [_event(name, told) for name, told in entries]

    async def last_event(self) -> str:
        """The id of the latest event of anybody; "0" when there is none."""
        [entries] = await self._server.read(
            "events", [(b"XREVRANGE", EVENTS, b"+", b"-", b"COUNT", b"1")]
        )
        return str(entries[0][0].decode()) if entries else "0"

    def _is_ours(self, event: Event) -> bool:
        return event.instance == self._keys.instance_id


def _outline(name: str, meta: Mapping[bytes, bytes], parts: int) -> Outline | None:
    try:
        sent = int(meta.get(b"total_bytes_sent", b"0"))
        following = int(meta.get(b"next_part_number", b"1"))
        told = {field: raw for field, raw in meta.items() if field != b"history"}
        return Outline(unpack(name, told, {}), parts, sent, following)
    except (Unreadable, ValueError) as error:
        log.warning("checkpoint left out", error=str(error))
        return None


def _event(entry_id: bytes, told: Mapping[bytes, bytes]) -> Event:
    instance = unpack_text(told.get(b"instance", b""))
    return Event(entry_id.decode(), instance, told.get(b"event", b"").decode(errors="replace"))


_encode = json.JSONEncoder(separators=(",", ":")).encode
_FIGURES = frozenset(field.name for field in fields(Figures))
_PRESENCE = frozenset(field.name for field in fields(Presence))


def pack_figures(figures: Figures) -> bytes:
    """JSON without what says nothing. Paths keep any bytes, as escapes."""
    told = {name: value for name, value in asdict(figures).items() if value not in (None, "")}
    return _encode(told).encode()


def unpack_figures(raw: bytes) -> Figures | None:
    """None for what another version wrote, and this one does not understand."""
    try:
        told = _known(raw, _FIGURES)
        if told.get("trouble"):
            told["trouble"] = Trouble(**told["trouble"])
        return Figures(**{"why": "", "since": 0.0, **told})
    except (ValueError, TypeError):
        return None


def pack_presence(presence: Presence) -> bytes:
    return _encode(asdict(presence)).encode()


def unpack_presence(raw: bytes) -> Presence | None:
    """None for what this version does not understand."""
    try:
        return Presence(**_known(raw, _PRESENCE))
    except (ValueError, TypeError):
        return None


def _known(raw: bytes, names: frozenset[str]) -> dict[str, Any]:
    told = json.loads(raw)
    if not isinstance(told, dict):
        raise TypeError("no object")
    return {name: value for name, value in told.items() if name in names}
