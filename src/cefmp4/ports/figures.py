"""What only the daemon knows of its streams, as the state server shows it to others.

A checkpoint holds what must outlive the process. How large a recording is by now, what a
stream waits for and what stands in its way outlive nothing: they are shown for as long as
the daemon goes on saying them, and vanish with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cefmp4.core.model import Checkpoint
from cefmp4.progress import Trouble

SHOWN_SECONDS = 75
"""So long figures are shown without another word of their daemon."""
WATCHED_SECONDS = 15
"""So long somebody is taken to look on after they have looked."""
INSTANCE_KEPT_SECONDS = 30 * 24 * 3600.0
"""So long an instance is known after its daemon was heard of."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one stream that has not ended. Times are seconds since the epoch, UTC."""

    path: str
    status: str
    """A `Status`, or `stalled`."""
    verdict: str
    """A `Safety`."""
    why: str
    since: float
    hint: str = ""
    trouble: Trouble | None = None
    failures: int = 0
    disk_bytes: int | None = None
    unsent_bytes: int = 0
    at_risk_since: float | None = None
    begun: bool = True
    """False: it stands on the disk, and nothing is written down of it yet."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The daemon itself, when it last said something."""

    host: str
    pid: int
    version: str
    at: float
    """By the daemon's clock."""
    watch_dir: str
    slots_used: int
    slots_limit: int


class Shown(NamedTuple):
    """What a daemon shows."""

    presence: Presence | None
    """None: no daemon has said anything lately."""
    figures: Mapping[str, Figures]
    """By stream id."""


NOTHING_SHOWN = Shown(None, {})


class Outline(NamedTuple):
    """What is remembered of a stream, without its parts: there may be ten thousand.

    Nor with its history, where many are read at once.
    """

    checkpoint: Checkpoint
    """Its parts are left out."""
    parts: int
    bytes_sent: int
    next_part_number: int
