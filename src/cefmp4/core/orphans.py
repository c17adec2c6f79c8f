"""Which unfinished uploads nobody will ever finish.

| what is known of its stream                            | the upload is               |
|--------------------------------------------------------|-----------------------------|
| unfinished or failed, and this is its upload           | in use                      |
| unfinished, and its own upload has no id yet           | in use                      |
| unfinished or failed, and it uses another one          | an orphan                   |
| stored, abandoned, aborted                             | an orphan                   |
| nothing, but the id is one of ours                     | forgotten: an orphan, once  |
|                                                        | no recording can claim it   |
| nothing, and nothing says that it is ours              | foreign: never touched      |
"""

from dataclasses import dataclass
from enum import StrEnum

from cefmp4.core.model import PARKED, SUPERSEDED, UNSTORED, Checkpoint


class Fate(StrEnum):
    """What an unfinished upload is to us."""

    IN_USE = "in_use"
    """A stream goes on with it, or may be told to."""
    ORPHAN = "orphan"
    """Ours, and of no use to anybody."""
    FORGOTTEN = "forgotten"
    """Ours, but its stream is not remembered: a recording on the disk may yet claim it."""
    FOREIGN = "foreign"
    """Not ours, as far as can be told."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of an upload, and why."""

    fate: Fate
    why: str


def judge(upload_id: str, checkpoint: Checkpoint | None, *, ours: bool) -> Verdict:
    """`checkpoint` is that of its stream; `ours` says whether its id carries our tag."""
    if checkpoint is None:
        if ours:
            return Verdict(Fate.FORGOTTEN, "the state server does not know its stream")
        return Verdict(Fate.FOREIGN, "nothing says that this instance began it")
    status = checkpoint.status
    parked = status in PARKED and checkpoint.reason not in SUPERSEDED
    if checkpoint.upload_id == upload_id and (status in UNSTORED or parked):
        return Verdict(Fate.IN_USE, f"its stream is {status}")
    if checkpoint.upload_id is None and status in UNSTORED:
        return Verdict(Fate.IN_USE, "its stream is about to look for it")
    if status in UNSTORED or parked:
        return Verdict(Fate.ORPHAN, "its stream uses another upload")
    return Verdict(Fate.ORPHAN, f"its stream has ended: {status}")
