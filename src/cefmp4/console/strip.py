"""The parts of a stream as a strip of blocks: what is stored, and what is still to come.

Ten thousand parts are a few lines: then a block stands for several parts, and shows what is
most worth a look among them.
"""

from itertools import groupby
from typing import NamedTuple

from rich.text import Text

from cefmp4.core.model import LIVE, Checkpoint

MOST_LINES = 4


class Run(NamedTuple):
    """Neighbours that stand alike."""

    kind: str
    first: int
    last: int


KINDS = {
    "stored": ("█", "green"),
    "resent": ("▓", "magenta"),
    "growing": ("·", "dim"),
    "due": ("░", "yellow"),
}
"""The later ones are more worth a look."""
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}


def runs(checkpoint: Checkpoint, disk_bytes: int | None) -> list[Run]:
    """All parts in order: of what is stored, and of what is on the disk."""
    cp = checkpoint
    if cp.status not in LIVE and not cp.parts_stand:
        return []  # what was sent of it is gone
    whole = cp.geometry.whole_parts(disk_bytes) if disk_bytes else 0
    last = max(cp.parts.highest, cp.geometry.parts_of(disk_bytes) if disk_bytes else 0)
    kinds = (
        (_kind(cp, number, whole, sealed=cp.seal is not None), number)
        for number in range(1, last + 1)
    )
    found = []
    for kind, several in groupby(kinds, key=lambda pair: pair[0]):
        numbers = [number for _, number in several]
        found.append(Run(kind, numbers[0], numbers[-1]))
    return found


def _kind(cp: Checkpoint, number: int, whole: int, *, sealed: bool) -> str:
    if cp.parts_stand and number in cp.parts:
        return "resent" if number in cp.resent else "stored"
    return "due" if number <= whole or sealed else "growing"


def blocks(found: list[Run], width: int) -> Text:
    """In a few lines of this width."""
    kinds = [run.kind for run in found for _ in range(run.first, run.last + 1)]
    each = -(-len(kinds) // (width * MOST_LINES))
    strip = Text()
    for at in range(0, len(kinds), each):
        if at and at // each % width == 0:
            strip.append("\n")
        worst = max(kinds[at : at + each], key=_RANKS.__getitem__)
        strip.append(*KINDS[worst])
    return strip


def legend(found: list[Run]) -> Text:
    """What the blocks mean, of those that are there, and how many parts each are."""
    line = Text()
    for kind, (block, style) in KINDS.items():
        count = sum(run.last - run.first + 1 for run in found if run.kind == kind)
        if count:
            line.append(f"{block} ", style).append(f"{count} {kind}  ", "dim")
    return line
