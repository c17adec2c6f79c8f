"""Aborting an upload until nothing is left of it."""

from collections.abc import Awaitable, Callable

from cefmp4.errors import S3OperationError, UploadGone
from cefmp4.ports import ListedPart, ObjectStore

ABORT_ATTEMPTS = 3


async def listed_parts(store: ObjectStore, key: str, upload_id: str) -> list[ListedPart] | None:
    """What the store lists of an upload; None when it is gone."""
    try:
        return await store.list_parts(key, upload_id)
    except UploadGone:
        return None


async def abort_until_gone(
    store: ObjectStore, key: str, upload_id: str, assure: Callable[[], Awaitable[None]]
) -> None:
    """Abort until none of its parts is left: one in flight can revive it (MinIO).

    `assure` makes sure, before each attempt, that we still may. Raises a transient
    S3OperationError when the store goes on listing some.
    """
    for _ in range(ABORT_ATTEMPTS):
        await assure()
        await store.abort(key, upload_id)
        if not await listed_parts(store, key, upload_id):
            return
    raise S3OperationError(
        "AbortMultipartUpload", "StillThere", "it was aborted, but its parts are listed"
    )
