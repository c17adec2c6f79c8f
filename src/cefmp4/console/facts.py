"""What is remembered of a stream, as JSON shows it: names for programs, so they stay."""

from typing import Any

from cefmp4.core.model import Checkpoint
from cefmp4.core.objects import metadata_key
from cefmp4.metadata import etag_of, readable, utc
from cefmp4.rows import Row


def stream_facts(row: Row, checkpoint: Checkpoint | None) -> dict[str, Any]:
    """Of one stream; without a checkpoint it has not begun."""
    cp = checkpoint
    return {
        "stream_id": row.stream_id,
        "status": row.status,
        "original_file_path": readable(row.path),
        "s3_bucket": cp and cp.bucket,
        "s3_key": readable(row.key),
        "s3_upload_id": cp and cp.upload_id,
        "parts": row.parts,
        "total_bytes_sent": row.sent_bytes,
        "next_part_number": cp.next_part_number if cp else 1,
        "parts_resent": row.resent,
        "stream_started_at_utc": _utc(row.started_at),
        "last_activity_at_utc": _utc(cp.last_activity_at if cp else None),
        "ended_at_utc": _utc(row.ended_at),
        "seal_reason": cp.seal.reason.value if cp and cp.seal else None,
        "reason": readable(cp.reason if cp else ""),
        "hint": readable(row.hint or (cp.hint if cp else "")),
    }


def _utc(at: float | None) -> str | None:
    return utc(at) if at else None


def part_facts(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """Every part the store has confirmed."""
    return [
        {
            "part_number": part.number,
            "size_bytes": part.size_bytes,
            "etag": etag_of(part, checkpoint),
            "uploaded_at_utc": utc(part.uploaded_at),
            "crc64nvme": f"{part.crc64nvme:016x}",
        }
        for _, part in sorted(checkpoint.parts.items())
    ]


def detail_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What happened to a stream, what its media told, and what stands beside its object."""
    cp, media = checkpoint, checkpoint.media
    crc = cp.stored.crc64nvme if cp.stored else None
    return {
        "part_bytes": cp.geometry.length_of(1),
        "etag": cp.stored.etag if cp.stored else None,
        "checksum": None if crc is None else f"{crc:016x}",
        "s3_metadata_key": metadata_key(cp.key) if cp.described else None,
        "media": {
            "duration_seconds": media.duration_seconds,
            "video": dict(media.video) if media.video is not None else None,
            "audio": dict(media.audio) if media.audio is not None else None,
            "playable": media.playable,
            "prober": media.prober,
            "problem": media.problem,
        }
        if media
        else None,
        "history": [
            {"at_utc": utc(entry.at), "what": entry.what, "why": readable(entry.why)}
            for entry in cp.history
        ],
    }
