"""The confirmed parts of a stream: a frozen mapping whose next version is cheap.

Every part that lands makes a new checkpoint, and every look asks what is still to come.
Copied and walked, ten thousand parts would cost ten thousand times what one costs. So
they lie in blocks of 125 numbers: a change makes one block anew and shares the others, a
question passes over a whole block at once, and two versions differ only where their
blocks are not the very same. Why no library: `docs/decisions/0007-parts.md`.

What must stay true: all that is kept beside the parts (totals, numbers, runs) belongs to
a frozen value and is made with it from the parts alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat, zip_longest

from cefmp4.core.geometry import DOUBLE_EVERY_PARTS, MAX_PARTS, Geometry
from cefmp4.core.numbers import NO_NUMBERS, Numbers

BLOCK_PARTS = DOUBLE_EVERY_PARTS // 8
"""Within a block all whole parts have one length: a geometry only changes it between."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part the store has confirmed, and the checksum of the bytes that were sent."""

    number: int
    size_bytes: int
    etag: str
    crc64nvme: int
    uploaded_at: float


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbours: `slots[0]` is the first number of the block, the last slot is filled."""

    slots: tuple[Part | None, ...] = ()
    total_bytes: int = 0
    run: int = 0
    """So many slots from the first on are filled with parts of one size."""
    run_bytes: int = 0
    """That size."""

    @classmethod
    def of(cls, slots: Sequence[Part | None]) -> "Block":
        filled = len(slots)
        while filled and slots[filled - 1] is None:
            filled -= 1
        sizes = [part.size_bytes if part else 0 for part in slots[:filled]]
        first = sizes[0] if sizes else 0
        run = next((at for at, size in enumerate(sizes) if size != first), filled)
        return cls(tuple(slots[:filled]), sum(sizes), run if first else 0, first)

    def changed(self, before: "Block") -> Iterator[Part]:
        """The parts that `before` has not, or has otherwise."""
        for part, was in zip_longest(self.slots, before.slots):
            if part is not None and part is not was and part != was:
                yield part

    def lacking(self, length: int, count: int) -> Iterator[int]:
        """The places of the first `count` that hold no part of this length."""
        for place in range(self.run if self.run_bytes == length else 0, count):
            part = self.slots[place] if place < len(self.slots) else None
            if part is None or part.size_bytes != length:
                yield place


EMPTY = Block()


@dataclass(frozen=True, slots=True, eq=False)
class Parts(Mapping[int, Part]):
    """Parts by number, in the order of their numbers."""

    blocks: tuple[Block, ...] = ()
    """The last one is not empty."""
    numbers: Numbers = NO_NUMBERS
    total_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total_bytes", sum(b.total_bytes for b in self.blocks))

    @classmethod
    def of(cls, parts: Iterable[Part]) -> "Parts":
        """Of two with one number the latter. Raises ValueError for no number of a part."""
        known = {part.number: part for part in parts}
        for number in known:
            _place(number)
        return cls._in_blocks(
            (
                Block.of([known.get(number) for number in range(first, first + BLOCK_PARTS)])
                for first in range(1, max(known, default=0) + 1, BLOCK_PARTS)
            ),
            Numbers.of(known),
        )

    @classmethod
    def _in_blocks(cls, blocks: Iterable[Block], numbers: Numbers) -> "Parts":
        needed = -(-numbers.highest // BLOCK_PARTS)
        return cls(tuple(blocks)[:needed], numbers)

    def __getitem__(self, number: int) -> Part:
        at, place = divmod(number - 1, BLOCK_PARTS)
        if 0 <= at < len(self.blocks):
            slots = self.blocks[at].slots
            part = slots[place] if place < len(slots) else None
            if part is not None:
                return part
        raise KeyError(number)

    def __iter__(self) -> Iterator[int]:
        return (part.number for block in self.blocks for part in block.slots if part)

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Parts):
            return self.blocks == other.blocks
        return Mapping.__eq__(self, other)

    @property
    def highest(self) -> int:
        """The last number; 0 when there is none."""
        return self.numbers.highest

    def with_part(self, part: Part) -> "Parts":
        """In place of the one that had its number, if any did. Raises ValueError as `of`."""
        at, place = _place(part.number)
        blocks = [*self.blocks, *[EMPTY] * (at + 1 - len(self.blocks))]
        slots = [*blocks[at].slots, *[None] * (place + 1 - len(blocks[at].slots))]
        slots[place] = part
        blocks[at] = Block.of(slots)
        return Parts(tuple(blocks), self.numbers.with_number(part.number))

    def without(self, numbers: Iterable[int]) -> "Parts":
        """Those that are not here are no error."""
        gone = {number for number in numbers if number in self}
        touched = {(number - 1) // BLOCK_PARTS for number in gone}
        blocks = (
            Block.of([None if part and part.number in gone else part for part in block.slots])
            if at in touched
            else block
            for at, block in enumerate(self.blocks)
        )
        return self._in_blocks(blocks, self.numbers.without(Numbers.of(gone)))

    def changed(self, before: "Parts") -> Iterator[Part]:
        """The parts that `before` has not, or has otherwise, in order."""
        for block, was in zip_longest(self.blocks, before.blocks, fillvalue=EMPTY):
            if block is not was:
                yield from block.changed(was)

    def lacking(self, geometry: Geometry, through: int) -> Iterator[int]:
        """The numbers from 1 to `through` that are not here as whole parts, in order."""
        length = 0
        starts = range(0, through, BLOCK_PARTS)
        for before, block in zip(starts, chain(self.blocks, repeat(EMPTY)), strict=False):
            if before % DOUBLE_EVERY_PARTS == 0:
                length = geometry.length_of(before + 1)
            full = block.run == BLOCK_PARTS or before + block.run >= through
            if not full or block.run_bytes != length:
                for place in block.lacking(length, min(BLOCK_PARTS, through - before)):
                    yield before + place + 1


def _place(number: int) -> tuple[int, int]:
    """In which block, and where there."""
    if not 1 <= number <= MAX_PARTS:
        raise ValueError(f"parts are numbered from 1 to {MAX_PARTS}: {number}")
    return divmod(number - 1, BLOCK_PARTS)
