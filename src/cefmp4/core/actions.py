"""What may be done about a recording: the verbs that `plan` hands to the shell.

Each is carried out by one method of `stream.Stream`; each is safe to repeat after a
crash at any point in it.
"""

from dataclasses import dataclass

from cefmp4.core.geometry import Span
from cefmp4.core.model import SealReason, Status


@dataclass(frozen=True, slots=True)
class Inspect:
    """Read the box structure, and ask whether a writer has the file open."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Write the intent: stream id, key and geometry, before anything reaches the store."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Write down that this file is not taken, and why; nothing was sent of it."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Follow:
    """The recording was renamed: go on under its new path."""

    path: str


@dataclass(frozen=True, slots=True)
class AdoptUpload:
    """Look for uploads begun under our key: keep one that is surely ours, abort the others."""


@dataclass(frozen=True, slots=True)
class CreateUpload:
    """Begin a multipart upload and record its id."""


@dataclass(frozen=True, slots=True)
class SendParts:
    """Upload these spans; each one is recorded as soon as the store has confirmed it."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Read these parts from the disk again; forget those whose checksum differs."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SealNow:
    """Write down that the recording has ended."""

    reason: SealReason


@dataclass(frozen=True, slots=True)
class Unseal:
    """The recording goes on after all."""

    why: str


@dataclass(frozen=True, slots=True)
class PutWhole:
    """Store a sealed recording smaller than one part with a single PutObject."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Write down that it is being tried, then send CompleteMultipartUpload."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask the store what became of a Complete or PutObject: HEAD, then ListParts."""


@dataclass(frozen=True, slots=True)
class Describe:
    """Probe the media and put the metadata JSON beside the object."""


@dataclass(frozen=True, slots=True)
class Dispose:
    """The object was verified: delete or move the recording, as the operator asked."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do: write down the final status."""

    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """A person has to decide: keep everything as it is, and say why."""

    status: Status
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Revive:
    """A person asked for it: take a failed stream up where it was."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """Abort the upload and end the stream."""

    status: Status
    reason: str
    hint: str = ""


Action = (
    Inspect
    | Begin
    | Reject
    | Follow
    | AdoptUpload
    | CreateUpload
    | SendParts
    | Compare
    | SealNow
    | Unseal
    | PutWhole
    | Complete
    | Resolve
    | Describe
    | Dispose
    | Finish
    | Park
    | Revive
    | Abandon
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, why, and when to look again by oneself.

    `actions` may be carried out at the same time. Without actions,
    `look_again_seconds` is None when only a change of the file can alter anything.
    """

    why: str
    actions: tuple[Action, ...] = ()
    look_again_seconds: float | None = None
