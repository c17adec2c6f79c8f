"""The object store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from cefmp4.core.model import (
    Part,
    StoredObject,
)
from cefmp4.ports.recordings import Body
from cefmp4.ports.values import Digests, ListedObject, ListedPart, Upload


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

    async def put_document(self, key: str, document: bytes, content_type: str) -> None:
        """PutObject of what stands beside a recording; it carries no user metadata."""
        ...
