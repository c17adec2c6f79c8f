"""How a recording finds its stream again after the state server has lost everything.

The store knows more than it seems to: the key of an unfinished upload holds the stream id,
ListParts tells the MD5 of every part, HEAD tells the stream and the checksum of an object.
Held against the bytes on the disk, that is proof enough to go on where the lost state
stood: a part that matches is not sent again, an object that matches is not stored again.

What must stay true: nothing is claimed on the word of a name. Whatever does not match the
disk is left alone, and the recording begins anew.
"""

from collections.abc import Iterable, Mapping

import structlog

from cefmp4.core.geometry import Geometry, Span, geometry_of
from cefmp4.core.model import (
    Checkpoint,
    FileVersion,
    Part,
    Parts,
    Seal,
    SealReason,
    Status,
    StoredObject,
)
from cefmp4.core.objects import is_md5
from cefmp4.core.stream_ids import is_tagged
from cefmp4.documents import Document, read_document
from cefmp4.errors import StreamInitializationError, UploadGone
from cefmp4.metadata import readable
from cefmp4.ports import Digests, ListedPart, Upload
from cefmp4.world import World

TRIAL_PARTS = 4
"""When none of so many parts matches, the upload is taken to be another recording's."""

log = structlog.get_logger(__name__)


async def recall(world: World, path: str, version: FileVersion) -> Checkpoint | None:
    """The checkpoint this recording had, rebuilt from the store; None when there was none.

    Errors as of the store and the disk: whoever calls tries again.
    """
    memory = world.recollection
    if not memory.wanted:
        return None
    # The newest first: what grows must not wait until all that was stored is read again.
    async with memory.one_at_a_time.hold(-version.mtime_ns):
        await _ask_the_store(world)
        recording = Recording(world, path, version)
        return await recording.stored_already() or await recording.left_unfinished()


async def _ask_the_store(world: World) -> None:
    memory = world.recollection
    if memory.asked:
        return
    log.info(
        "the state server does not know everything: asking the store",
        hint="at a first start that is normal",
    )
    memory.take_in_uploads(await world.store.list_uploads(memory.prefix))
    async for found in world.store.list_objects(memory.prefix):
        if memory.is_ours(found.key) or not world.key_is_unique:
            memory.take_in_object(found)
    memory.asked = True


