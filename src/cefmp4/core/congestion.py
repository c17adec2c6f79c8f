"""How many parts at a time the store takes well: less when it strains, more when it helps.

Additive increase, multiplicative decrease, as TCP does it: `landed` adds about one part per
round of parts that succeeded, `strained` halves. A flight of parts that were under way
together halves it once, for they all met the same moment. One connection that falls silent
while others go on is its own trouble, so a first silence is only noted: it counts when a
second one comes before a whole round has landed.
"""

from dataclasses import dataclass, replace
from enum import Enum

PART_BYTES_PER_SECOND = 64 * 1024
"""What each part gets at least, where people limit the rate: fewer parts at a time then
take no longer, none looks dead to the store, and less is lost with one that fails."""


class Strain(Enum):
    """What in a failure says that too much was asked at once."""

    REFUSED = "the store asks to slow down"
    SILENT = "the store did not answer in time"


@dataclass(frozen=True, slots=True)
class Window:
    """How many parts may be in flight. Parts are known by the order in which they began."""

    ceiling: int
    """MAX_PARTS_IN_FLIGHT: never more."""
    size: float
    """From 1 to `ceiling`; fractions are rounds not yet full."""
    cut_through: int = 0
    """The newest part that was under way at the last cut."""
    suspicion: int = 0
    """So many parts have to land until a noted silence is forgotten; 0: none is noted."""

    @classmethod
    def open(cls, ceiling: int) -> "Window":
        """All that is allowed, until the store says otherwise."""
        return cls(ceiling, float(ceiling))

    @property
    def limit(self) -> int:
        """Parts that may be in flight now."""
        return int(self.size)

    def landed(self, *, wanted: bool) -> "Window":
        """A part succeeded; `wanted` when more would have been sent, had there been room."""
        size = self.size
        if wanted:
            size = min(float(self.ceiling), size + 1.0 / self.limit)
        return replace(self, size=size, suspicion=max(0, self.suspicion - 1))

    def strained(self, strain: Strain, part: int, newest: int) -> "Window":
        """This part failed, and `newest` is the last that has begun."""
        if part <= self.cut_through:
            return self  # it was under way when that was answered
        if strain is Strain.SILENT and not self.suspicion:
            return replace(self, suspicion=self.limit)
        size = max(1.0, self.limit / 2)
        return replace(self, size=size, cut_through=newest, suspicion=0)


def parts_for_rate(bytes_per_second: int | None, ceiling: int) -> int:
    """Parts that may be in flight under a limit of the rate."""
    if bytes_per_second is None:
        return ceiling
    return max(1, min(ceiling, bytes_per_second // PART_BYTES_PER_SECOND))
