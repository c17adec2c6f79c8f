"""What the tables of the core are made of: facts, checkpoints, and what is asked for."""

from cefmp4.core import actions as do
from cefmp4.core.facts import Facts
from cefmp4.core.geometry import Geometry
from cefmp4.core.model import (
    Checkpoint,
    FileVersion,
    Inspection,
    Part,
    Parts,
    Seal,
    SealReason,
    Status,
    Writer,
)
from cefmp4.core.mp4 import Boxes
from cefmp4.core.plan import plan
from cefmp4.core.policy import Policy

POLICY = Policy(part_bytes=10, window_parts=2, stream_timeout_seconds=30.0)
COMPLETE = Boxes(is_mp4=True, complete=True)
UNFINISHED = Boxes(is_mp4=True, complete=False, problem="moov is missing")


def version(size: int, *, inode: int = 7, mtime: int = 1) -> FileVersion:
    return FileVersion(1, inode, size, mtime, mtime)


def checkpoint(
    *sizes: int, upload: str | None = "up", seal: FileVersion | None = None
) -> Checkpoint:
    parts = [Part(n, size, f"e{n}", n, 0.0) for n, size in enumerate(sizes, start=1) if size]
    return Checkpoint(
        stream_id="s",
        path="/w/a.mp4",
        identity=(1, 7),
        bucket="b",
        key="k",
        geometry=Geometry(10),
        started_at=0.0,
        upload_id=upload,
        parts=Parts.of(parts),
        status=Status.PENDING_COMPLETION if seal else Status.ACTIVE,
        seal=Seal(seal, SealReason.CLOSED, 0.0) if seal else None,
    )


def look(writer: Writer, boxes: Boxes = COMPLETE, age: float = 0.0) -> Inspection:
    return Inspection(boxes, writer, age)


def actions(
    facts: Facts, cp: Checkpoint | None, policy: Policy = POLICY
) -> tuple[do.Action, ...]:
    decision = plan(facts, cp, policy)
    assert decision.why
    return decision.actions
