"""The store, with its refusals and outages counted, whatever is made of them above."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cefmp4.core.model import Part, StoredObject
from cefmp4.errors import S3OperationError, UploadGone
from cefmp4.ports import Body, Digests, ListedObject, ListedPart, ObjectStore, Upload


class CountedStore:
    """See ObjectStore. `failed` is told the operation and the code of every error."""

    def __init__(self, store: ObjectStore, failed: Callable[[str, str], None]) -> None:
        self._store, self._failed = store, failed

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except S3OperationError as error:
            self._failed(error.operation, error.code)
            raise

    @property
    def digests(self) -> Digests:
        return self._store.digests

    async def create_upload(self, key: str, user_metadata: Mapping[str, str]) -> str:
        with self._counting():
            return await self._store.create_upload(key, user_metadata)

    async def find_uploads(self, key: str) -> list[Upload]:
        with self._counting():
            return await self._store.find_uploads(key)

    async def list_uploads(self, prefix: str) -> list[Upload]:
        with self._counting():
            return await self._store.list_uploads(prefix)

    async def list_objects(self, prefix: str) -> AsyncIterator[ListedObject]:
        with self._counting():
            async for found in self._store.list_objects(prefix):
                yield found

    async def read(self, key: str) -> AsyncIterator[bytes]:
        with self._counting():
            async for piece in self._store.read(key):
                yield piece

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        with self._counting():
            return await self._store.upload_part(key, upload_id, number, body)

    async def list_parts(self, key: str, upload_id: str) -> list[ListedPart]:
        """That an upload is gone is what is asked for here, after an abort: no error."""
        try:
            return await self._store.list_parts(key, upload_id)
        except UploadGone:
            raise
        except S3OperationError as error:
            self._failed(error.operation, error.code)
            raise

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[Part], crc64nvme: int
    ) -> None:
        with self._counting():
            await self._store.complete(key, upload_id, parts, crc64nvme)

    async def abort(self, key: str, upload_id: str) -> None:
        with self._counting():
            await self._store.abort(key, upload_id)

    async def head(self, key: str) -> StoredObject | None:
        with self._counting():
            return await self._store.head(key)

    async def put(self, key: str, user_metadata: Mapping[str, str], body: Body) -> None:
        with self._counting():
            await self._store.put(key, user_metadata, body)

    async def put_document(self, key: str, document: bytes, content_type: str) -> None:
        with self._counting():
            await self._store.put_document(key, document, content_type)
