"""Rows, details and summaries of recordings there are none of, as the contract has them."""

import itertools
import time
from typing import Any
from uuid import UUID

Json = dict[str, Any]

MIB = 1024**2
BEGIN = 1_764_090_000.0
_ids = itertools.count(1)

DECISIONS = [
    {"at": BEGIN + 1, "what": "begun", "why": "a new recording"},
    {"at": BEGIN + 60, "what": "sealed", "why": "closed"},
]
MEDIA = {
    "duration_seconds": 61.2,
    "video": {
        "codec": "h264",
        "width": 1280,
        "height": 720,
        "frame_rate": 25.0,
        "bit_rate": 1_100_000,
    },
    "audio": {"codec": "aac", "sample_rate": 48000, "channels": 2, "bit_rate": 128_000},
    "playable": True,
    "prober": "ffprobe 5.1",
    "problem": None,
}


def row(name: str, verdict: str = "on_its_way", **changes: Any) -> Json:
    """One stream, half of it sent, unless told otherwise."""
    number = next(_ids)
    made: Json = {
        "stream_id": str(UUID(int=number)),
        "name": name,
        "path": f"/recordings/{name}",
        "status": "active",
        "verdict": verdict,
        "why": "growing: its next part is not full",
        "since": time.time() - 125,
        "hint": "",
        "trouble": None,
        "disk_bytes": 20 * MIB,
        "sent_bytes": 10 * MIB,
        "unsent_bytes": 10 * MIB,
        "at_risk_seconds": 4.2,
        "started_at": BEGIN,
        "ended_at": None,
        "duration_seconds": None,
        "key": f"streams/{number}/{name}",
        "parts": 9,
        "resent": 1,
        "can": ["abort"],
    }
    return {**made, **changes}


def stored(name: str, **changes: Any) -> Json:
    """A stream that is safe."""
    safe = {
        "status": "completed_with_meta",
        "why": "stored and verified",
        "sent_bytes": 20 * MIB,
        "unsent_bytes": 0,
        "at_risk_seconds": 0,
        "ended_at": BEGIN + 90,
        "duration_seconds": 61.2,
        "can": [],
    }
    return row(name, "stored", **{**safe, **changes})


def at_risk(name: str, **changes: Any) -> Json:
    """A stream whose bytes do not get through."""
    trouble = {
        "error": "UploadPart: 503 SlowDown",
        "hint": "is the store up?",
        "since": time.time() - 125,
        "failures": 3,
    }
    told = {
        "why": "the store does not answer",
        "hint": "is the store up, and S3_ENDPOINT_URL right?",
        "trouble": trouble,
        "at_risk_seconds": 125.0,
    }
    return row(name, "at_risk", **{**told, **changes})


def failed(name: str, **changes: Any) -> Json:
    """A stream that waits for a person."""
    told = {
        "status": "failed",
        "why": "its bytes are not MP4",
        "hint": "to upload it all the same, set REJECT_NON_MP4=false, then retry",
        "at_risk_seconds": 0,
        "can": ["retry"],
    }
    return row(name, "not_stored", **{**told, **changes})


def given_up(name: str, **changes: Any) -> Json:
    """A stream that a person aborted: nothing of it is left in the store."""
    told = {
        "status": "aborted",
        "why": "aborted by a person",
        "sent_bytes": 0,
        "can": ["retry"],
    }
    gone = {"unsent_bytes": 0, "parts": 0, "at_risk_seconds": 0}
    return row(name, "given_up", **{**told, **gone, **changes})


def detail(of: Json, **changes: Any) -> Json:
    """All that is known of a stream."""
    runs = [["stored", 1, 6], ["resent", 7, 7], ["in_flight", 8, 8], ["due", 9, 11]]
    made: Json = {
        "row": of,
        "strip": [*runs, ["growing", 12, 12]],
        "part_bytes": 5 * MIB,
        "history": DECISIONS,
        "media": MEDIA,
        "poster": None,
        "bucket": "recordings",
        "upload_id": "an-upload",
        "etag": None,
        "checksum": None,
        "seal_reason": None,
    }
    return {**made, **changes}


UNDER_WAY = ("on_its_way", "at_risk")


def summary(rows: list[Json], **changes: Any) -> Json:
    """What the rows add up to."""
    verdicts = [each["verdict"] for each in rows]
    made: Json = {
        "now": time.time(),
        "instance": "recorder-7",
        "version": "0.1.0",
        "host": "edge-gateway-3",
        "watch_dir": "/recordings",
        "active": sum(verdict in UNDER_WAY for verdict in verdicts),
        "at_risk": verdicts.count("at_risk"),
        "stored_today": verdicts.count("stored"),
        "failed": verdicts.count("not_stored"),
        "unsent_bytes": sum(each["unsent_bytes"] for each in rows),
        "at_risk_seconds": max([0.0, *(each["at_risk_seconds"] for each in rows)]),
        "bytes_per_second": 12.5 * MIB,
        "slots_used": 3,
        "slots_limit": 8,
        "rate_limit_bytes_per_second": 0,
        "can_steer": True,
        "starting": False,
        "gone_through": True,
        "problems": [],
    }
    return {**made, **changes}
