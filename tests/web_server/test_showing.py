"""What is told in JSON is valid, whole, and without secrets."""

import json
import os
from dataclasses import replace

import pytest

from cefmp4.core.geometry import Geometry
from cefmp4.core.media import Probe
from cefmp4.core.model import Checkpoint, Entry, Part, StoredObject
from cefmp4.logging_config import hide
from cefmp4.lookout import Sighting
from cefmp4.problems import Problem
from cefmp4.progress import Trouble
from cefmp4.web.showing import Figures, detail_json, row_json, summary_json
from cefmp4.web.words import as_json, names_within, said
from web_server.rows import row
from web_server.serving import about

CHECKPOINT = Checkpoint("id", "/w/a.mp4", (1, 2), "bucket", "key", Geometry(8), 900.0)
NAMES = names_within("/w")

ROW_FIELDS = {
    "stream_id", "name", "path", "status", "verdict", "why", "since", "hint", "trouble",
    "disk_bytes", "sent_bytes", "unsent_bytes", "at_risk_since", "at_risk_seconds",
    "started_at", "ended_at", "duration_seconds", "key", "parts", "resent", "can",
}  # fmt: skip
SUMMARY_FIELDS = {
    "now", "instance", "version", "host", "watch_dir", "active", "at_risk", "stored_today",
    "failed", "unsent_bytes", "at_risk_seconds", "bytes_per_second", "slots_used",
    "slots_limit", "rate_limit_bytes_per_second", "can_steer", "starting",
    "gone_through", "problems",
}  # fmt: skip
DETAIL_FIELDS = {
    "row", "strip", "part_bytes", "history", "media", "poster", "bucket", "upload_id", "etag",
    "checksum", "seal_reason",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"a\xff.mp4", "a\ufffd.mp4"),
        (b'"><script>\n\x00.mp4', '"><script>\n\x00.mp4'),
        ("\u202egpj.mp4".encode(), "\u202egpj.mp4"),
        (b"x" * 4_000, "x" * 4_000),
        (b"\xed\xa0\x80.mp4", "\ufffd\ufffd\ufffd.mp4"),
    ],
)
def test_names_of_any_bytes_are_valid_text(name: bytes, told: str) -> None:
    """On one line of ASCII: no name ends an event early.

    Seen failing with surrogates handed on as they are.
    """
    path = os.fsdecode(b"/w/cam/" + name)
    line = as_json(row_json(row("x", path=path, key=path), 1_000.0, NAMES))
    assert line.isascii()
    assert not set(line) & {"\n", "\r"}
    shown = json.loads(line)
    assert (shown["name"], shown["path"]) == (f"cam/{told}", f"/w/cam/{told}")
    shown["key"].encode()


def test_a_row_has_all_that_was_agreed() -> None:
    """And its age is that of now."""
    shown = row_json(row("x", at_risk_since=990.0), 1_000.5, NAMES)
    assert shown.keys() == ROW_FIELDS
    assert (shown["trouble"], shown["at_risk_seconds"]) == (None, 10.5)
    trouble = Trouble("refused", "mend it", 950.0)
    shown = row_json(row("x", trouble=trouble, failures=3), 1_000.5, NAMES)
    assert shown["trouble"] == {
        "error": "refused", "hint": "mend it", "since": 950.0, "failures": 3,
    }  # fmt: skip


def test_no_secret_is_told() -> None:
    """Not in a reason, a failure, a hint, a history or a problem."""
    hide("sesame-of-the-store")
    text = "PUT https://user:pw@host/?token: sesame-of-the-store"
    trouble = Trouble(text, text, 1.0)
    checkpoint = replace(
        CHECKPOINT, history=(Entry(1.0, "begun", text),), media=Probe(problem=text)
    )
    told = [
        row_json(row("x", why=text, hint=text, trouble=trouble), 1.0, NAMES),
        detail_json(about(), row("x"), checkpoint, frozenset(), 1.0),
        summary_json(about(), 1.0, Sighting(), Figures(), [Problem("store", text, text, 1.0)]),
    ]
    assert "sesame" not in as_json(told)
    assert "user:pw" not in as_json(told)
    assert said(text) in as_json(told)


def test_the_summary_has_all_that_was_agreed() -> None:
    """With problems, for people and for programs."""
    problem = Problem("store", "it is away", "bring it back", 900.0)
    told = summary_json(about(), 1_000.0, Sighting(1_000.0), Figures(failed=2), [problem])
    assert told.keys() == SUMMARY_FIELDS
    assert (told["failed"], told["watch_dir"]) == (2, "/w")
    assert told["problems"] == [
        {"what": "store", "why": "it is away", "hint": "bring it back", "since": 900.0}
    ]


def test_the_detail_of_what_has_not_begun_has_all_that_was_agreed() -> None:
    """With nothing known of it but its size."""
    told = detail_json(about(), row("x"), None, frozenset(), 1_000.0)
    assert told.keys() == DETAIL_FIELDS
    assert told["strip"] == [("due", 1, 2), ("growing", 3, 3)]
    assert (told["part_bytes"], told["bucket"], told["media"]) == (8, "bucket", None)


def test_the_detail_of_what_is_stored_tells_what_was_verified() -> None:
    """The checksum in hexadecimal digits, and what the media say."""
    media = Probe(12.5, {"codec": "h264", "frame_rate": float("nan")}, None, True, "twin")
    checkpoint = (
        CHECKPOINT.with_upload("upload")
        .with_part(Part(1, 8, "etag", 7, 950.0))
        .completed_in_store(StoredObject(8, "the etag", "id", 0xABC), 960.0)
        .with_description(media)
    )
    told = json.loads(
        as_json(detail_json(about(), row("x", disk_bytes=8), checkpoint, frozenset(), 1_000.0))
    )
    assert (told["etag"], told["checksum"]) == ("the etag", "0000000000000abc")
    assert (told["upload_id"], told["strip"]) == ("upload", [["stored", 1, 1]])
    assert told["media"]["video"] == {"codec": "h264", "frame_rate": None}
    assert told["poster"] is None
