"""The `Checkpoints` port on Redis or Valkey.

Every write is one script call that carries the epoch of our claim. A save sends only
what differs from the last save, on the condition that the server still has exactly that:
after a write of unknown outcome, or one that arrives late, the whole value is written.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import NamedTuple

from cefmp4.adapters.checkpoints import changes
from cefmp4.adapters.checkpoints.claim import Claim
from cefmp4.adapters.checkpoints.codec import (
    Unreadable,
    pack_stored,
    pack_text,
    repack_stored,
    unpack_fingerprint,
    unpack_text,
)
from cefmp4.adapters.checkpoints.keys import COMPLETED, FAILED, Keyspace
from cefmp4.adapters.checkpoints.outboxes import RedisOutboxes
from cefmp4.adapters.checkpoints.reading import BATCH
from cefmp4.adapters.checkpoints.scripts import Command, batches
from cefmp4.adapters.checkpoints.server import Server
from cefmp4.adapters.checkpoints.showing import (
    PRESENCE,
    ShownView,
    pack_figures,
    pack_presence,
)
from cefmp4.core.happenings import Happening, happenings
from cefmp4.core.model import LIVE, SUPERSEDED, Checkpoint, Wish
from cefmp4.ports import Figures, Fingerprint, Presence
from cefmp4.ports.figures import SHOWN_SECONDS

SAID_AT_A_TIME = 200
"""Streams whose figures go in one write: some 70 kB."""


class _Saved(NamedTuple):
    """The last value of a live stream that the server is known to hold."""

    checkpoint: Checkpoint
    revision: bytes


class _Ended(NamedTuple):
    """What purging asks of a stream that has ended."""

    name: bytes
    object_key: bytes | None
    reason: str
    ended_at: float


class RedisCheckpoints(ShownView):
    """Reads and writes the checkpoints of one instance. Made by `open_checkpoints`."""

    def __init__(
        self, server: Server, keys: Keyspace, claim: Claim, outboxes: RedisOutboxes
    ) -> None:
        super().__init__(server, keys)
        self._claim = claim
        self.outboxes = outboxes
        self._saved: dict[str, _Saved] = {}

    async def claim(self) -> None:
        await self._claim.take()
        await self.outboxes.begin()

    async def renew(self) -> None:
        await self._claim.keep()

    async def assure(self) -> None:
        await self._claim.assure()

    @property
    def losses(self) -> int:
        return self._claim.losses

    async def release(self) -> None:
        await self._claim.release()

    async def save(self, before: Checkpoint | None, after: Checkpoint) -> None:
        """As the port says; saves of one stream must follow each other."""
        revision = token_hex(8).encode()
        base = self._saved.pop(after.stream_id, None)  # unknown again until it has landed
        with self.outboxes.telling(happenings(before, after)) as told:
            landed = False
            if base and before and (before is base.checkpoint or before == base.checkpoint):
                values = (before, base.revision, after, revision)
                commands = changes.delta(self._keys, *values, told)
                landed, _ = await self._claim.write("save", commands)
            if not landed:
                commands = changes.whole(self._keys, before, after, revision, told)
                await self._claim.write("save", commands)
        if after.status in LIVE:
            self._saved[after.stream_id] = _Saved(after, revision)

    async def tell(self, happening: Happening) -> None:
        with self.outboxes.telling([happening]) as told:
            if told:
                await self._claim.write("tell", told)

    async def set_whole(self) -> None:
        await self._claim.write("set_whole", [(b"SET", self._keys.whole, b"1")])

    async def reserve_key(self, key: str, stream_id: str) -> bool:
        field, owner = pack_text(key), stream_id.encode()
        commands: list[Command] = [
            (b"HSETNX", self._keys.keys, field, owner),
            (b"HGET", self._keys.keys, field),
        ]
        _, holder = await self._claim.write("reserve_key", commands)
        return bool(holder == owner)

    async def move_fingerprint(
        self, old_path: str, new_path: str, fingerprint: Fingerprint
    ) -> None:
        stored, old, new = self._keys.stored, os.fsencode(old_path), os.fsencode(new_path)
        [raw] = await self._server.read("move_fingerprint", [(b"HGET", stored, old)])
        commands: list[Command] = []
        moved = pack_stored(fingerprint, "")
        if raw is not None and _is_of(raw, fingerprint):
            commands.append((b"HDELIF", stored, old, raw))
            moved = repack_stored(raw, fingerprint)
        commands.append((b"HSET", stored, new, moved))
        await self._claim.write("move_fingerprint", commands)

    async def remember_stored(self, fingerprints: Mapping[str, Fingerprint]) -> None:
        for some in batches(list(fingerprints.items()), BATCH):
            commands: list[Command] = [
                (b"HSETNX", self._keys.stored, os.fsencode(path), pack_stored(fingerprint, ""))
                for path, fingerprint in some
            ]
            await self._claim.write("remember_stored", commands)

    async def forget_fingerprints(self, paths: Sequence[str]) -> None:
        for some in batches([os.fsencode(path) for path in paths], BATCH):
            await self._claim.write(
                "forget_fingerprints", [(b"HDEL", self._keys.stored, *some)]
            )

    async def drop_wish(self, stream_id: str, wish: Wish) -> None:
        named = (stream_id.encode(), wish.value.encode())
        await self._claim.write("drop_wish", [(b"HDELIF", self._keys.wishes, *named)])

    async def publish(
        self,
        presence: Presence,
        changed: Mapping[str, Figures],
        gone: Sequence[str],
        *,
        anew: bool,
    ) -> None:
        """As the port says, a slice at a time; the daemon itself comes last."""
        now = self._keys.now
        commands: list[Command] = [(b"DEL", now)] if anew else []
        dropped = batches([name.encode() for name in gone], BATCH)
        commands += [(b"HDEL", now, *names) for names in dropped]
        for some in batches(list(changed.items()), SAID_AT_A_TIME):
            said = [x for name, told in some for x in (name.encode(), pack_figures(told))]
            await self._say([*commands, (b"HSET", now, *said)])
            commands = []
            await asyncio.sleep(0)
        await self._say([*commands, (b"HSET", now, PRESENCE, pack_presence(presence))])

    async def _say(self, commands: Sequence[Command]) -> None:
        lasts = (b"EXPIRE", self._keys.now, b"%d" % SHOWN_SECONDS)
        await self._claim.write("publish", [*commands, lasts])

    async def purge(self, ended_before: float) -> int:
        """As the port says; of those set aside the ones that hold no path."""
        limit = f"({ended_before!r}".encode()
        index = self._keys.streams(COMPLETED)
        oldest = (b"ZRANGEBYSCORE", index, b"-inf", limit, b"LIMIT", b"0", b"%d" % BATCH)
        dropped = 0
        while names := (await self._server.read("purge", [oldest]))[0]:
            dropped += await self._drop(await self._ended(names))
        [failed] = await self._server.read("purge", [(b"SMEMBERS", self._keys.streams(FAILED))])
        for names in batches(list(failed), BATCH):
            dropped += await self._drop(
                [
                    stream
                    for stream in await self._ended(names)
                    if stream.reason in SUPERSEDED and stream.ended_at < ended_before
                ]
            )
        return dropped

    async def _ended(self, names: Sequence[bytes]) -> list[_Ended]:
        asked = (b"s3_key", b"reason", b"ended_at")
        metas = [self._keys.meta(name.decode()) for name in names]
        told = await self._server.read("purge", [(b"HMGET", meta, *asked) for meta in metas])
        return [
            _Ended(name, key, unpack_text(reason or b""), float(ended_at or 0))
            for name, (key, reason, ended_at) in zip(names, told, strict=True)
        ]

    async def _drop(self, streams: Sequence[_Ended]) -> int:
        commands: list[Command] = []
        for stream in streams:
            commands += changes.drop(self._keys, stream.name, stream.object_key)
        if commands:
            await self._claim.write("purge", commands)
        return len(streams)


def _is_of(raw: bytes, fingerprint: Fingerprint) -> bool:
    try:
        return unpack_fingerprint(raw) == fingerprint
    except Unreadable:
        return False
