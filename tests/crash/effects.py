"""The effects of the daemon on the world, by name, and the file they are written down in.

An effect is one call of a port that changes something outside the process, or that later
calls build on. What a checkpoint write does has no name of its own: it follows from what
differs between the value before and the value after.
"""

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum

from cefmp4.core.model import Checkpoint


class Effect(StrEnum):
    """Everything a process can be killed right before or right after."""

    INTENT_RECORDED = "intent recorded"
    UPLOAD_CREATED = "upload created"
    UPLOAD_RECORDED = "upload recorded"
    PART_SENT = "part sent"
    PART_RECORDED = "part recorded"
    SEALED = "sealed"
    READ_AGAIN = "read again"
    """A stored part, from the disk, for the comparison."""
    FORGOTTEN = "forgotten"
    """Recorded: these parts are not what the file holds."""
    ANNOUNCED = "announced"
    """Recorded: from here on the store may have made the object visible."""
    COMPLETED = "completed"
    PUT = "put"
    """The whole of a small recording."""
    HEAD = "head"
    STORED_RECORDED = "stored recorded"
    PROBED = "probed"
    POSTER_PUT = "poster put"
    JSON_PUT = "json put"
    DESCRIBED = "described"
    DISPOSED = "disposed"
    HIDDEN = "hidden"
    """The recording has lost its name, and is not deleted or moved yet."""
    DISPOSAL_RECORDED = "disposal recorded"
    FINISHED = "finished"
    UPLOAD_ABORTED = "upload aborted"
    NOT_COMPLETED = "not completed"
    """Recorded: the store was asked, and has not completed the upload."""
    STARTED_AGAIN = "started again"
    """Recorded: the upload is gone."""
    UNSEALED = "unsealed"
    FOLLOWED = "followed"


class Step(StrEnum):
    """How far an effect has come."""

    BEGUN = "begun"
    BYTES = "bytes"
    """Some of a part's bytes were handed to the network."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file."""

    life: int
    """The process id of the daemon."""
    effect: Effect
    step: Step
    key: str = ""
    """Of the object: the stream."""
    parts: tuple[int, ...] = ()
    size_bytes: int = 0


def write_down(path: str, line: Line) -> None:
    """Append a line, whole, whatever happens to this process the moment after."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(file, json.dumps(asdict(line)).encode() + b"\n")
    os.close(file)


def written_down(path: str) -> list[Line]:
    """Every line so far, of every life."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [_line(**json.loads(row)) for row in file if row.endswith("\n")]


def _line(
    life: int, effect: str, step: str, key: str, parts: list[int], size_bytes: int
) -> Line:
    return Line(life, Effect(effect), Step(step), key, tuple(parts), size_bytes)


def recorded(before: Checkpoint | None, after: Checkpoint) -> tuple[Effect, tuple[int, ...]]:
    """What a checkpoint write says, and of which parts."""
    if before is None:
        return Effect.INTENT_RECORDED, ()
    gained = tuple(sorted(n for n, p in after.parts.items() if before.parts.get(n) != p))
    lost = tuple(sorted(before.parts.keys() - after.parts.keys()))
    changes = (
        (Effect.FINISHED, after.ended_at != before.ended_at),
        (Effect.DISPOSAL_RECORDED, after.disposed != before.disposed),
        (Effect.DESCRIBED, after.described != before.described),
        (Effect.STORED_RECORDED, after.stored != before.stored),
        (Effect.ANNOUNCED, after.completing and not before.completing),
        (Effect.STARTED_AGAIN, after.upload_id is None and before.completing),
        (Effect.STARTED_AGAIN, after.upload_id is None and before.upload_id is not None),
        (Effect.UPLOAD_RECORDED, after.upload_id != before.upload_id),
        (Effect.FORGOTTEN, bool(lost)),
        (Effect.NOT_COMPLETED, before.completing and not after.completing),
        (Effect.SEALED, after.seal is not None and before.seal is None),
        (Effect.UNSEALED, after.seal is None and before.seal is not None),
        (Effect.FOLLOWED, after.path != before.path),
        (Effect.PART_RECORDED, bool(gained)),
    )
    for effect, is_it in changes:
        if is_it:
            return effect, lost or gained
    raise LookupError(f"a write that changes nothing known: {before} {after}")
