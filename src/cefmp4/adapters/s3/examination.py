"""What a person wants to know of a store that does not work: how far it goes, and why not on.

Each operation that the daemon needs is tried by itself, on one upload under a key for
trials. No object becomes visible, and the upload is aborted, if the store lets us.
"""

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cefmp4.adapters.s3 import errors
from cefmp4.adapters.s3.capabilities import (
    Capabilities,
    Checksum,
    InMemoryBody,
    probe,
)
from cefmp4.adapters.s3.client import open_client
from cefmp4.adapters.s3.errors import translated
from cefmp4.adapters.s3.settings import StoreSettings
from cefmp4.adapters.s3.store import S3Store
from cefmp4.errors import CefMP4Error, S3OperationError

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

OPERATIONS = (
    "ListMultipartUploads",
    "CreateMultipartUpload",
    "UploadPart",
    "ListParts",
    "HeadObject",
    "AbortMultipartUpload",
)
"""What the daemon needs of a store, in the order of the trials."""
_BODY = InMemoryBody.of(b"cefmp4 doctor\n")


@dataclass(frozen=True, slots=True)
class Contact:
    """How the store answered the first question."""

    bucket_stands: bool
    denied: bool
    """The question itself is forbidden: perhaps nothing else is."""
    clock_ahead_seconds: float | None
    """By how much our clock is ahead of the store's; None when it told no time."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One operation, the permission it needs (as AWS calls it), and what went wrong."""

    operation: str
    permission: str
    problem: CefMP4Error | None

    @property
    def about_credentials(self) -> bool:
        """The store does not know us, whatever we may do."""
        return isinstance(self.problem, S3OperationError) and errors.is_about_credentials(
            self.problem.code
        )

    @property
    def about_permission(self) -> bool:
        """Nothing else is known to cause it: a full disk, say, is no matter of permissions."""
        return isinstance(self.problem, S3OperationError) and not errors.has_a_cause_of_its_own(
            self.problem.code
        )


@asynccontextmanager
async def open_examination(settings: StoreSettings) -> AsyncIterator["Examination"]:
    """Nothing is sent before the first question."""
    with translated(errors.OPEN):
        opening = open_client(settings)
    async with opening as client:
        yield Examination(client, settings)


class Examination:
    """Asks one bucket of one store."""

    def __init__(self, client: "S3Client", settings: StoreSettings) -> None:
        self._client = client
        self._settings = settings

    async def contact(self) -> Contact:
        """HEAD of the bucket. Raises S3OperationError when nothing answers as a store does."""
        answer: Any
        try:
            with translated("HeadBucket"):
                answer = await self._client.head_bucket(Bucket=self._settings.bucket)
        except S3OperationError as error:
            cause = error.__cause__
            if not isinstance(cause, ClientError) or error.code not in ("404", "403", "401"):
                raise
            ahead = _clock_ahead_seconds(cause.response)
            return Contact(error.code != "404", error.code != "404", ahead)
        return Contact(True, False, _clock_ahead_seconds(answer))

    async def trials(self, key: str) -> list[Trial]:
        """Every operation in turn; those that need a failed one are left out."""
        done: list[Trial] = []
        store = self._store_with(unsigned_payload=True)

        async def tried(operation: str, permission: str, trying: Awaitable[Any]) -> Any:
            try:
                answer, problem = await trying, None
            except CefMP4Error as error:
                answer, problem = None, error
            done.append(Trial(operation, permission, problem))
            return answer

        listing = "s3:ListBucketMultipartUploads"
        await tried("ListMultipartUploads", listing, store.find_uploads(key))
        creating = store.create_upload(key, {})
        upload_id = await tried("CreateMultipartUpload", "s3:PutObject", creating)
        if upload_id is not None:
            await tried("UploadPart", "s3:PutObject", self._part(key, upload_id))
            parts = store.list_parts(key, upload_id)
            await tried("ListParts", "s3:ListMultipartUploadParts", parts)
        await tried("HeadObject", "s3:GetObject and s3:ListBucket", store.head(key))
        if upload_id is not None:
            aborting = store.abort(key, upload_id)
            await tried("AbortMultipartUpload", "s3:AbortMultipartUpload", aborting)
        return done

    async def _part(self, key: str, upload_id: str) -> None:
        """With a payload that is not signed, or else with one that is."""
        try:
            store = self._store_with(unsigned_payload=True)
            await store.upload_part(key, upload_id, 1, _BODY)
        except CefMP4Error:
            store = self._store_with(unsigned_payload=False)
            await store.upload_part(key, upload_id, 1, _BODY)

    async def capabilities(self, key: str) -> Capabilities:
        """As the daemon finds them at its start."""
        return await probe(lambda able: S3Store(self._client, self._settings, able), key)

    async def uploads_left(self, key: str) -> int:
        """How many trials are still there."""
        return len(await self._store_with(unsigned_payload=True).find_uploads(key))

    def _store_with(self, *, unsigned_payload: bool) -> S3Store:
        able = Capabilities(Checksum.NONE, unsigned_payload, etag_is_md5=False)
        return S3Store(self._client, self._settings, able)


def _clock_ahead_seconds(answer: Any) -> float | None:
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return time.time() - parsedate_to_datetime(told).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
