"""Which parts of a recording are still to be sent, and which to be compared.

Nothing here walks all parts: only the first few of the answer are asked for, and `Parts`
passes over the blocks in which nothing is to be done.
"""

from itertools import islice

from cefmp4.core.geometry import Span
from cefmp4.core.model import Checkpoint, Seal
from cefmp4.core.numbers import Numbers


def whole_and_due(checkpoint: Checkpoint, size_bytes: int, at_most: int) -> tuple[Span, ...]:
    """The first whole parts of a file of this size that are not stored."""
    geometry = checkpoint.geometry
    lacking = checkpoint.parts.lacking(geometry, geometry.whole_parts(size_bytes))
    return tuple(geometry.span(number) for number in islice(lacking, at_most))


def missing(checkpoint: Checkpoint, seal: Seal, at_most: int) -> tuple[Span, ...]:
    """The first parts of the sealed file that are not stored, its tail among them."""
    size_bytes = seal.version.size_bytes
    due = whole_and_due(checkpoint, size_bytes, at_most)
    last = checkpoint.geometry.parts_of(size_bytes)
    if len(due) == at_most or last == (due[-1].number if due else 0):
        return due
    tail = checkpoint.geometry.span_in(last, size_bytes)
    return due if is_stored(checkpoint, tail) else (*due, tail)


def unsent_from(checkpoint: Checkpoint, size_bytes: int) -> int | None:
    """The offset of the first byte of such a file that is not in the store; None: all is."""
    if not checkpoint.parts_stand:
        return 0 if size_bytes else None
    due = whole_and_due(checkpoint, size_bytes, 1)
    if due:
        return due[0].offset
    last = checkpoint.geometry.parts_of(size_bytes)
    tail = checkpoint.geometry.span_in(last, size_bytes) if last else None
    return None if tail is None or is_stored(checkpoint, tail) else tail.offset


def unproven(
    checkpoint: Checkpoint, seal: Seal, verified: Numbers, at_most: int
) -> tuple[int, ...]:
    """The first stored parts of the sealed file that were not held against the disk."""
    geometry, size_bytes = checkpoint.geometry, seal.version.size_bytes
    stored = (
        number
        for number in checkpoint.parts.numbers.without(verified)
        if is_stored(checkpoint, geometry.span_in(number, size_bytes))
    )
    return tuple(islice(stored, at_most))


def is_proven(checkpoint: Checkpoint, seal: Seal, verified: Numbers) -> bool:
    """Every byte of the sealed file is stored, and was held against the disk."""
    left = missing(checkpoint, seal, 1) or unproven(checkpoint, seal, verified, 1)
    return not left


def is_stored(checkpoint: Checkpoint, span: Span) -> bool:
    part = checkpoint.parts.get(span.number)
    return part is not None and part.size_bytes == span.length