class Recording:
    """One recording, held against what the store has."""

    def __init__(self, world: World, path: str, version: FileVersion) -> None:
        self._world, self._path, self._version = world, path, version
        self._read: dict[tuple[int, int], tuple[bytes | None, int]] = {}

    async def stored_already(self) -> Checkpoint | None:
        """Its stream, when an object of ours holds just these bytes."""
        world, size = self._world, self._version.size_bytes
        keys = world.recollection.keys_by_size.get(size, set())
        for key in sorted(keys, key=lambda key: not self._is_named_by(key)):
            found = await world.store.head(key)
            if found is None or not await self._may_be_ours(found.stream_id):
                continue
            document = await read_document(world.store, key)
            if await self._is_stored_as(key, found, document):
                keys.discard(key)
                log.info("recognised in the store", file_path=self._path, key=key)
                return self._as_stored(key, found, document)
        return None

    async def _is_stored_as(
        self, key: str, found: StoredObject, document: Document | None
    ) -> bool:
        told_path = document.path if document else None
        if not (self._is_named_by(key) or told_path == readable(self._path)):
            return False  # an equal copy has an object of its own
        expected = found.crc64nvme
        if expected is None and document is not None and document.etag == found.etag:
            expected = document.crc64nvme
        if expected is None or found.size_bytes != self._version.size_bytes:
            return False
        _, crc = await self._digests(Span(1, 0, found.size_bytes), md5=False)
        return crc == expected and self._world.disk.stat(self._path) == self._version

    def _as_stored(
        self, key: str, found: StoredObject, document: Document | None
    ) -> Checkpoint:
        """As after HEAD: the JSON, AFTER_UPLOAD and the end are still to come, if at all.

        A JSON of another object than stands there is written anew.
        """
        if document is not None and document.etag != found.etag:
            document = None
        now, size = self._world.clock.now(), self._version.size_bytes
        whole = Part(1, size, "", self._read[0, size][1], now)
        return Checkpoint(
            stream_id=found.stream_id or "",
            path=self._path,
            identity=self._version.identity,
            bucket=self._world.bucket,
            key=key,
            geometry=self._world.policy.geometry,
            started_at=now,
            root=self._world.horizon.root,
            status=Status.S3_COMPLETED,
            parts=Parts.of([whole]),
            seal=Seal(self._version, SealReason.RECOGNISED, now),
            last_activity_at=now,
            stored=found,
            stored_at=now,
            described=document is not None,
            media=document.media if document else None,
            poster=document.poster if document else None,
            reason=SealReason.RECOGNISED.value,
        )

    async def left_unfinished(self) -> Checkpoint | None:
        """Its stream, when parts of an upload of ours hold what stands on the disk."""
        uploads = self._world.recollection.uploads
        for upload in sorted(uploads.values(), key=lambda u: not self._is_named_by(u.key)):
            stream_id = self._world.recollection.id_in(upload.key)
            if stream_id is None or not await self._may_be_ours(stream_id):
                continue
            geometry, parts = await self._matching_parts(upload)
            if parts:
                del uploads[upload.upload_id]
                log.info(
                    "found again in the store",
                    file_path=self._path,
                    key=upload.key,
                    parts=len(parts),
                )
                return self._as_unfinished(stream_id, upload, geometry, parts)
        return None

    async def _matching_parts(self, upload: Upload) -> tuple[Geometry, dict[int, Part]]:
        trials = self._world.recollection.trials
        if upload.upload_id in trials and not await self._matches(*trials[upload.upload_id]):
            return self._world.policy.geometry, {}
        geometry, rows = await self._listed(upload)
        first = rows[0].number if rows else 0
        trial = [row for row in rows if row.number < first + TRIAL_PARTS]
        trials[upload.upload_id] = geometry, trial
        parts = await self._matches(geometry, trial)
        if parts:
            parts |= await self._matches(geometry, rows[len(trial) :])
        return geometry, parts

    async def _listed(self, upload: Upload) -> tuple[Geometry, list[ListedPart]]:
        """In which geometry what parts were sent, in order; none of what is in no geometry."""
        expected = self._world.policy.geometry
        try:
            rows = await self._world.store.list_parts(upload.key, upload.upload_id)
        except UploadGone:
            rows = []
        sizes: dict[int, int] = {}
        for row in rows:
            sizes[row.number] = max(row.size_bytes, sizes.get(row.number, 0))
        geometry = geometry_of(sizes, expected)
        if geometry is None:
            return expected, []
        return geometry, sorted(rows, key=lambda row: row.number)

    async def _matches(self, geometry: Geometry, rows: Iterable[ListedPart]) -> dict[int, Part]:
        """Those of these parts that the disk holds."""
        found = [await self._matching(row, geometry) for row in rows]
        return {part.number: part for part in found if part is not None}

    async def _matching(self, row: ListedPart, geometry: Geometry) -> Part | None:
        """The part, when the disk holds what the store says it got."""
        span = Span(row.number, geometry.span(row.number).offset, row.size_bytes)
        if not is_md5(row.etag) or span.end > self._version.size_bytes or not span.length:
            return None
        md5, crc = await self._digests(span, md5=True)
        if md5 is None or md5.hex() != row.etag:
            return None
        return Part(row.number, row.size_bytes, row.etag, crc, self._world.clock.now())

    def _as_unfinished(
        self, stream_id: str, upload: Upload, geometry: Geometry, parts: Mapping[int, Part]
    ) -> Checkpoint:
        return Checkpoint(
            stream_id=stream_id,
            path=self._path,
            identity=self._version.identity,
            bucket=self._world.bucket,
            key=upload.key,
            geometry=geometry,
            started_at=upload.initiated_at,
            root=self._world.horizon.root,
            upload_id=upload.upload_id,
            parts=Parts.of(parts.values()),
            last_activity_at=self._world.clock.now(),
            reason="found again in the store",
        )

    def _is_named_by(self, key: str) -> bool:
        """Whether this is the key that the recording would have under that stream id."""
        stream_id = self._world.recollection.id_in(key) or ""
        try:
            return self._world.key_for(stream_id, self._path, 0.0) == key
        except StreamInitializationError:
            return False

    async def _may_be_ours(self, stream_id: str | None) -> bool:
        """A stream of this instance that is not remembered."""
        if stream_id is None or not is_tagged(stream_id, self._world.recollection.tag):
            return False
        return await self._world.checkpoints.load(stream_id) is None

    async def _digests(self, span: Span, *, md5: bool) -> tuple[bytes | None, int]:
        """MD5, if asked for, and CRC64NVME of a span; each span is read once."""
        known = self._read.get((span.offset, span.length))
        if known is not None and (known[0] is not None or not md5):
            return known
        asked = Digests(md5=md5)
        identity = self._version.identity
        async with self._world.disk.body(self._path, identity, span, asked) as body:
            self._read[span.offset, span.length] = body.md5, body.crc64nvme
        return self._read[span.offset, span.length]
