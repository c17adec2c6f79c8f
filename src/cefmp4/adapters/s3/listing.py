"""Listing uploads, parts and objects to the end, on stores that page each in its own way.

SeaweedFS sorts uploads by their id and gives no NextKeyMarker; a key marker, if sent all
the same, leaves only the uploads under just that key. It may end with an empty page, and
it lists every version of a part sent twice. MinIO's front end gives and needs both
markers. So what a store gave is sent back, that and nothing else. A delimiter is never
sent.

What must stay true: every page is asked for once, so that a listing always ends.
"""

import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cefmp4.adapters.s3.errors import empty_answer, translated
from cefmp4.ports import ListedObject, ListedPart, Upload

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

LIST_UPLOADS, LIST_PARTS = "ListMultipartUploads", "ListParts"
LIST_OBJECTS = "ListObjectsV2"


async def uploads_below(
    client: "S3Client", bucket: str, prefix: str, page_rows: int
) -> list[Upload]:
    """Every unfinished upload whose key begins with `prefix`."""
    found: dict[str, Upload] = {}
    asked: list[dict[str, Any]] = []
    after: dict[str, Any] | None = {}
    while after is not None and after not in asked:
        asked.append(after)
        with translated(LIST_UPLOADS):
            page: Mapping[str, Any] = await client.list_multipart_uploads(
                Bucket=bucket, Prefix=prefix, MaxUploads=page_rows, **after
            )
        _must_hold_something(LIST_UPLOADS, page)
        rows = page.get("Uploads", [])
        for row in rows:
            found[row["UploadId"]] = Upload(row["Key"], row["UploadId"], _initiated_at(row))
        after = _after(page, rows)
    return list(found.values())


def _initiated_at(row: Mapping[str, Any]) -> float:
    """Older SeaweedFS does not tell: then it may have been this very moment."""
    told: datetime | None = row.get("Initiated")
    return told.timestamp() if told else time.time()


def _after(page: Mapping[str, Any], rows: list[Any]) -> dict[str, Any] | None:
    """The markers of the next page; the last row's where the store gave none."""
    if not page.get("IsTruncated"):
        return None
    given = {
        "KeyMarker": page.get("NextKeyMarker"),
        "UploadIdMarker": page.get("NextUploadIdMarker"),
    }
    if not any(given.values()):
        if not rows:
            return None
        given = {"KeyMarker": rows[-1]["Key"], "UploadIdMarker": rows[-1]["UploadId"]}
    return {name: marker for name, marker in given.items() if marker}


async def objects_below(
    client: "S3Client", bucket: str, prefix: str, page_rows: int
) -> AsyncIterator[ListedObject]:
    """Every object whose key begins with `prefix`, in the order of keys."""
    after: dict[str, Any] | None = {}
    while after is not None:
        with translated(LIST_OBJECTS):
            page: Mapping[str, Any] = await client.list_objects_v2(
                Bucket=bucket, Prefix=prefix, MaxKeys=page_rows, **after
            )
        _must_hold_something(LIST_OBJECTS, page)
        for row in page.get("Contents", []):
            yield ListedObject(row["Key"], row["Size"])
        token = page.get("NextContinuationToken") if page.get("IsTruncated") else None
        after = {"ContinuationToken": token} if token else None


async def parts_of(
    client: "S3Client", bucket: str, key: str, upload_id: str, page_rows: int
) -> list[ListedPart]:
    """Every row of every part, ascending."""
    found: set[ListedPart] = set()
    marker: int | None = 0
    while marker is not None:
        with translated(LIST_PARTS):
            page: Mapping[str, Any] = await client.list_parts(
                Bucket=bucket,
                Key=key,
                UploadId=upload_id,
                MaxParts=page_rows,
                PartNumberMarker=marker,
            )
        _must_hold_something(LIST_PARTS, page)
        rows = page.get("Parts", [])
        found |= {
            ListedPart(row["PartNumber"], row["Size"], row["ETag"].strip('"')) for row in rows
        }
        marker = _next_part(page, [row["PartNumber"] for row in rows], marker)
    return sorted(found, key=lambda row: (row.number, row.etag))


def _next_part(page: Mapping[str, Any], numbers: list[int], marker: int) -> int | None:
    """Ask for the last part of a page again: its other rows may stand on the next page."""
    if not page.get("IsTruncated") or not numbers:
        return None
    overlapping = max(numbers) - 1
    following = overlapping if overlapping > marker else max(numbers)
    return following if following > marker else None


def _must_hold_something(operation: str, answer: Mapping[str, Any]) -> None:
    """An empty 200 would read as "nothing is there", and orphans would be left."""
    if not answer.keys() - {"ResponseMetadata"}:
        raise empty_answer(operation)
