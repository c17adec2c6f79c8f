"""Unfinished uploads that nobody will ever finish: found, counted, and aborted.

Stores keep the parts of an unfinished upload, and bill them, for ever. The daemon leaves
none behind knowingly; but a request that was on its way while a process died can land
after everybody has looked. So all that stands below our prefix is looked at now and then,
by the daemon and by `cefmp4 gc`.

What must stay true: only uploads of this instance are ever aborted. The store is listed
before the state server is asked: every stream writes its intent before its upload is
created, so that a stream which is unknown then is unknown for good.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from cefmp4.aborting import abort_until_gone, listed_parts
from cefmp4.core.orphans import Fate, Verdict, judge
from cefmp4.errors import S3OperationError
from cefmp4.ports import Checkpoints, ObjectStore, Upload
from cefmp4.recollection import Recollection


@dataclass(frozen=True, slots=True)
class Judged:
    """An unfinished upload, and what it is to us."""

    upload: Upload
    verdict: Verdict
    size_bytes: int | None = None
    """Bytes the store holds for it; None for those that were not looked into."""


async def look_over(
    store: ObjectStore, checkpoints: Checkpoints, ours: Recollection
) -> list[Judged]:
    """Every unfinished upload below our prefix. `ours` tells which ids are this instance's."""
    judged = []
    for upload in await store.list_uploads(ours.prefix):
        verdict = await _judge(upload, checkpoints, ours)
        unwanted = verdict.fate in (Fate.ORPHAN, Fate.FORGOTTEN)
        size_bytes = await _size_bytes(store, upload) if unwanted else None
        judged.append(Judged(upload, verdict, size_bytes))
    return judged


async def _judge(upload: Upload, checkpoints: Checkpoints, ours: Recollection) -> Verdict:
    told = ours.id_in(upload.key)
    checkpoint = await checkpoints.load(told) if told else None
    if checkpoint is None or checkpoint.key != upload.key:  # the name alone is no proof
        owner = await checkpoints.stream_of_key(upload.key)
        checkpoint = await checkpoints.load(owner) if owner else None
    return judge(upload.upload_id, checkpoint, ours=ours.is_ours(upload.key))


async def _size_bytes(store: ObjectStore, upload: Upload) -> int:
    """What its parts take; some stores list, and keep, several versions of a part."""
    rows = await listed_parts(store, upload.key, upload.upload_id)
    return sum(row.size_bytes for row in rows or ())


async def abort_all(
    store: ObjectStore, unwanted: Iterable[Judged], assure: Callable[[], Awaitable[None]]
) -> dict[str, str]:
    """Abort these; upload id to reason of the ones that stand all the same.

    `assure` as for `abort_until_gone`.
    """
    left = {}
    for judged in unwanted:
        upload = judged.upload
        try:
            await abort_until_gone(store, upload.key, upload.upload_id, assure)
        except S3OperationError as error:
            left[upload.upload_id] = str(error)
    return left
