"""How the parts of one recording stand, as runs of neighbours: the strip of its detail."""

from collections.abc import Set
from itertools import groupby

from cefmp4.core.model import LIVE, Checkpoint, Parts

MOST_RUNS = 2_000

STORED, RESENT, IN_FLIGHT, GROWING, DUE = range(5)
"""The better first."""
NAMES = ("stored", "resent", "in_flight", "growing", "due")

Run = tuple[str, int, int]
"""How they stand, the first part, and the last."""


def strip_of(
    checkpoint: Checkpoint | None, size_bytes: int, in_flight: Set[int], part_bytes: int
) -> list[Run]:
    """Runs in order, without gaps, for a recording of this size.

    Where there are more than can be told, neighbours are told as one, as badly as the worst
    of them stands.
    """
    if checkpoint is None:
        whole = size_bytes // part_bytes
        ahead: list[Run] = [("due", 1, whole)] if whole else []
        return ahead + ([("growing", whole + 1, whole + 1)] if size_bytes % part_bytes else [])
    if checkpoint.status not in LIVE and not checkpoint.parts_stand:
        return []  # what was sent of it is gone
    runs = []
    number = 1
    for state, parts in groupby(_states(checkpoint, size_bytes, in_flight)):
        last = number + len(list(parts)) - 1
        runs.append((state, number, last))
        number = last + 1
    return [(NAMES[state], first, last) for state, first, last in _few(runs)]


def _states(checkpoint: Checkpoint, size_bytes: int, in_flight: Set[int]) -> bytearray:
    """Of every part, in order."""
    geometry = checkpoint.geometry
    parts = checkpoint.parts if checkpoint.parts_stand else Parts()
    if checkpoint.stored is not None and not parts:  # loaded without them, and all are there
        return bytearray([STORED]) * geometry.parts_of(checkpoint.stored.size_bytes)
    count = max(geometry.parts_of(size_bytes), parts.highest, *in_flight, 0)
    states = bytearray([DUE]) * count
    for number in parts:
        states[number - 1] = STORED
    if checkpoint.resent.bits:
        for number in parts:
            if number in checkpoint.resent:
                states[number - 1] = RESENT
    tail = geometry.whole_parts(size_bytes) + 1
    if checkpoint.seal is None and tail <= count and states[tail - 1] == DUE:
        states[tail - 1] = GROWING
    for number in in_flight:
        if states[number - 1] in (DUE, GROWING):
            states[number - 1] = IN_FLIGHT
    return states


def _few(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    together = -(-len(runs) // MOST_RUNS)
    if together <= 1:
        return runs
    merged = []
    for at in range(0, len(runs), together):
        some = runs[at : at + together]
        merged.append((max(state for state, _, _ in some), some[0][1], some[-1][2]))
    return merged
