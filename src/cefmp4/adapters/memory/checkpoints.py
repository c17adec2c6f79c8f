"""The `Checkpoints` port in memory: the strict twin of the one on Redis.

It passes the same suite, and it is what the tests of the streams run on. The data belong
to a server that outlives a claimant: `successor` is the next process on the same data.
`before` and `after` are called with the name of each operation, around its effect; what
they raise is an outage before the write, or one that hides that the write has happened.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from cefmp4.adapters.memory.ordering import order
from cefmp4.adapters.memory.outboxes import MemoryOutboxes, Told
from cefmp4.adapters.memory.shown import Board, ShownTwin
from cefmp4.core.happenings import Happening, happenings
from cefmp4.core.model import LIVE, SET_ASIDE, STORED, Checkpoint, Parts, Wish
from cefmp4.errors import Fenced, InstanceClaimed, StateLost
from cefmp4.ports import Asked, Event, Fingerprint

Seam = Callable[[str], None]


@dataclass(slots=True, eq=False)
class _Server:
    """What a state server holds, and who holds it."""

    streams: dict[str, Checkpoint] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    stored: dict[str, tuple[str, Fingerprint]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    wishes: dict[str, Wish] = field(default_factory=dict)
    limit: str | None = None
    told: Told = field(default_factory=Told)
    board: Board = field(default_factory=Board)
    holder: "MemoryCheckpoints | None" = None
    """Who renews the claim; None when it was given back or has lapsed."""
    epoch: "MemoryCheckpoints | None" = None
    """Who claimed last; None when nobody ever did, as far as the server knows."""


class MemoryCheckpoints(ShownTwin):
    """One claimant. `alive` is what a newcomer on the same host can see of it."""

    def __init__(
        self,
        *,
        before: Seam | None = None,
        after: Seam | None = None,
        server: _Server | None = None,
    ) -> None:
        self.before = before
        self.after = after
        self.alive = True
        self.losses = 0
        self._server = server or _Server()
        self._claimed = False
        self.outboxes = MemoryOutboxes(self._server.told, self._operation, self._check_claim)

    # --- what happens to servers and processes ------------------------------------

    def successor(self) -> "MemoryCheckpoints":
        """Another process on the same data, with the same seams."""
        return MemoryCheckpoints(before=self.before, after=self.after, server=self._server)

    def crash(self) -> None:
        """This process is dead, and everybody on its host can see that."""
        self.alive = False

    def fall_silent(self) -> None:
        """A lease has passed without this process renewing its claim."""
        if self._server.holder is self:
            self._server.holder = None

    def lose_everything(self) -> None:
        """FLUSHALL, or a server that came back empty."""
        server = self._server
        for kept in (server.streams, server.paths, server.stored, server.keys, server.wishes):
            kept.clear()
        server.told.clear()
        server.holder = server.epoch = None
        server.whole, server.limit, server.board = False, None, Board()

    @property
    def board(self) -> Board:
        return self._server.board

    @property
    def published(self) -> list[Event]:
        """What stands in `cefmp4:events`."""
        return self._server.told.published

    # --- the port -----------------------------------------------------------------

    async def claim(self) -> None:
        async with self._operation("claim"):
            holder = self._server.holder
            if holder is not None and holder is not self and holder.alive:
                raise InstanceClaimed(
                    "this INSTANCE_ID is in use",
                    hint="stop that process; another INSTANCE_ID is only for another directory",
                )
            self._server.holder = self._server.epoch = self
            self._claimed = True

    async def renew(self) -> None:
        async with self._operation("renew"):
            self._keep()

    async def assure(self) -> None:
        if self._server.holder is not self:
            await self.renew()

    async def release(self) -> None:
        async with self._operation("release"):
            self.fall_silent()
            self._claimed = False

    async def save(self, before: Checkpoint | None, after: Checkpoint) -> None:
        async with self._operation("save"):
            self._check_claim()
            server, name = self._server, after.stream_id
            known = server.streams.get(name)
            server.streams[name] = after
            server.keys.setdefault(after.key, name)
            self._index_path(known, before, after)
            self._remember_stored(before, after)
            self.outboxes.add(happenings(before, after))

    async def tell(self, happening: Happening) -> None:
        async with self._operation("tell"):
            self._check_claim()
            self.outboxes.add([happening])

    async def load(self, stream_id: str) -> Checkpoint | None:
        async with self._operation("load"):
            return self._server.streams.get(stream_id)

    async def load_unfinished(self) -> list[Checkpoint]:
        async with self._operation("load_unfinished"):
            return [self._server.streams[name] for name in self._server.paths.values()]

    async def load_set_aside(self) -> list[Checkpoint]:
        async with self._operation("load_set_aside"):
            streams = self._server.streams.values()
            return [checkpoint for checkpoint in streams if checkpoint.status in SET_ASIDE]

    async def load_ended(self, limit: int) -> list[Checkpoint]:
        async with self._operation("load_ended"):
            streams = self._server.streams.values()
            over = [cp for cp in streams if cp.status not in LIVE | SET_ASIDE]
            over.sort(key=lambda cp: cp.ended_at or 0.0, reverse=True)
            return [replace(checkpoint, parts=Parts()) for checkpoint in over[:limit]]

    async def wish(self, stream_id: str, wish: Wish) -> None:
        async with self._operation("wish"):
            self._server.wishes[stream_id] = wish

    async def wishes(self) -> dict[str, Wish]:
        return dict((await self.asked()).wishes)

    async def limit_upload(self, limit: str | None) -> None:
        async with self._operation("limit"):
            self._server.limit = limit

    async def asked(self) -> Asked:
        async with self._operation("wishes"):
            server = self._server
            return Asked(dict(server.wishes), server.limit, server.board.watched)

    async def drop_wish(self, stream_id: str, wish: Wish) -> None:
        async with self._operation("drop_wish"):
            self._check_claim()
            if self._server.wishes.get(stream_id) is wish:
                del self._server.wishes[stream_id]

    async def all_streams(self, limit: int | None = None) -> list[Checkpoint]:
        """As the view of the command line: live ones, those set aside, the latest ended."""
        async with self._operation("all_streams"):
            return sorted(self._server.streams.values(), key=order)[:limit]

    async def is_whole(self) -> bool:
        async with self._operation("is_whole"):
            return self._server.whole

    async def set_whole(self) -> None:
        async with self._operation("set_whole"):
            self._check_claim()
            self._server.whole = True

    async def stream_of_key(self, key: str) -> str | None:
        async with self._operation("stream_of_key"):
            return self._server.keys.get(key)

    async def reserve_key(self, key: str, stream_id: str) -> bool:
        async with self._operation("reserve_key"):
            self._check_claim()
            return self._server.keys.setdefault(key, stream_id) == stream_id

    async def fingerprints(self) -> dict[str, Fingerprint]:
        async with self._operation("fingerprints"):
            stored = self._server.stored.items()
            return {path: fingerprint for path, (_, fingerprint) in stored}

    async def move_fingerprint(
        self, old_path: str, new_path: str, fingerprint: Fingerprint
    ) -> None:
        async with self._operation("move_fingerprint"):
            self._check_claim()
            stored = self._server.stored
            name, old = stored.get(old_path, ("", None))
            if old == fingerprint:
                del stored[old_path]
            stored[new_path] = (name, fingerprint)

    async def remember_stored(self, fingerprints: Mapping[str, Fingerprint]) -> None:
        async with self._operation("remember_stored"):
            self._check_claim()
            for path, fingerprint in fingerprints.items():
                self._server.stored.setdefault(path, ("", fingerprint))

    async def forget_fingerprints(self, paths: Sequence[str]) -> None:
        async with self._operation("forget_fingerprints"):
            self._check_claim()
            for path in paths:
                self._server.stored.pop(path, None)

    async def purge(self, ended_before: float) -> int:
        async with self._operation("purge"):
            self._check_claim()
            streams, keys = self._server.streams, self._server.keys
            old = [
                checkpoint
                for checkpoint in streams.values()
                if not checkpoint.holds_path and (checkpoint.ended_at or 0.0) < ended_before
            ]
            for checkpoint in old:
                del streams[checkpoint.stream_id]
                if keys.get(checkpoint.key) == checkpoint.stream_id:
                    del keys[checkpoint.key]
            return len(old)

    # --- how ----------------------------------------------------------------------

    @asynccontextmanager
    async def _operation(self, name: str) -> AsyncIterator[None]:
        await asyncio.sleep(0)  # as on a network, others get their turn
        if self.before:
            self.before(name)
        yield
        if self.after:
            self.after(name)

    def _check_claim(self) -> None:
        """Every write comes by here; so data that are lost are noticed by the next one."""
        if not self._claimed or self._server.epoch not in (None, self):
            self._claimed = False
            raise Fenced("this process does not hold the claim of its INSTANCE_ID")
        if self._server.epoch is None:
            self._keep()

    def _keep(self) -> None:
        server = self._server
        if not self._claimed or {server.epoch, server.holder} - {None, self}:
            self._claimed = False
            raise Fenced("another process has taken over this INSTANCE_ID")
        was_lost = server.epoch is None
        server.holder = server.epoch = self
        if was_lost:
            self.losses += 1
            raise StateLost("the state server has lost its data")

    def _index_path(
        self, known: Checkpoint | None, before: Checkpoint | None, after: Checkpoint
    ) -> None:
        paths, name = self._server.paths, after.stream_id
        goes_on = before is not None and before.holds_path and before.path == after.path
        if known is not None and paths.get(known.path) == name:
            del paths[known.path]
        if not after.holds_path:
            return
        if goes_on:
            paths.setdefault(after.path, name)  # another may have begun there since
        else:
            paths[after.path] = name

    def _remember_stored(self, before: Checkpoint | None, after: Checkpoint) -> None:
        stored = self._server.stored
        old_path = before.path if before is not None and before.status in STORED else None
        if after.status not in STORED or old_path == after.path:
            return
        fingerprint = Fingerprint.of_stored(after)
        if fingerprint is None:
            return
        mine = (after.stream_id, fingerprint)
        if old_path is not None and stored.get(old_path) == mine:
            del stored[old_path]
        stored[after.path] = mine
