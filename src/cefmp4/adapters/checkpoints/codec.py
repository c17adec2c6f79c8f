"""A checkpoint as a person reads it with `redis-cli`, and back without losing a bit.

The fields of the `meta` hash have plain names. Times are kept twice, as ISO 8601 for
people and as the exact number, because microseconds do not bring the same float back.
What follows from other fields is written for people and ignored on load. A field whose
value is None is absent. Paths are the bytes the filesystem knows them by.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cefmp4.core.geometry import Geometry
from cefmp4.core.media import Poster, Probe
from cefmp4.core.model import (
    Checkpoint,
    Entry,
    FileVersion,
    Part,
    Parts,
    Seal,
    SealReason,
    Status,
    StoredObject,
)
from cefmp4.core.numbers import Numbers
from cefmp4.ports import Fingerprint

Fields = dict[bytes, bytes]


class Unreadable(ValueError):
    """What is stored under a stream's keys is not a checkpoint."""


def pack_text(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def unpack_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


_encode = json.JSONEncoder(separators=(",", ":")).encode


def _pack_json(value: object) -> bytes:
    return _encode(value).encode()


def _pack_dataclass(value: Any) -> bytes:
    return _pack_json(asdict(value))


def _unpack_identity(raw: bytes) -> tuple[int, int]:
    device, inode = json.loads(raw)
    return device, inode


def _unpack_seal(raw: bytes) -> Seal:
    told = json.loads(raw)
    return Seal(FileVersion(**told["version"]), SealReason(told["reason"]), told["at"])


@dataclass(frozen=True, slots=True)
class _Field:
    """One attribute of a checkpoint and how it lies in the hash."""

    name: bytes
    attribute: str
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def _text(name: bytes, attribute: str) -> _Field:
    return _Field(name, attribute, pack_text, unpack_text)


def _number(attribute: str) -> _Field:
    return _Field(attribute.encode(), attribute, _pack_json, json.loads)


def _pack_numbers(numbers: Numbers) -> bytes:
    return b"%x" % numbers.bits


def _unpack_numbers(raw: bytes) -> Numbers:
    return Numbers(int(raw, 16))


def _pack_history(history: tuple[Entry, ...]) -> bytes:
    return _pack_json([[entry.at, entry.what, entry.why] for entry in history])


def _unpack_history(raw: bytes) -> tuple[Entry, ...]:
    return tuple(Entry(*told) for told in json.loads(raw))


TIMES = ("started_at", "last_activity_at", "stored_at", "ended_at")

FIELDS = (
    _Field(b"original_path", "path", os.fsencode, os.fsdecode),
    _Field(b"identity", "identity", _pack_json, _unpack_identity),
    _Field(b"root", "root", _pack_json, _unpack_identity),
    _text(b"s3_bucket", "bucket"),
    _text(b"s3_key", "key"),
    _text(b"s3_upload_id", "upload_id"),
    _Field(b"geometry", "geometry", _pack_dataclass, lambda raw: Geometry(**json.loads(raw))),
    _Field(b"status", "status", pack_text, lambda raw: Status(unpack_text(raw))),
    _Field(b"seal", "seal", _pack_dataclass, _unpack_seal),
    _Field(b"stored", "stored", _pack_dataclass, lambda raw: StoredObject(**json.loads(raw))),
    _text(b"reason", "reason"),
    _text(b"hint", "hint"),
    _Field(b"media", "media", _pack_dataclass, lambda raw: Probe(**json.loads(raw))),
    _Field(b"poster", "poster", _pack_dataclass, lambda raw: Poster(**json.loads(raw))),
    _Field(b"resent", "resent", _pack_numbers, _unpack_numbers),
    _Field(b"history", "history", _pack_history, _unpack_history),
    *map(_number, TIMES),
    *map(_number, ("completing", "refusals", "parts_resent", "described", "disposed")),
)
"""Every field of `Checkpoint` but its id, which is in the key, and its parts."""


def pack_meta(checkpoint: Checkpoint) -> Fields:
    """The `meta` hash of a checkpoint."""
    packed = _pack(checkpoint, FIELDS) | _derived(checkpoint)
    return {name: value for name, value in packed.items() if value is not None}


def pack_meta_delta(before: Checkpoint, after: Checkpoint) -> dict[bytes, bytes | None]:
    """What changes in the `meta` hash, and nothing else; None: that field goes."""
    changed = (
        field
        for field in FIELDS
        if getattr(before, field.attribute) != getattr(after, field.attribute)
    )
    derived = _derived(after).items() - _derived(before).items()
    return _pack(after, changed) | dict(derived)


def _pack(checkpoint: Checkpoint, fields: Iterable[_Field]) -> dict[bytes, bytes | None]:
    packed: dict[bytes, bytes | None] = {}
    for field in fields:
        value = getattr(checkpoint, field.attribute)
        packed[field.name] = None if value is None else field.pack(value)
        if field.attribute in TIMES:
            packed[field.name + b"_utc"] = _iso(value)
    return packed


def _derived(checkpoint: Checkpoint) -> dict[bytes, bytes | None]:
    """For people only."""
    return {
        b"total_bytes_sent": b"%d" % checkpoint.bytes_sent,
        b"next_part_number": b"%d" % checkpoint.next_part_number,
    }


def _iso(at: float | None) -> bytes | None:
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").encode()
    except (ValueError, OverflowError, OSError):
        return None  # no such year; the number beside it stands all the same


def pack_part(part: Part) -> bytes:
    """One value of the `parts` hash."""
    return _pack_json(
        {
            "size_bytes": part.size_bytes,
            "etag": part.etag,
            "crc64nvme": part.crc64nvme,
            "uploaded_at": part.uploaded_at,
        }
    )


def unpack(
    stream_id: str, meta: Mapping[bytes, bytes], parts: Mapping[bytes, bytes]
) -> Checkpoint:
    """The checkpoint in these two hashes. Raises Unreadable."""
    try:
        told = {
            field.attribute: field.unpack(meta[field.name])
            for field in FIELDS
            if field.name in meta
        }
        known = Parts.of(Part(int(name), **json.loads(raw)) for name, raw in parts.items())
        return Checkpoint(stream_id=stream_id, parts=known, **told)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"stream {stream_id}: {error}") from error


def pack_fingerprint(checkpoint: Checkpoint) -> bytes | None:
    """What to remember of a stored recording; None when it was never sealed."""
    fingerprint = Fingerprint.of_stored(checkpoint)
    return pack_stored(fingerprint, checkpoint.stream_id) if fingerprint else None


def pack_stored(fingerprint: Fingerprint, stream_id: str) -> bytes:
    """A fingerprint, and for people the stream that stored it."""
    return _pack_json({"stream_id": stream_id, **asdict(fingerprint)})


def unpack_fingerprint(raw: bytes) -> Fingerprint:
    """Raises Unreadable."""
    try:
        told = json.loads(raw)
        del told["stream_id"]
        return Fingerprint(**told)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"fingerprint: {error}") from error


def repack_stored(raw: bytes, fingerprint: Fingerprint) -> bytes:
    """The fingerprint, with the stream that an older one of it names."""
    return pack_stored(fingerprint, json.loads(raw)["stream_id"])
