"""From sealed to stored: Complete, the proof of it, the metadata JSON, and the end.

What a Complete did is never concluded from its answer alone: the checkpoint first says
that it was tried, and then HEAD and ListParts tell what became of it. So an answer that
was lost, late or wrong takes the same path as a good one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cefmp4.aborting import abort_until_gone, listed_parts
from cefmp4.core.checksum import object_crc64nvme
from cefmp4.core.geometry import Span
from cefmp4.core.model import Checkpoint, FileVersion, Part, Status, StoredObject
from cefmp4.core.objects import multipart_etag, user_metadata
from cefmp4.describing import describe
from cefmp4.errors import (
    PartsRefused,
    S3OperationError,
    UploadGone,
)
from cefmp4.ledger import Ledger
from cefmp4.ports import Fingerprint, ListedPart
from cefmp4.sight import Sight
from cefmp4.slots import Urgency
from cefmp4.telling import Telling
from cefmp4.uploading import HeldBody, find_own_uploads
from cefmp4.world import World


class Finishing:
    """Carries out everything that follows a seal, and every way a stream can end."""

    def __init__(self, world: World, ledger: Ledger, sight: Sight, telling: Telling) -> None:
        self.world, self.ledger, self.sight, self.telling = world, ledger, sight, telling

    async def put_whole(self) -> None:
        """One PutObject; its bytes were read and summed before the first one is sent."""
        world, cp = self.world, self.ledger.current
        if cp.seal is None:
            return
        span = Span(1, 0, cp.seal.version.size_bytes)
        async with (
            self.sight.sending(1, world.flow.part(Urgency.ENDED)),
            world.disk.body(cp.path, cp.identity, span, world.store.digests) as body,
        ):
            began = self.telling.began()
            if world.disk.stat(cp.path) != cp.seal.version:
                return  # it moved on while it was read; the next turn unseals it
            await self._require_free_key(cp)
            part = Part(1, span.length, "", body.crc64nvme, world.clock.now())
            await self.ledger.record(lambda c: c.with_part(part).asking_to_complete())
            await self.ledger.assure()
            held = HeldBody(body, self.ledger.assure)
            with self._answer_may_be_unclear():
                await world.store.put(cp.key, user_metadata(cp.stream_id, cp.path), held)
        self.telling.put_whole(cp.key, span.length, began)

    async def complete(self) -> None:
        await self._require_free_key(self.ledger.current)
        cp = await self.ledger.record(lambda c: c.asking_to_complete())
        parts = [cp.parts[number] for number in sorted(cp.parts)]
        if cp.upload_id is None:
            raise LookupError("nothing to complete: no upload was begun")
        await self.ledger.assure()
        began = self.telling.began()
        try:
            with self._answer_may_be_unclear():
                await self.world.store.complete(
                    cp.key, cp.upload_id, parts, object_crc64nvme(parts)
                )
        except (UploadGone, PartsRefused) as error:
            await self._refused(cp, cp.upload_id, error)
        else:
            self.telling.completed(len(parts), cp.bytes_sent, began)

    @contextmanager
    def _answer_may_be_unclear(self) -> Iterator[None]:
        try:
            yield
        except S3OperationError as error:
            self.telling.unclear(error)
            raise

    async def _require_free_key(self, cp: Checkpoint) -> None:
        """Another's object is never replaced: which keys are taken can have been forgotten."""
        found = None if self.world.key_is_unique else await self.world.store.head(cp.key)
        if found is not None and found.stream_id != cp.stream_id:
            raise S3OperationError(
                "HeadObject",
                "KeyTaken",
                f"an object of another recording stands under {cp.key}",
                hint="cefmp4 abort ID, then cefmp4 retry ID: it begins anew under another key",
                transient=False,
            )

    async def _refused(
        self, cp: Checkpoint, upload_id: str, error: UploadGone | PartsRefused
    ) -> None:
        """Forget the parts the store has otherwise; all of them when none stands out.

        Some stores say NoSuchUpload of an upload that stands when a part of it is missing.
        """
        rows = await self._rows(cp.key, upload_id)
        if rows is None:
            self.telling.unknown_upload()
            return
        # One row that agrees is enough: some stores list every version of a part.
        listed = {(row.number, row.size_bytes, row.etag) for row in rows}
        wrong = frozenset(
            part.number
            for part in cp.parts.values()
            if (part.number, part.size_bytes, part.etag) not in listed
        )
        if isinstance(error, UploadGone) and not wrong:
            raise _denied(error)
        wrong = wrong or frozenset(cp.parts)
        self.sight.disprove(wrong)
        await self.ledger.record(lambda c: c.refused(wrong, str(error)))
        self.telling.refused(error, cp.refusals + 1, len(wrong))

    async def resolve(self) -> None:
        """The object stands and is ours; or the upload stands; or both are gone."""
        cp = self.ledger.current
        found = await self.world.store.head(cp.key)
        difference = differs(found, cp) if found else "there is no object"
        if found and not difference:
            await self._stored(found)
            return
        if found and found.stream_id == cp.stream_id:
            self.telling.wrong_object(cp.key, difference)
            await self.ledger.record(lambda c: c.refused(frozenset(), difference))
        if cp.upload_id is None:
            self.sight.upload_may_exist = False
            await self.ledger.record(lambda c: c.not_put())
            self.telling.not_put(difference)
        elif await self._rows(cp.key, cp.upload_id) is not None:
            await self.ledger.record(lambda c: c.still_incomplete())
            self.telling.not_completed(difference)
        else:
            await self.upload_lost(difference)

    async def _rows(self, key: str, upload_id: str) -> list[ListedPart] | None:
        return await listed_parts(self.world.store, key, upload_id)

    async def upload_lost(self, why: str) -> None:
        """The store has forgotten the upload (a lifecycle rule, a person): begin again."""
        cp = self.ledger.current
        self.sight.disprove(frozenset(cp.parts))
        if cp.upload_id and not cp.completing:
            await self._abort(cp.key, cp.upload_id)  # a part in flight may have revived it
        await self.ledger.record(lambda c: c.restarted(f"upload lost: {why}"))
        clock = self.world.clock
        age_seconds = max(0.0, clock.now() - cp.started_at)
        self.sight.growth.lost(clock.monotonic() - age_seconds)
        self.telling.upload_lost(len(cp.parts), why)
        self.sight.upload_may_exist = False

    async def _stored(self, found: StoredObject) -> None:
        clock, now = self.world.clock, self.world.clock.now()
        cp = await self.ledger.record(lambda c: c.completed_in_store(found, now))
        since = self.sight.since_write(cp.seal, clock.monotonic(), now)
        self.telling.stored(cp, found, since)

    async def describe(self) -> None:
        """Probe the recording and put the metadata JSON beside its object."""
        await describe(self.world, self.ledger, self.telling)

    async def dispose(self) -> None:
        """Delete or move the recording, after one more HEAD."""
        world, cp = self.world, self.ledger.current
        found = await world.store.head(cp.key)
        difference = differs(found, cp) if found else "there is no object"
        if difference or cp.seal is None:
            self.telling.kept_without_object(difference)
        elif await self._was_rewritten(cp, cp.seal.version):
            self.telling.kept_rewritten()
        else:
            await self.ledger.assure()
            done = await world.disposal.dispose(cp.path, cp.seal.version, cp.stream_id)
            self.telling.disposed(done)
        await self.ledger.record(lambda c: c.with_disposal())

    async def _was_rewritten(self, cp: Checkpoint, sealed: FileVersion) -> bool:
        """Only its change time moved: by a rename, or by a write that set the other back?"""
        there = self.world.disk.stat(cp.path)
        if there is None or Fingerprint.of(there) != Fingerprint.of(sealed):
            return False  # that is told by its looks
        if there.ctime_ns == sealed.ctime_ns:
            return False
        whole = Span(1, 0, there.size_bytes)
        crc = await self.world.disk.crc64nvme(cp.path, cp.identity, whole)
        return crc != object_crc64nvme(part for _, part in sorted(cp.parts.items()))

    async def end(self, status: Status, reason: str, hint: str = "") -> None:
        """Write down the final status."""
        now = self.world.clock.now()
        await self.ledger.record(lambda c: c.ended(status, now, reason, hint))
        await self._fulfilled()

    async def abandon(self, status: Status, reason: str, hint: str) -> None:
        """Abort the upload, then end the stream."""
        cp, began = self.ledger.current, self.telling.began()
        uploads = {cp.upload_id} if cp.upload_id else set()
        if cp.upload_id is None and self.sight.upload_may_exist:
            uploads = {upload.upload_id for upload in await find_own_uploads(self.world, cp)}
        for upload_id in uploads:
            await self._abort(cp.key, upload_id)
        now = self.world.clock.now()
        await self.ledger.record(lambda c: c.ended(status, now, reason, hint).without_upload())
        self.telling.abandoned(reason, len(cp.parts), began)
        await self._fulfilled()

    async def revive(self) -> None:
        """Take a failed stream up where it was."""
        cp = await self.ledger.record(lambda c: c.retried())
        self.telling.revived(len(cp.parts))
        await self._fulfilled()

    async def _fulfilled(self) -> None:
        """What a person asked for is done: let it go, or it would be done once more."""
        wish, self.sight.wish = self.sight.wish, None
        if wish is not None:
            await self.world.checkpoints.drop_wish(self.ledger.current.stream_id, wish)

    async def _abort(self, key: str, upload_id: str) -> None:
        await abort_until_gone(self.world.store, key, upload_id, self.ledger.assure)


def _denied(error: UploadGone) -> S3OperationError:
    """Complete was told that there is no such upload, and yet the store lists its parts."""
    return S3OperationError(
        error.operation,
        error.code,
        "the store denies an upload whose parts it lists",
        hint="if this goes on, abort the upload in the store: it is then begun again",
    )


def differs(found: StoredObject, cp: Checkpoint) -> str:
    """How an object differs from what the stream stored under its key; empty if nowhere."""
    size = cp.seal.version.size_bytes if cp.seal else -1
    if found.stream_id not in (None, cp.stream_id):
        return f"the object belongs to stream {found.stream_id}"
    if found.size_bytes != size:
        return f"the object has {found.size_bytes} bytes, the recording {size}"
    parts = [cp.parts[number] for number in sorted(cp.parts)]
    if found.crc64nvme not in (None, object_crc64nvme(parts)):
        return "the object's checksum is not that of the recording"
    expected = multipart_etag([part.etag for part in parts]) if cp.upload_id else None
    if expected and "-" in found.etag and found.etag != expected:
        return "the object's ETag is not that of the parts sent"
    return ""
