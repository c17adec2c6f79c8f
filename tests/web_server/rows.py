"""Rows as a test wants them."""

from dataclasses import replace
from typing import Any

from cefmp4.core.safety import Safety
from cefmp4.rows import Row

ROW = Row(
    "id",
    "/w/a.mp4",
    "active",
    Safety.ON_ITS_WAY,
    "growing",
    since=1_000.0,
    started_at=900.0,
    disk_bytes=21,
    sent_bytes=16,
)


def row(stream_id: str, **changes: Any) -> Row:
    return replace(ROW, stream_id=stream_id, **changes)
