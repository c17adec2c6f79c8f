"""Bytes to the store: uploads, parts, and the proof that they are what the disk holds.

The order is the same everywhere: the effect in the store first, then one atomic write
of the checkpoint. A crash between the two repeats the effect, and every effect here may
be repeated: a part sent again replaces itself, an upload whose id was lost is found
again under its key. Right before each, the claim is made sure of: a process that was paused
for long stops there, and takes back what was in flight and is of no use to its successor.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from cefmp4.aborting import abort_until_gone
from cefmp4.core.due import unsent_from
from cefmp4.core.geometry import Span
from cefmp4.core.model import UNSTORED, Checkpoint, Part, Wish
from cefmp4.core.objects import user_metadata
from cefmp4.errors import CefMP4Error, Fenced, Stopping
from cefmp4.ledger import Change, Ledger
from cefmp4.ports import Body, Upload
from cefmp4.sight import Sight
from cefmp4.slots import Urgency
from cefmp4.telling import Telling
from cefmp4.together import finish_all
from cefmp4.world import World


class Uploading:
    """Carries out CreateUpload, AdoptUpload, SendParts and Compare for one stream."""

    def __init__(self, world: World, ledger: Ledger, sight: Sight, telling: Telling) -> None:
        self.world, self.ledger, self.sight, self.telling = world, ledger, sight, telling

    async def create(self) -> None:
        cp, began = self.ledger.current, self.telling.began()
        self.sight.upload_may_exist = True  # from here on, until its id is recorded
        await self.ledger.assure()
        upload_id = await self.world.store.create_upload(
            cp.key, user_metadata(cp.stream_id, cp.path)
        )
        await self._record(upload_id, lambda c: c.with_upload(upload_id))
        self.sight.upload_may_exist = False
        self.telling.upload_created(cp.key, began)

    async def adopt(self) -> None:
        """A Create whose answer was lost left an upload under our key: use it.

        Under a key without our id it may as well be that of a stream that was forgotten with
        the state server's data, and would become an object in that one's name. It is aborted.
        """
        cp = self.ledger.current
        found = await find_own_uploads(self.world, cp)
        ours = found.pop() if found and cp.stream_id in cp.key else None
        for upload in found:
            upload_id = upload.upload_id
            await abort_until_gone(self.world.store, cp.key, upload_id, self.ledger.assure)
        if ours is not None:
            adopted = ours.upload_id
            await self.ledger.record(lambda c: c.with_upload(adopted), landed=True)
            self.telling.upload_adopted(cp.key, len(found))
        elif found:
            why = "whose they are cannot be told"
            self.telling.uploads_aborted(cp.key, len(found), why)
        self.sight.upload_may_exist = False

    async def send_parts(self, spans: tuple[Span, ...]) -> None:
        """Send these spans, a window of them at a time; each is recorded as it lands.

        After a failure no further part is begun, but those in flight are awaited: what
        they have sent shall not be sent again. Then the first failure is raised. Nor is one
        begun once a person wants the recording aborted, or, after a window of them, once
        another stream waits for a turn: this one gets its next turn like everybody.
        """
        due = enumerate(spans)
        failed = asyncio.Event()
        workers = min(self.world.policy.window_parts, len(spans))
        await finish_all(*(self._send_all(due, failed) for _ in range(workers)))

    async def _send_all(self, due: Iterator[tuple[int, Span]], failed: asyncio.Event) -> None:
        for begun, span in due:
            if failed.is_set() or self.sight.wish is Wish.ABORT or self._gives_way(begun):
                return
            try:
                await self._send(span)
            except BaseException:
                failed.set()
                raise

    def _gives_way(self, done: int) -> bool:
        """A window of parts is done in this turn, and another stream waits for one."""
        return done >= self.world.policy.window_parts and self.world.turns.waiting > 0

    async def _send(self, span: Span) -> None:
        world, cp = self.world, self.ledger.current
        if cp.upload_id is None:
            raise LookupError("a part is due, but no upload was begun")
        async with self.sight.sending(span.number, world.flow.part(urgency_of(cp))):
            began = self.telling.began()
            version = world.disk.stat(cp.path)
            async with world.disk.body(cp.path, cp.identity, span, world.store.digests) as body:
                await self.ledger.assure()
                etag = await world.store.upload_part(cp.key, cp.upload_id, span.number, body)
                crc = body.crc64nvme
            part = Part(span.number, span.length, etag, crc, world.clock.now())
            with self._told_of(part, began, again=span.number in cp.resent):
                after = await self._record(cp.upload_id, lambda c: c.with_part(part))
            self._note_sent(after)
        sealed = cp.seal is not None and cp.seal.version == version
        if sealed and version is not None and world.disk.stat(cp.path) == version:
            self.sight.prove(version, span.number)

    @contextmanager
    def _told_of(self, part: Part, began: float, *, again: bool) -> Iterator[None]:
        """A part that is in the store is told of, also where the writing of it is made up for
        later; not where it is of no use any more."""
        try:
            yield
        except Fenced:
            raise
        except CefMP4Error:
            self.telling.part_sent(part.number, part.size_bytes, began, again=again)
            raise
        self.telling.part_sent(part.number, part.size_bytes, began, again=again)

    def _note_sent(self, after: Checkpoint) -> None:
        """How old the bytes are that are in the store now, nobody will ask."""
        if self.sight.own is not None:
            size = self.sight.own.size_bytes
            unsent = unsent_from(after, size)
            self.sight.growth.sent(size if unsent is None else unsent)

    async def _record(self, upload_id: str, change: Change) -> Checkpoint:
        """Write down what this upload got; where we are fenced, leave nothing behind."""
        try:
            return await self.ledger.record(change, landed=True)
        except Fenced:
            with suppress(CefMP4Error):
                await self._disown(upload_id)
            raise

    async def _disown(self, upload_id: str) -> None:
        """Abort an upload that our successor does not use.

        It was begun, or brought back to life by a late part (MinIO), when the successor
        had looked already: nobody else will ever know of it.
        """
        cp = self.ledger.current
        there = await self.world.checkpoints.load(cp.stream_id)
        kept = there and (there.status in UNSTORED or there.holds_path)
        if there and not (kept and there.upload_id == upload_id):
            await self.world.store.abort(cp.key, upload_id)
            self.telling.late_upload_aborted()

    async def compare(self, numbers: tuple[int, ...]) -> None:
        """Hold stored parts against the disk; those that differ are forgotten first.

        They are forgotten before they are sent again, because a failed re-send can lose
        the part the store had (Cloudflare R2). Gives way to other streams as `send_parts`.
        """
        cp = self.ledger.current
        if cp.seal is None:
            return
        began, read_bytes = self.telling.began(), 0
        agree: list[int] = []
        differ: set[int] = set()
        for done, number in enumerate(numbers):
            if self.world.parts.closed:
                raise Stopping
            if self.sight.wish is Wish.ABORT:
                return
            if self._gives_way(done):
                break
            part = cp.parts[number]
            span = Span(number, cp.geometry.span(number).offset, part.size_bytes)
            crc = await self.world.disk.crc64nvme(cp.path, cp.identity, span)
            read_bytes += span.length
            self.sight.reread += 1
            if crc == part.crc64nvme:
                agree.append(number)
            else:
                differ.add(number)
        if self.world.disk.stat(cp.path) != cp.seal.version:
            return  # it moved while we read: nothing was proven either way
        for number in agree:
            self.sight.prove(cp.seal.version, number)
        if differ:
            wrong = frozenset(differ)
            self.sight.disprove(wrong)
            await self.ledger.record(lambda c: c.without_parts(wrong))
            self.telling.changed_on_disk(wrong, read_bytes, began)
        elif agree:
            self.telling.compared(len(agree), read_bytes, began)


@dataclass(frozen=True, slots=True)
class HeldBody:
    """A body that is only handed over while the claim is ours, to the last of its blocks.

    For a PutObject, which replaces what stands there: a process that was paused in the
    middle of one must not end it over the object its successor has stored meanwhile.
    """

    body: Body
    assure: Callable[[], Awaitable[None]]
    file: None = None
    """Block by block, so that the claim is looked at before each."""

    @property
    def size_bytes(self) -> int:
        return self.body.size_bytes

    @property
    def crc64nvme(self) -> int:
        return self.body.crc64nvme

    @property
    def crc32c(self) -> int | None:
        return self.body.crc32c

    @property
    def md5(self) -> bytes | None:
        return self.body.md5

    async def blocks(self) -> AsyncIterator[bytes]:
        async for block in self.body.blocks():
            await self.assure()
            yield block


CLOCK_SKEW_SECONDS = 15 * 60.0
"""Stores refuse clocks further apart than this (RequestTimeTooSkewed)."""


async def find_own_uploads(world: World, cp: Checkpoint) -> list[Upload]:
    """Unfinished uploads under the stream's key, the newest last.

    Under a key that holds the stream's id they are its own, whatever the clocks say. Under
    another key those begun well before the stream are somebody else's. Our clock may have
    been ahead when it began; a store to which it is still ahead would not have listened.
    """
    found = await world.store.find_uploads(cp.key)
    if cp.stream_id not in cp.key:
        earliest = min(cp.started_at, world.clock.now()) - CLOCK_SKEW_SECONDS
        found = [upload for upload in found if upload.initiated_at >= earliest]
    return sorted(found, key=lambda upload: upload.initiated_at)


def urgency_of(checkpoint: Checkpoint | None) -> Urgency:
    """Recordings that have ended go first."""
    ended = checkpoint is not None and checkpoint.seal is not None
    return Urgency.ENDED if ended else Urgency.GROWING
