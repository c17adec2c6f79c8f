"""What the daemon would do next about every recording, without doing it.

The same `plan` as the daemon's, on facts gathered by looking only: nothing is written
to the disk, the store or the state server, and no claim is taken.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cefmp4.core.actions import Plan
from cefmp4.core.ending import look_closer
from cefmp4.core.facts import Facts
from cefmp4.core.model import Checkpoint, FileVersion, Wish
from cefmp4.core.plan import plan
from cefmp4.core.policy import Policy
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Disk
from cefmp4.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would be done about one recording, and why."""

    path: str
    size_bytes: int | None
    """None: it is not on the disk."""
    stream_id: str | None
    next_actions: tuple[str, ...]
    why: str


async def foresee(
    found: Mapping[str, FileVersion],
    unfinished: list[Checkpoint],
    wishes: Mapping[str, Wish],
    shelf: Shelf,
    disk: Disk,
    policy: Policy,
) -> list[Foresight]:
    """One entry per recording on the disk or in the making, sorted by path."""
    by_path = {checkpoint.path: checkpoint for checkpoint in unfinished}
    seen = []
    for path in sorted({*found, *by_path}):
        version, checkpoint = found.get(path), by_path.get(path)
        if checkpoint is None and version is not None and shelf.knows(path, version):
            decision = Plan("stored already")
        elif checkpoint is None and version is not None and shelf.stored_like(path, version):
            decision = Plan("touched since it was stored: its bytes are held against it")
        else:
            facts = await _facts(path, version, disk, policy)
            wish = wishes.get(checkpoint.stream_id) if checkpoint else None
            decision = plan(replace(facts, wish=wish), checkpoint, policy)
        seen.append(
            Foresight(
                path=path,
                size_bytes=version.size_bytes if version else None,
                stream_id=checkpoint.stream_id if checkpoint else None,
                next_actions=tuple(type(action).__name__ for action in decision.actions),
                why=decision.why,
            )
        )
    return seen


async def _facts(path: str, version: FileVersion | None, disk: Disk, policy: Policy) -> Facts:
    """Quiet times are taken from the file's own clock: nobody has watched it before."""
    if version is None:
        return Facts(None)
    facts = Facts(version, quiet_seconds=max(0.0, time.time() - version.mtime_ns / 1e9))
    if not look_closer(facts, policy):
        return facts
    try:
        return replace(facts, inspection=await disk.inspect(path))
    except ChunkProcessingError:
        return facts
