"""Whether what stands in the store is what was recorded: object against file.

The store is asked for what it holds: size, stream id, ETag, and the checksum of the whole
object where it tells one; where it does not, every byte is read back. The other side is
the recording itself, read again; where it is gone, what was written down of it.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from awscrt import checksums

from cefmp4.core.checksum import object_crc64nvme
from cefmp4.core.geometry import Span
from cefmp4.core.model import STORED, Checkpoint, FileVersion, StoredObject
from cefmp4.documents import Document, read_document
from cefmp4.errors import CefMP4Error, ChunkProcessingError
from cefmp4.finishing import differs
from cefmp4.ports import Disk, ObjectStore


class Verdict(StrEnum):
    """What a verification found."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    MISSING = "missing"
    """There is no object under the key."""
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one object, and why."""

    key: str
    stream_id: str | None
    verdict: Verdict
    why: str


Judged = tuple[Verdict, str]

GONE = "the recording is gone, or another by now"


async def verify_stream(
    store: ObjectStore, disk: Disk, stream: Checkpoint, copies: Sequence[str]
) -> Finding:
    """Hold a stored stream's object against its recording, or a copy at one of these paths."""
    verdict, why = await _told(_judged_stream(store, disk, stream, copies))
    return Finding(stream.key, stream.stream_id, verdict, why)


async def verify_key(store: ObjectStore, key: str) -> Finding:
    """Hold an object that no remembered stream has stored against its metadata JSON."""
    verdict, why = await _told(_judged_key(store, key))
    return Finding(key, None, verdict, why)


async def _told(judging: Awaitable[Judged]) -> Judged:
    try:
        return await judging
    except CefMP4Error as error:
        return Verdict.CANNOT_TELL, str(error)


async def _judged_stream(
    store: ObjectStore, disk: Disk, stream: Checkpoint, copies: Sequence[str]
) -> Judged:
    if stream.status not in STORED or stream.seal is None:
        return Verdict.CANNOT_TELL, f"it is not stored: {stream.status}"
    found = await store.head(stream.key)
    if found is None:
        return Verdict.MISSING, "there is no object"
    if why := differs(found, stream):
        return Verdict.DIFFERENT, why
    crc, against = await _recorded(store, disk, stream, stream.seal.version, copies)
    return await _compared(store, stream.key, found, crc, against)


async def _judged_key(store: ObjectStore, key: str) -> Judged:
    found = await store.head(key)
    if found is None:
        return Verdict.MISSING, "there is no object"
    told = await read_document(store, key)
    if told is None:
        return Verdict.CANNOT_TELL, "no stream is remembered, and it has no metadata JSON"
    if why := _not_as_described(found, told):
        return Verdict.DIFFERENT, why
    return await _compared(store, key, found, told.crc64nvme, "its metadata JSON")


async def _recorded(
    store: ObjectStore,
    disk: Disk,
    stream: Checkpoint,
    sealed: FileVersion,
    copies: Sequence[str],
) -> tuple[int, str]:
    """The checksum of what was recorded, and where it comes from."""
    span = Span(1, 0, sealed.size_bytes)
    for path in (stream.path, *copies):
        there = disk.stat(path)
        if there is None or not _is_the_version(there, sealed):
            continue
        crc = await disk.crc64nvme(path, there.identity, span)
        if disk.stat(path) != there:
            raise ChunkProcessingError("the recording changed while it was read")
        return crc, "the recording" if path == stream.path else "its archived copy"
    told = await read_document(store, stream.key)
    if told is None or told.stream_id != stream.stream_id:
        parts = [stream.parts[number] for number in sorted(stream.parts)]
        return object_crc64nvme(parts), f"the parts that were sent; {GONE}"
    return told.crc64nvme, f"its metadata JSON; {GONE}"


def _is_the_version(there: FileVersion, sealed: FileVersion) -> bool:
    """As far as a copy keeps it: another version is not what was stored."""
    known = (sealed.size_bytes, sealed.mtime_ns)
    return (there.size_bytes, there.mtime_ns) == known


async def _compared(
    store: ObjectStore, key: str, found: StoredObject, crc: int, against: str
) -> Judged:
    """Hold the object against what has this checksum."""
    stored = found.crc64nvme
    if stored is None:
        stored = 0
        async for piece in store.read(key):
            stored = int(checksums.crc64nvme(piece, stored))
    if stored == crc:
        return Verdict.IDENTICAL, f"as {against}"
    return Verdict.DIFFERENT, f"checksum {stored:016x} in the store, {crc:016x} of {against}"


def _not_as_described(found: StoredObject, told: Document) -> str:
    if found.stream_id not in (None, told.stream_id):
        return f"the object belongs to stream {found.stream_id}"
    if found.size_bytes != told.size_bytes:
        return f"the object has {found.size_bytes} bytes, its metadata says {told.size_bytes}"
    if told.etag and found.etag != told.etag:
        return "the object's ETag is not the one in its metadata"
    return ""
