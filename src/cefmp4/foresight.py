"""What the daemon would do next about every recording, without doing it; and what it passes by.

The same `plan` as the daemon's, on facts gathered by looking only: nothing is written
to the disk, the store or the state server, and no claim is taken. What cannot be read is
told, and so is what a daemon at work has in its way: it may have other permissions.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from cefmp4.core.actions import Begin, Compare, Inspect, Plan, PutWhole, SendParts
from cefmp4.core.ending import look_closer
from cefmp4.core.facts import Facts
from cefmp4.core.geometry import Span
from cefmp4.core.hiding import names_behind
from cefmp4.core.model import UNSTORED, Checkpoint, Wish
from cefmp4.core.plan import plan
from cefmp4.core.policy import Policy
from cefmp4.errors import ChunkProcessingError
from cefmp4.events import Scan
from cefmp4.horizon import Horizon
from cefmp4.ports import Disk, Figures
from cefmp4.root import Root
from cefmp4.selection import Listing, Selection, look
from cefmp4.shelf import Shelf

READING = (Begin, Inspect, SendParts, Compare, PutWhole)
"""What comes to nothing while the file cannot be read."""
UNTIL_THEN = "it is tried again until it can be read"
DOT = "its name begins with a dot"
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
    horizon: Horizon,
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
                away = horizon.hides(checkpoint)
                known = Facts(version, wish=wish, watch_dir_away=away)
                decision = await _decided(path, known, checkpoint, shelf, disk, policy)
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


def horizon_of(
    watch_dir: str, listing: Listing, unfinished: Iterable[Checkpoint]
) -> tuple[Horizon, str]:
    """The watched directory as a start would judge it, and why it is away; blocks."""
    checkpoints = list(unfinished)
    begun = [checkpoint for checkpoint in checkpoints if checkpoint.status in UNSTORED]
    root = Root(watch_dir)
    root.expect(len(begun), frozenset(cp.root for cp in begun if cp.root))
    identity, why = root.look()
    if identity is None:
        return Horizon(away=True), why
    why = listing.unreadable.get(watch_dir, "")
    count = len(listing.files) + len(listing.hidden)
    if why := why or root.why_not_believed(identity, count):
        return Horizon(away=True), why
    horizon = Horizon()
    horizon.recognize(Scan(listing.files, root=identity), checkpoints)
    return horizon, ""


def passed_over(selection: Selection) -> list[tuple[str, str]]:
    """The files in the watched directory that are no recordings by their name or kind: where
    in it, and why. Those whose name is not hidden come first. Blocks."""
    found: list[tuple[str, str]] = []
    level = [selection.watch_dir]
    while level:
        deeper: list[str] = []
        for directory in level:
            found += _passed_over_in(selection, directory, deeper)
        level = deeper
    start = len(selection.watch_dir.rstrip("/")) + 1
    return sorted(((path[start:], why) for path, why in found), key=lambda f: (f[1] == DOT, f))


def _passed_over_in(
    selection: Selection, directory: str, deeper: list[str]
) -> Iterator[tuple[str, str]]:
    with suppress(OSError), os.scandir(directory) as entries:  # told as what cannot be read
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    if selection.wants_directory(entry.path):
                        deeper.append(entry.path)
                    elif entry.name.startswith("."):
                        yield entry.path + "/", DOT
                elif not names_behind(entry.name) and (why := _why_not(selection, entry)):
                    yield entry.path, why


def _why_not(selection: Selection, entry: os.DirEntry[str]) -> str:
    if entry.name.startswith("."):
        return DOT
    if not selection.wants_name(entry.name):
        return "matches none of WATCH_PATTERNS"
    if entry.is_symlink():
        if not selection.follow_symlinks:
            return "a link: see FOLLOW_SYMLINKS"
        return "" if look(selection, entry.path) else "a link that leads to no file of its own"
    return "" if entry.is_file(follow_symlinks=False) else "no regular file"


async def _decided(
    path: str,
    known: Facts,
    checkpoint: Checkpoint | None,
    shelf: Shelf,
    disk: Disk,
    policy: Policy,
) -> Plan:
    version = known.version
    if checkpoint is None and version is not None:
        if shelf.knows(path, version):
            return Plan("stored already")
        if shelf.stored_like(path, version):
            return Plan("touched since it was stored: its bytes are held against it")
    return plan(await _facts(path, known, disk, policy), checkpoint, policy)


def _needs_bytes(decision: Plan, checkpoint: Checkpoint | None) -> bool:
    """Now or soon; what only waits to have ended will be looked into."""
    if decision.actions:
        return any(isinstance(action, READING) for action in decision.actions)
    return checkpoint is not None and checkpoint.status in UNSTORED


async def _facts(path: str, known: Facts, disk: Disk, policy: Policy) -> Facts:
    """Quiet times are taken from the file's own clock: nobody has watched it before."""
    version = known.version
    if version is None:
        return known
    quiet_seconds = max(0.0, time.time() - version.mtime_ns / 1e9)
    facts = replace(known, quiet_seconds=quiet_seconds)
    if not look_closer(facts, policy):
        return facts
    try:
        return replace(facts, inspection=await disk.inspect(path))
    except ChunkProcessingError:
        return facts
