"""The outside world, as narrow as the streams need it. The docstrings are the contract.

Every adapter passes the suite of its port in `tests/contract/`, the in-memory twins as
well as the real servers. Errors are those of `cefmp4.errors`, translated at the door.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cefmp4.core.fingerprint import Fingerprint
from cefmp4.core.geometry import Span
from cefmp4.core.model import (
    Checkpoint,
    FileVersion,
    Inspection,
    Part,
    StoredObject,
    Wish,
)
from cefmp4.port_values import (
    Digests,
    ListedObject,
    ListedPart,
    Probe,
    Upload,
)

__all__ = [
    "Body",
    "Checkpoints",
    "Clock",
    "Digests",
    "Disk",
    "Disposal",
    "Fingerprint",
    "ListedObject",
    "ListedPart",
    "ObjectStore",
    "Probe",
    "Prober",
    "Upload",
]


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> float:
        """Seconds since the epoch, UTC; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever go forward."""
        ...


class Body(Protocol):
    """The bytes of one span, already read once for their checksums.

    Reading happens off the event loop and in pieces: a body never holds a whole part.
    """

    @property
    def size_bytes(self) -> int: ...

    @property
    def crc64nvme(self) -> int: ...

    @property
    def crc32c(self) -> int | None:
        """Only where it was asked for."""
        ...

    @property
    def md5(self) -> bytes | None:
        """Only where it was asked for."""
        ...

    def blocks(self) -> AsyncIterator[bytes]:
        """The bytes from the beginning, in pieces of at most 1 MiB. May be called again.

        Raises ChunkProcessingError when the file ends before the span does.
        """
        ...


class Disk(Protocol):
    """The recordings. Nothing here ever writes to one."""

    def stat(self, path: str) -> FileVersion | None:
        """The regular file at `path`, inside the watched directory; None for anything else.

        A link, also one among its folders, is followed only as FOLLOW_SYMLINKS says.

        A file that cannot be reached for a passing reason (EIO, ESTALE, EACCES) raises
        ChunkProcessingError: it is not gone.
        """
        ...

    async def inspect(self, path: str) -> Inspection:
        """Read the top-level boxes and ask whether a writer has the file open.

        Raises ChunkProcessingError when the file cannot be read.
        """
        ...

    def body(
        self, path: str, identity: tuple[int, int], span: Span, digests: Digests
    ) -> AbstractAsyncContextManager[Body]:
        """Open a span of the file that has this identity, and read it once.

        Raises ChunkProcessingError when another file is there, or it is too short.
        """
        ...

    async def crc64nvme(self, path: str, identity: tuple[int, int], span: Span) -> int:
        """The checksum of a span as it is on the disk now. Errors as for `body`."""
        ...


class ObjectStore(Protocol):
    """One bucket of an S3-compatible store.

    Outages raise a transient S3OperationError; whoever calls tries again later.
    ETags are without their quotes.
    """

    @property
    def digests(self) -> Digests:
        """What this store wants to be told of a body, found by trying."""
        ...

    async def create_upload(self, key: str, user_metadata: Mapping[str, str]) -> str:
        """CreateMultipartUpload for a video/mp4; the upload id.

        Raises StreamInitializationError for a key the store can never hold.
        """
        ...

    async def find_uploads(self, key: str) -> list[Upload]:
        """Every unfinished upload under exactly this key."""
        ...

    async def list_uploads(self, prefix: str) -> list[Upload]:
        """Every unfinished upload whose key begins like this, whoever began it."""
        ...

    def list_objects(self, prefix: str) -> AsyncIterator[ListedObject]:
        """Every object whose key begins like this, in the order of keys."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of an object, in pieces. Raises when there is none: ask `head` first."""
        ...

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        """Stream a part; its ETag. Sent again, the new bytes replace the old.

        Raises UploadGone, or ContentRefused when the bytes do not match their checksum.
        After any failure the part may be there as it was, new, or not at all.
        """
        ...

    async def list_parts(self, key: str, upload_id: str) -> list[ListedPart]:
        """The parts of an upload, as the store has them. Raises UploadGone."""
        ...

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[Part], crc64nvme: int
    ) -> None:
        """CompleteMultipartUpload with these parts, ascending; the object's checksum too.

        Raises UploadGone, or PartsRefused when the store does not agree with the list.
        After any other failure it may have been carried out.
        """
        ...

    async def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; no error when it is not there.

        A part in flight can revive an upload: abort once more when none is left.
        """
        ...

    async def head(self, key: str) -> StoredObject | None:
        """The object under this key, None when there is none."""
        ...

    async def put(self, key: str, user_metadata: Mapping[str, str], body: Body) -> None:
        """PutObject of a video/mp4. Raises ContentRefused as `upload_part` does."""
        ...

    async def put_json(self, key: str, document: bytes) -> None:
        """PutObject of an application/json."""
        ...


class Checkpoints(Protocol):
    """What is remembered, in Redis or Valkey, of one instance.

    Every write carries the claim and is refused with Fenced when another process holds
    it. An outage raises a transient RedisOperationError; the write may have happened.
    """

    async def claim(self) -> None:
        """Become the one process of this instance. Raises InstanceClaimed.

        A holder known to be dead (same host, boot and pid namespace, no such process)
        is replaced at once; else its claim is waited out, one lease at most.
        """
        ...

    async def renew(self) -> None:
        """Keep the claim. Raises Fenced when it was lost to another process."""
        ...

    async def assure(self) -> None:
        """Right before an effect that no server would refuse: the claim is ours.

        Free while the last renewal is younger than a lease, else one. Raises as `renew`.
        """
        ...

    @property
    def losses(self) -> int:
        """How often the server was seen to have lost its data, and StateLost was raised."""
        ...

    async def release(self) -> None:
        """Give the claim back, so that a successor need not wait."""
        ...

    async def save(self, before: Checkpoint | None, after: Checkpoint) -> None:
        """Write what changed between the two, atomically, in one round trip.

        The status sets, the index of paths and the fingerprints of stored files follow
        from the value and are written with it. A path held by another live stream is
        taken over by `after`.
        """
        ...

    async def load(self, stream_id: str) -> Checkpoint | None:
        """One stream, None when nothing is remembered of it."""
        ...

    async def load_unfinished(self) -> list[Checkpoint]:
        """Every live, parked or aborted stream that still holds its path."""
        ...

    async def load_set_aside(self) -> list[Checkpoint]:
        """Every stream that failed or was aborted, whoever holds its path by now."""
        ...

    async def wish(self, stream_id: str, wish: Wish) -> None:
        """Ask for something; the last wish for a stream counts. Needs no claim."""
        ...

    async def wishes(self) -> dict[str, Wish]:
        """What is asked for, by stream id. Needs no claim."""
        ...

    async def drop_wish(self, stream_id: str, wish: Wish) -> None:
        """It is fulfilled, or asks for nothing. Another wish made since is kept."""
        ...

    async def is_whole(self) -> bool:
        """Whether all that was ever written down is still known.

        False when the server has lost its data, or never had any, until `set_whole`.
        """
        ...

    async def set_whole(self) -> None:
        """What was lost has been found again, as far as it can be."""
        ...

    async def stream_of_key(self, key: str) -> str | None:
        """The id of the stream that has reserved this object key, if it is remembered."""
        ...

    async def reserve_key(self, key: str, stream_id: str) -> bool:
        """Make sure that no other stream of this instance uses `key`."""
        ...

    async def fingerprints(self) -> dict[str, Fingerprint]:
        """Path to fingerprint of every recording that is already stored."""
        ...

    async def move_fingerprint(
        self, old_path: str, new_path: str, fingerprint: Fingerprint
    ) -> None:
        """The stored recording with this fingerprint was renamed, or only touched.

        The old path may belong to another by now, and is then left to it.
        """
        ...

    async def remember_stored(self, fingerprints: Mapping[str, Fingerprint]) -> None:
        """Stored recordings by path, for a server that forgot them; what it knows stays."""
        ...

    async def forget_fingerprints(self, paths: Sequence[str]) -> None:
        """Stored recordings that are no longer on the disk."""
        ...

    async def purge(self, ended_before: float) -> int:
        """Drop streams that ended well before this time; how many."""
        ...


class Prober(Protocol):
    """Looks into the media, in a child process that a hostile file cannot escape."""

    async def probe(self, path: str) -> Probe:
        """Describe the file at this absolute path. Never raises for a bad file."""
        ...


class Disposal(Protocol):
    """What becomes of a recording after its object was verified (`AFTER_UPLOAD`)."""

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        """Delete or move this very version of the file; what was done, for the log.

        None when another version stands there: it is left alone. While a process has it
        open for writing ChunkProcessingError is raised. May be called again after a crash
        in the middle of it.
        """
        ...
