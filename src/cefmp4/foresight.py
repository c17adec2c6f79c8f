"""What the daemon would do next about every recording, without doing it.

The same `plan` as the daemon's, on facts gathered by looking only: nothing is written
to the disk, the store or the state server, and no claim is taken. What cannot be read is
told, and so is what a daemon at work has in its way: it may have other permissions.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cefmp4.core.actions import Begin, Compare, Inspect, Plan, PutWhole, SendParts
from cefmp4.core.ending import look_closer
from cefmp4.core.facts import Facts
from cefmp4.core.geometry import Span
from cefmp4.core.model import UNSTORED, Checkpoint, FileVersion, Wish
from cefmp4.core.plan import plan
from cefmp4.core.policy import Policy
from cefmp4.errors import ChunkProcessingError
from cefmp4.ports import Disk, Figures
from cefmp4.selection import Listing
from cefmp4.shelf import Shelf

READING = (Begin, Inspect, SendParts, Compare, PutWhole)
"""What comes to nothing while the file cannot be read."""
UNTIL_THEN = "it is tried again until it can be read"
A_BYTE = Span(1, 0, 1)


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would be done about one recording, and why."""

    path: str
    size_bytes: int | None
    """None: it is not on the disk."""
    stream_id: str | None
    next_actions: tuple[str, ...]
    why: str
    hint: str = ""
    """What a person can do about what is in the way; empty where nothing is."""


async def foresee(
    listing: Listing,
    unfinished: list[Checkpoint],
    wishes: Mapping[str, Wish],
    shelf: Shelf,
    disk: Disk,
    policy: Policy,
) -> list[Foresight]:
    """One entry per recording on the disk or in the making, and per place that cannot be read,
    sorted by path."""
    by_path = {checkpoint.path: checkpoint for checkpoint in unfinished}
    seen = []
    for path in sorted({*listing.files, *by_path, *listing.unreadable}):
        version, checkpoint, hint = listing.files.get(path), by_path.get(path), ""
        wish = wishes.get(checkpoint.stream_id) if checkpoint else None
        try:
            if version is None and checkpoint is not None:
                version = disk.stat(path)  # not found is not gone: its folder may be closed
            if version is None and checkpoint is None:
                decision = Plan(f"cannot be read: {listing.unreadable[path]}; {UNTIL_THEN}")
            else:
                decision = await _decided(path, version, checkpoint, wish, shelf, disk, policy)
                if version is not None and _needs_bytes(decision, checkpoint):
                    await disk.crc64nvme(path, version.identity, A_BYTE)
        except ChunkProcessingError as error:
            begins = version is not None and checkpoint is None
            decision = Plan(f"{error}; {UNTIL_THEN}", (Begin(),) if begins else ())
            hint = error.hint
        seen.append(
            Foresight(
                path=path,
                size_bytes=version.size_bytes if version else None,
                stream_id=checkpoint.stream_id if checkpoint else None,
                next_actions=tuple(type(action).__name__ for action in decision.actions),
                why=decision.why,
                hint=hint,
            )
        )
    return seen


def with_troubles(seen: Iterable[Foresight], told: Iterable[Figures]) -> list[Foresight]:
    """The same, with what a daemon at work had in its way when it last told."""
    troubles = {figures.path: figures.trouble for figures in told if figures.trouble}
    return [
        replace(
            entry,
            why=f"{entry.why}; the daemon met this: {trouble.error}",
            hint=trouble.hint,
        )
        if (trouble := troubles.get(entry.path)) and not entry.hint
        else entry
        for entry in seen
    ]


async def _decided(
    path: str,
    version: FileVersion | None,
    checkpoint: Checkpoint | None,
    wish: Wish | None,
    shelf: Shelf,
    disk: Disk,
    policy: Policy,
) -> Plan:
    if checkpoint is None and version is not None:
        if shelf.knows(path, version):
            return Plan("stored already")
        if shelf.stored_like(path, version):
            return Plan("touched since it was stored: its bytes are held against it")
    facts = await _facts(path, version, disk, policy)
    return plan(replace(facts, wish=wish), checkpoint, policy)


def _needs_bytes(decision: Plan, checkpoint: Checkpoint | None) -> bool:
    """Now or soon; what only waits to have ended will be looked into."""
    if decision.actions:
        return any(isinstance(action, READING) for action in decision.actions)
    return checkpoint is not None and checkpoint.status in UNSTORED


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
