"""The words of a history: what a recorder does, how much time passes, and what breaks.

Plain values, so that a history that fails can be read, cut short and played again.
"""

from dataclasses import dataclass
from enum import Enum, auto

from cefmp4.core.model import Wish


@dataclass(frozen=True)
class Grow:
    size: int


@dataclass(frozen=True)
class Patch:
    at: float
    data: bytes


@dataclass(frozen=True)
class Shrink:
    to: float


@dataclass(frozen=True)
class Close:
    complete: bool


@dataclass(frozen=True)
class Replace:
    """Another file takes the name for good."""

    size: int


@dataclass(frozen=True)
class SwapIn:
    """Another file takes the name by a rename; the old one is kept aside."""

    size: int


class Event(Enum):
    """What happens without a figure to it."""

    VANISH = auto()
    RENAME = auto()
    SWAP_BACK = auto()
    """The file that was kept aside gets its name again."""
    TOUCH = auto()
    """Its ctime changes, as by chmod or a new hard link, and nothing else."""
    REOPEN = auto()
    """A process opens the file for writing, and writes nothing."""
    FORGET_UPLOADS = auto()
    """A lifecycle rule aborts every unfinished upload."""
    LOSE_PART = auto()
    """The store loses a part that it has confirmed."""
    FLUSH = auto()
    """FLUSHALL on the state server."""


@dataclass(frozen=True)
class Wait:
    seconds: float


Change = Grow | Patch | Shrink | Close | Replace | SwapIn | Event | Wait


@dataclass(frozen=True)
class Midway:
    """In the n-th call from now of this operation (empty: of any) this happens."""

    nth: int
    operation: str
    change: Change


@dataclass(frozen=True)
class Break:
    """The n-th call from now fails: `kind` is killed, refused, or lost (its answer)."""

    nth: int
    kind: str


@dataclass(frozen=True)
class TakeOver:
    """Another process takes the claim of this one, which was only paused and goes on."""


@dataclass(frozen=True)
class Ask:
    """A person wishes this for every stream that it asks something of."""

    wish: Wish


Step = Change | Midway | Break | TakeOver | Ask
