"""The one question of whoever runs this: is my recording safe?"""

from dataclasses import dataclass
from enum import StrEnum

from cefmp4.core.model import REPLACED, SET_ASIDE, STORED, TRUNCATED, Checkpoint, Status

TROUBLE_SECONDS = 5.0
"""A failure that is over sooner puts nothing at risk."""
WAITING_SECONDS = 60.0
"""What is due goes to the store within that, or something is in its way."""
BEHIND_PARTS = 2
"""So many parts unsent, and for `WAITING_SECONDS`: sent more slowly than it is written."""


class Safety(StrEnum):
    """What a person is told first."""

    STORED = "stored"
    """Its object stands and was verified."""
    ON_ITS_WAY = "on_its_way"
    """It is being written or finished, and nothing is wrong."""
    AT_RISK = "at_risk"
    """Something keeps its bytes from the store."""
    NOT_STORED = "not_stored"
    """It will not be stored without a person."""
    GIVEN_UP = "given_up"
    """It is not stored, and there is nothing left to do: gone, replaced, or a person's wish."""


WORST_FIRST = {
    Safety.AT_RISK: 0,
    Safety.NOT_STORED: 1,
    Safety.ON_ITS_WAY: 2,
    Safety.STORED: 3,
    Safety.GIVEN_UP: 3,
}
"""In which order people are told: what can still be lost comes before what waits for them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a stream that is not at its end stands. Ages in seconds, 0 where there is none."""

    unsent_bytes: int
    part_bytes: int
    at_risk_seconds: float
    trouble_seconds: float
    stuck_seconds: float
    """Something has been due for so long, and nothing came of it."""
    away: bool
    """The watched directory is out of sight."""


def safety_now(status: Status | None, standing: Standing) -> Safety:
    """Of a stream that is not at its end; None: it has not begun."""
    if status in STORED:
        return Safety.STORED
    troubled = standing.trouble_seconds > TROUBLE_SECONDS
    stuck = standing.stuck_seconds > WAITING_SECONDS
    if troubled or stuck or standing.away or is_behind(standing):
        return Safety.AT_RISK
    return Safety.ON_ITS_WAY


def is_behind(standing: Standing) -> bool:
    """It is sent more slowly than it is written."""
    backlog = standing.unsent_bytes > BEHIND_PARTS * standing.part_bytes
    return backlog and standing.at_risk_seconds > WAITING_SECONDS


REASONS = {
    "not_mp4": "its bytes are not MP4",
    "too_large": "it is larger than its parts can hold",
    "deleted_locally": "it was deleted before it was stored",
    REPLACED: "another file took its place",
    TRUNCATED: "it was cut shorter than what was sent of it",
}
"""What programs are told in a word, in words."""


def in_words(reason: str) -> str:
    """Why a stream ended as it did, for people."""
    return REASONS.get(reason, reason)


def safety_at_the_end(checkpoint: Checkpoint) -> Safety:
    """Of a stream that has ended."""
    if checkpoint.status in STORED or _stands_all_the_same(checkpoint):
        return Safety.STORED
    wanted = checkpoint.status in SET_ASIDE - {Status.ABORTED}
    return Safety.NOT_STORED if wanted and checkpoint.holds_path else Safety.GIVEN_UP


def _stands_all_the_same(checkpoint: Checkpoint) -> bool:
    """Its object was verified; what failed is what was to follow, as its metadata JSON."""
    return checkpoint.status is Status.FAILED_FINALIZATION and checkpoint.stored is not None
