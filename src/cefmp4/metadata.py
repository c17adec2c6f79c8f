"""The JSON that stands beside every object: what was recorded, stored and proven.

Its shape is published as a JSON Schema, `metadata.schema.json` in this package; a
change that breaks a reader raises `SCHEMA_VERSION`. What is only there where an operator
asked for it (the poster) breaks none: all else stands where it stood.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from cefmp4 import __version__
from cefmp4.core.checksum import object_crc64nvme
from cefmp4.core.media import Poster
from cefmp4.core.model import Checkpoint, Part
from cefmp4.core.mp4 import Boxes
from cefmp4.core.spelling import readable as readable
from cefmp4.core.spelling import utc as utc
from cefmp4.ports import NoPicture, Probe

SCHEMA_VERSION = 1


def metadata_schema() -> dict[str, Any]:
    """The published JSON Schema of the document."""
    text = files("cefmp4").joinpath("metadata.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def metadata_json(
    checkpoint: Checkpoint,
    probe: Probe,
    boxes: Boxes | None,
    now: float,
    host: str,
    poster: Poster | NoPicture | None = None,
) -> bytes:
    """The document, UTF-8. The checkpoint is of a stream whose object stands.

    With `poster` None, where none is wanted, there is nothing about one in it.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        **_object_facts(checkpoint),
        "stream_started_at_utc": utc(checkpoint.started_at),
        "stream_completed_at_utc": utc(checkpoint.stored_at or now),
        "processed_at_utc": utc(now),
        "seal_reason": checkpoint.seal.reason.value if checkpoint.seal else None,
        "parts_resent": checkpoint.parts_resent,
        "duration_seconds": probe.duration_seconds,
        "video": _plain(probe.video),
        "audio": _plain(probe.audio),
        "container": _container_facts(boxes, probe),
        "probe": {"prober": probe.prober, "problem": probe.problem},
        **_poster_facts(poster),
        "chunks": _chunks(checkpoint),
        "host": host,
        "version": __version__,
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode(errors="replace")


def _object_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    stored = checkpoint.stored
    return {
        "stream_id": checkpoint.stream_id,
        "original_file_path": readable(checkpoint.path),
        "s3_bucket": checkpoint.bucket,
        "s3_key": checkpoint.key,
        "s3_key_prefix": checkpoint.key.rpartition("/")[0],
        "total_size_bytes": stored.size_bytes if stored else checkpoint.bytes_sent,
        "etag": stored.etag if stored else None,
        "checksum": _checksum(object_crc64nvme(_ascending(checkpoint))),
    }


def _container_facts(boxes: Boxes | None, probe: Probe) -> dict[str, Any]:
    return {
        "is_mp4": boxes.is_mp4 if boxes else None,
        "complete": boxes.complete if boxes else None,
        "fragmented": boxes.fragmented if boxes else None,
        "faststart": boxes.faststart if boxes else None,
        "brand": boxes.brand if boxes else None,
        "playable": probe.playable,
        "problem": boxes.problem if boxes else None,
    }


def _poster_facts(poster: Poster | NoPicture | None) -> dict[str, Any]:
    match poster:
        case Poster(key, width, height, size_bytes):
            size = {"width": width, "height": height, "size_bytes": size_bytes}
            return {"poster": {"s3_key": key, **size}, "poster_problem": None}
        case NoPicture(why):
            return {"poster": None, "poster_problem": why}
    return {}


def _chunks(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    return [
        {
            "part_number": part.number,
            "size_bytes": part.size_bytes,
            "etag": etag_of(part, checkpoint),
            "uploaded_at_utc": utc(part.uploaded_at),
            "checksum": _checksum(part.crc64nvme),
        }
        for part in _ascending(checkpoint)
    ]


def etag_of(part: Part, checkpoint: Checkpoint) -> str:
    """A part's ETag; the object's, where a single PutObject has no parts of its own."""
    return part.etag or (checkpoint.stored.etag if checkpoint.stored else "")


def _ascending(checkpoint: Checkpoint) -> list[Part]:
    return [checkpoint.parts[number] for number in sorted(checkpoint.parts)]


def _checksum(crc64nvme: int) -> dict[str, str]:
    return {"algorithm": "CRC64NVME", "hex": f"{crc64nvme:016x}"}


def _plain(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict(facts) if facts is not None else None
