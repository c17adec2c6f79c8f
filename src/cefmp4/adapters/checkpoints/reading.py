"""What needs no claim: the command line looks, and wishes, while the daemon works.

Streams are fetched many at a time, so that ten thousand of them cost a few dozen round
trips, and no single answer blocks the server for long. A checkpoint that cannot be read
is reported and left out: it must not keep the others from going on.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable

import structlog

from cefmp4.adapters.checkpoints.claim import Holder
from cefmp4.adapters.checkpoints.codec import (
    Unreadable,
    pack_text,
    unpack,
    unpack_fingerprint,
    unpack_text,
)
from cefmp4.adapters.checkpoints.keys import ACTIVE, COMPLETED, FAILED, PENDING, Keyspace
from cefmp4.adapters.checkpoints.scripts import WRITE, Command, batches
from cefmp4.adapters.checkpoints.server import Server
from cefmp4.core.model import Checkpoint, Wish
from cefmp4.errors import RedisOperationError
from cefmp4.ports import Asked, Fingerprint

BATCH = 100
"""How many streams are asked for in one round trip. Their checkpoints are read one by one,
others on the event loop in between: a thousand parts take some 5 ms."""

log = structlog.get_logger(__name__)


class CheckpointView:
    """Reads the checkpoints of one instance. Raises RedisOperationError."""

    def __init__(self, server: Server, keys: Keyspace) -> None:
        self._server = server
        self._keys = keys

    async def load(self, stream_id: str) -> Checkpoint | None:
        meta, parts = await self._server.read("load", self._asking_for(stream_id))
        try:
            return unpack(stream_id, meta, parts) if meta else None
        except Unreadable as error:
            raise RedisOperationError(
                f"load: {error}",
                hint=f"it was not written by this version: see HGETALL on the meta key, or "
                f"delete the keys of stream {stream_id} to have it begun anew",
                transient=False,
            ) from error

    async def load_unfinished(self) -> list[Checkpoint]:
        held = {name: path async for path, name in self._scan(self._keys.paths)}
        return [
            checkpoint
            for checkpoint in await self._load_each(held)
            if checkpoint.holds_path
            and os.fsencode(checkpoint.path) == held[checkpoint.stream_id.encode()]
        ]

    async def load_set_aside(self) -> list[Checkpoint]:
        [names] = await self._server.read(
            "streams", [(b"SMEMBERS", self._keys.streams(FAILED))]
        )
        return await self._load_each(sorted(names))

    async def load_ended(self, limit: int) -> list[Checkpoint]:
        if limit < 1:
            return []
        latest = (b"ZREVRANGE", self._keys.streams(COMPLETED), b"0", b"%d" % (limit - 1))
        [names] = await self._server.read("streams", [latest])
        return await self._load_each(names, parts=False)

    async def wish(self, stream_id: str, wish: Wish) -> None:
        wished = (b"HSET", self._keys.wishes, stream_id.encode(), wish.value.encode())
        await self._server.read("wish", [wished])

    async def wishes(self) -> dict[str, Wish]:
        return dict((await self.asked()).wishes)

    async def limit_upload(self, limit: str | None) -> None:
        key = self._keys.limit
        command = (b"DEL", key) if limit is None else (b"SET", key, pack_text(limit))
        await self._server.read("limit", [command])

    async def asked(self) -> Asked:
        """As the port says; wishes this version does not know are left out."""
        keys = self._keys
        questions: list[Command] = [
            (b"HGETALL", keys.wishes),
            (b"GET", keys.limit),
            (b"GET", keys.watched),
        ]
        told, limit, watched = await self._server.read("wishes", questions)
        known = {wish.value.encode(): wish for wish in Wish}
        wishes = {name.decode(): known[raw] for name, raw in told.items() if raw in known}
        set_limit = None if limit is None else unpack_text(limit)
        return Asked(wishes, set_limit, watched is not None)

    async def all_streams(self, limit: int | None = None) -> list[Checkpoint]:
        """The first `limit`: live ones, parked ones, then ended ones, the latest first."""
        names = await self._names(limit)
        return await self._load_each(names[:limit])

    async def find(self, prefix: str, limit: int = 10) -> list[Checkpoint]:
        """The streams whose id begins like this, `limit` at most; an exact id alone."""
        exact = await self.load(prefix)
        if exact is not None:
            return [exact]
        names = [name for name in await self._names() if name.startswith(prefix.encode())]
        return await self._load_each(sorted(names)[:limit])

    async def owner_of(self, object_key: str) -> Checkpoint | None:
        """The stream that stores under this key, as far as remembered."""
        asked = (b"HGET", self._keys.keys, pack_text(object_key))
        [name] = await self._server.read("owner_of", [asked])
        found = await self.load(name.decode()) if name else None
        return found if found is not None and found.key == object_key else None

    async def fingerprints(self) -> dict[str, Fingerprint]:
        found = {}
        async for path, raw in self._scan(self._keys.stored):
            try:
                found[os.fsdecode(path)] = unpack_fingerprint(raw)
            except Unreadable as error:
                log.warning("fingerprint left out", path=os.fsdecode(path), error=str(error))
        return found

    async def is_whole(self) -> bool:
        [mark] = await self._server.read("is_whole", [(b"GET", self._keys.whole)])
        return mark is not None

    async def stream_of_key(self, key: str) -> str | None:
        asked = (b"HGET", self._keys.keys, pack_text(key))
        [owner] = await self._server.read("stream_of_key", [asked])
        return owner.decode() if owner else None

    async def holder(self) -> Holder | None:
        """Who works under this instance; None when nobody does, or one known to be dead."""
        [token] = await self._server.read("holder", [(b"GET", self._keys.claim)])
        holder = Holder.unpack(token) if token else None
        if holder is None or holder.is_dead_here(Holder.of(os.getpid())):
            return None
        return holder

    async def version(self) -> str:
        """What answers, as far as it tells."""
        told = await self._server.tell("version", "INFO", "server") or {}
        name = str(told.get("server_name", "redis")).capitalize()
        return f"{name} {told.get(f'{name.lower()}_version', '(it tells no version)')}"

    async def try_to_write(self) -> None:
        """Whether scripts may be run here. Nothing is written: the claim it names is none."""
        await self._server.run("write", WRITE, [self._keys.epoch], [b"nobody's"])

    async def weaknesses(self) -> list[tuple[str, str]]:
        """What is wrong with how the server keeps its data, and what to do about it."""
        told = await self._server.tell("persistence", "INFO") or {}
        config = await self._server.tell("persistence", "CONFIG GET", "save") or {}
        weak = []
        if told.get("aof_enabled") == 0 and not any(config.values()) and config:
            problem = "the state server keeps nothing on disk, a restart loses all progress"
            weak.append((problem, "set `appendonly yes`"))
        policy = told.get("maxmemory_policy", "noeviction")
        if told.get("maxmemory") and policy != "noeviction":
            problem = f"the state server throws data away when it is full ({policy})"
            weak.append((problem, "set `maxmemory-policy noeviction`"))
        return weak

    def _asking_for(self, stream_id: str) -> list[Command]:
        return [
            (b"HGETALL", self._keys.meta(stream_id)),
            (b"HGETALL", self._keys.parts(stream_id)),
        ]

    async def _load_each(
        self, names: Iterable[bytes], *, parts: bool = True
    ) -> list[Checkpoint]:
        """These streams, in this order, without those that are gone or unreadable."""
        loaded = []
        for some in batches(list(names), BATCH):
            asked = [self._asking_for(name.decode())[: 2 if parts else 1] for name in some]
            answers = iter(await self._server.read("load", [c for cs in asked for c in cs]))
            for name in some:
                meta, told = next(answers), next(answers) if parts else {}
                try:
                    if meta:
                        loaded.append(unpack(name.decode(), meta, told))
                except Unreadable as error:
                    log.warning("checkpoint left out", error=str(error))
                await asyncio.sleep(0)
        return loaded

    async def _names(self, limit: int | None = None) -> list[bytes]:
        last = b"-1" if limit is None else b"%d" % max(0, limit - 1)
        *sets, ended = await self._server.read(
            "streams",
            [
                *(
                    (b"SMEMBERS", self._keys.streams(home))
                    for home in (ACTIVE, PENDING, FAILED)
                ),
                (b"ZREVRANGE", self._keys.streams(COMPLETED), b"0", last),
            ],
        )
        return [*(name for members in sets for name in sorted(members)), *ended]

    async def _scan(self, key: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        """Every field of a large hash; one that is written meanwhile may come twice."""
        cursor = b"0"
        while True:
            command = (b"HSCAN", key, cursor, b"COUNT", b"%d" % (10 * BATCH))
            [(at, fields)] = await self._server.read("scan", [command])
            for pair in fields.items():
                yield pair
            if not int(at):
                return
            cursor = b"%d" % int(at)
