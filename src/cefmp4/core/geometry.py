"""Where part *n* begins and how long it is.

A part is named by its number and nothing else: its place follows from the geometry
alone, so a gap is filled at its own number and nothing after it can be misplaced.
The geometry is chosen when a stream begins and never changes for that stream.

Limits: 10,000 parts of at most 5 GiB, each but the last at least 5 MiB (Amazon S3,
"Amazon S3 multipart upload limits").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_PARTS = 10_000
MIN_PART_BYTES = 5 * 1024**2
MAX_PART_BYTES = 5 * 1024**3
DOUBLE_EVERY_PARTS = 1_000


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes `offset` to `offset + length` of a recording, as part `number`."""

    number: int
    offset: int
    length: int

    @property
    def end(self) -> int:
        """The offset of the first byte after this part."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Geometry:
    """The rule that places parts.

    `base_bytes` is the length of part 1. With `uniform` every part has that length
    (Cloudflare R2 and Backblaze B2 want it so); otherwise the length doubles every
    1,000 parts, up to 5 GiB, so that 10,000 parts hold terabytes although the first
    ones are small.
    """

    base_bytes: int
    uniform: bool = False

    def length_of(self, number: int) -> int:
        """Length in bytes of part `number` (from 1) when it is whole."""
        if self.uniform:
            return self.base_bytes
        return min(self.base_bytes << ((number - 1) // DOUBLE_EVERY_PARTS), MAX_PART_BYTES)

    def span(self, number: int) -> Span:
        """Place of part `number`, from 1 to 10,000, when it is whole."""
        offset, first = 0, 1
        while number - first >= DOUBLE_EVERY_PARTS:
            offset += DOUBLE_EVERY_PARTS * self.length_of(first)
            first += DOUBLE_EVERY_PARTS
        length = self.length_of(number)
        return Span(number, offset + (number - first) * length, length)

    def spans(self, size_bytes: int) -> Iterator[Span]:
        """The parts of a file of `size_bytes`, in order, the last one cut to fit."""
        offset = 0
        for number in range(1, MAX_PARTS + 1):
            if offset >= size_bytes:
                return
            length = min(self.length_of(number), size_bytes - offset)
            yield Span(number, offset, length)
            offset += length

    def span_in(self, number: int, size_bytes: int) -> Span:
        """Place of part `number` in a file of this size, which reaches into it."""
        whole = self.span(number)
        left = size_bytes - whole.offset
        return whole if left >= whole.length else Span(number, whole.offset, left)

    def whole_parts(self, size_bytes: int) -> int:
        """How many whole parts a file of this size has: their numbers are 1 to that."""
        before = 0
        while True:
            length = self.length_of(before + 1)
            here = size_bytes // length
            if self.uniform or here < DOUBLE_EVERY_PARTS:
                return min(before + here, MAX_PARTS)
            size_bytes -= DOUBLE_EVERY_PARTS * length
            before += DOUBLE_EVERY_PARTS
            if before >= MAX_PARTS:
                return MAX_PARTS

    def parts_of(self, size_bytes: int) -> int:
        """How many parts a file of this size has, with the one that is cut to fit."""
        whole = self.whole_parts(size_bytes)
        if whole < MAX_PARTS and self.span(whole + 1).offset < size_bytes:
            return whole + 1
        return whole

    def holds(self, size_bytes: int) -> bool:
        """Whether 10,000 parts are enough for a file of this size."""
        return self.whole_parts(size_bytes) < MAX_PARTS or size_bytes <= self.capacity_bytes

    @property
    def capacity_bytes(self) -> int:
        """The largest file that 10,000 parts of this geometry hold."""
        return self.span(MAX_PARTS).end

    def end_above(self, size_bytes: int) -> int:
        """The size at which a file of `size_bytes` has one whole part more, or is too large."""
        begin = 0
        for first in range(1, MAX_PARTS, DOUBLE_EVERY_PARTS):
            length = self.length_of(first)
            end = begin + DOUBLE_EVERY_PARTS * length
            if size_bytes < end:
                return begin + ((size_bytes - begin) // length + 1) * length
            begin = end
        return self.capacity_bytes + 1


def geometry_for(chunk_size_bytes: int, uniform: bool, max_recording_bytes: int) -> Geometry:
    """The geometry of a new stream.

    With `uniform` the base is raised, to a whole MiB, until 10,000 equal parts hold
    `max_recording_bytes`.
    """
    if not uniform:
        return Geometry(chunk_size_bytes)
    needed = -(-max_recording_bytes // MAX_PARTS)
    rounded = -(-needed // 1024**2) * 1024**2
    return Geometry(max(chunk_size_bytes, rounded), uniform=True)


def geometry_of(sizes: Mapping[int, int], expected: Geometry) -> Geometry | None:
    """The geometry in which parts of these sizes (by number) were sent; None for none.

    `expected` if it fits, else the one that follows from the lowest part. Only the highest
    part may be shorter than it would be when whole.
    """
    if not sizes:
        return None
    lowest = min(sizes)
    doublings = 0 if expected.uniform else (lowest - 1) // DOUBLE_EVERY_PARTS
    told = Geometry(max(1, sizes[lowest] >> doublings), expected.uniform)
    return next((rule for rule in (expected, told) if _fits(sizes, rule)), None)


def _fits(sizes: Mapping[int, int], geometry: Geometry) -> bool:
    highest = max(sizes)
    whole = all(
        size == geometry.length_of(number)
        for number, size in sizes.items()
        if number != highest
    )
    return whole and sizes[highest] <= geometry.length_of(highest)
