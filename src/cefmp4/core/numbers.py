"""A set of part numbers, as the bits of one integer.

Ten thousand numbers are 1,250 bytes: a set is changed by copying them, handed on without
copying anything, and set against another one a machine word at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbers:
    """Part numbers, from 1. Frozen: its verbs return the next one."""

    bits: int = 0
    """Bit *n* is set when number *n* is in it; bit 0 never is."""

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Numbers":
        bits = 0
        for number in numbers:
            bits |= 1 << number
        return cls(bits)

    def __contains__(self, number: int) -> bool:
        return bool(self.bits >> number & 1)

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __iter__(self) -> Iterator[int]:
        """In order. Each step costs as much as a look at all bits: for the first few."""
        left = self.bits
        while left:
            lowest = left & -left
            yield lowest.bit_length() - 1
            left ^= lowest

    @property
    def highest(self) -> int:
        """The last number; 0 when there is none."""
        return max(self.bits.bit_length() - 1, 0)

    def with_number(self, number: int) -> "Numbers":
        return Numbers(self.bits | 1 << number)

    def union(self, others: "Numbers") -> "Numbers":
        return Numbers(self.bits | others.bits)

    def without(self, others: "Numbers") -> "Numbers":
        return Numbers(self.bits & ~others.bits)


NO_NUMBERS = Numbers()
