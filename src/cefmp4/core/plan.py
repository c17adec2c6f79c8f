"""What to do next about one recording, and why: the whole decision in one pure function.

`plan` is asked again after everything it asked for was done, after every change of the
file, after every failure and after every start. It never remembers; so start, resume,
retry and a lost event are the same path through it.

| what is true                                          | next                               |
|-------------------------------------------------------|------------------------------------|
| no checkpoint, empty file                             | wait for its first byte            |
| no checkpoint                                         | Begin (with REJECT_NON_MP4: after  |
|                                                       | a look at its boxes, or Reject)    |
| the store may have completed it                       | Resolve, before anything else      |
| a person asked to abort it                            | Abandon                            |
| a person asked to retry what failed or was aborted    | Revive; without an upload Abandon, |
|                                                       | so that the file begins anew       |
| the file is elsewhere in the watched directory        | Follow                             |
| gone, but so is the watched directory it was in       | wait: an outage                    |
| the file is gone; another stands there; it shrank     | Abandon, the first two after grace |
| growing, whole parts not stored                       | SendParts (an upload first)        |
| growing, perhaps ended                                | Inspect                            |
| closed and complete; or idle and no writer            | SealNow                            |
| idle, but a writer still has it open                  | wait, up to its own limit          |
| sealed, but the file moved on                         | Unseal                             |
| sealed, parts missing / not yet compared              | SendParts / Compare, together      |
| sealed, smaller than one part, settled                | PutWhole                           |
| sealed, all compared, settled                         | Complete                           |
| stored                                                | Describe, Dispose, Finish          |
"""

from cefmp4.core.actions import (
    Abandon,
    Action,
    AdoptUpload,
    Begin,
    Compare,
    Complete,
    CreateUpload,
    Describe,
    Dispose,
    Finish,
    Follow,
    Inspect,
    Park,
    Plan,
    PutWhole,
    Reject,
    Resolve,
    Revive,
    SealNow,
    SendParts,
    Unseal,
)
from cefmp4.core.due import is_proven, missing, unproven, whole_and_due
from cefmp4.core.ending import look_closer, seal_reason, wait_for_end
from cefmp4.core.facts import Facts
from cefmp4.core.geometry import Span
from cefmp4.core.model import (
    LIVE,
    REPLACED,
    RETRIED,
    TRUNCATED,
    AfterUpload,
    Checkpoint,
    FileVersion,
    Seal,
    Status,
    Wish,
    Writer,
)
from cefmp4.core.policy import Policy
from cefmp4.core.wishes import concerns

COMPARE_AT_ONCE_PARTS = 32
"""Parts read again in one turn, so that a mismatch found early is mended early."""

SEND_AT_ONCE_PARTS = 256
"""Parts of a sealed recording sent in one turn, a window of them at a time: enough to keep
the window full, and few enough to be named anew at every turn."""

MAX_REFUSALS = 3
"""After so many refused completions of freshly sent parts, a person has to look."""


def plan(facts: Facts, checkpoint: Checkpoint | None, policy: Policy) -> Plan:
    """The next missing thing for this recording. Pure: no clock, no I/O, no memory."""
    if checkpoint is None:
        return _not_begun(facts, policy)
    wish = facts.wish if facts.wish and concerns(facts.wish, checkpoint) else None
    if checkpoint.status not in LIVE and wish is None:
        return Plan(f"ended: {checkpoint.status}")
    if checkpoint.completing:
        return Plan("told to complete: the store is asked for the object", (Resolve(),))
    if wish is not None:
        return _wished(wish, facts, checkpoint, policy)
    if checkpoint.status is Status.S3_COMPLETED:
        return _stored(facts, checkpoint, policy)
    if facts.version is None or not _is_its_own(facts.version, checkpoint):
        return _not_there(facts, checkpoint, policy)
    if facts.version.size_bytes < max(checkpoint.sent_end, 1):
        return Plan(
            "the file is shorter than what was sent of it",
            (Abandon(Status.FAILED, TRUNCATED, "its new content is a new stream"),),
        )
    if checkpoint.seal is None:
        return _growing(facts, facts.version, checkpoint, policy)
    return _sealed(facts, facts.version, checkpoint, checkpoint.seal, policy)


def _not_begun(facts: Facts, policy: Policy) -> Plan:
    if facts.version is None or facts.version.size_bytes == 0 or facts.watch_dir_away:
        return Plan("nothing to send yet")
    if policy.reject_non_mp4:
        if facts.inspection is None:
            return Plan("only MP4 is wanted: look at its boxes first", (Inspect(),))
        if not facts.inspection.boxes.is_mp4:
            closed = facts.inspection.writer is Writer.CLOSED
            patience = policy.close_settle_seconds if closed else policy.stream_timeout_seconds
            if facts.quiet_seconds < patience:
                return Plan("not MP4 so far", (), patience - facts.quiet_seconds)
            hint = f"to upload it all the same, set REJECT_NON_MP4=false, {THEN_RETRY}"
            return Plan("its bytes are not MP4", (Reject("not_mp4", hint),))
    if not policy.geometry.holds(facts.version.size_bytes):
        return Plan("larger than its parts can hold", (Reject(*TOO_LARGE),))
    return Plan("a new recording", (Begin(),))


THEN_RETRY = "restart, then: cefmp4 retry ID"
"""Settings are read at the start."""

TOO_LARGE = ("too_large", f"raise MAX_RECORDING_BYTES or CHUNK_SIZE_BYTES, {THEN_RETRY}")


def _wished(wish: Wish, facts: Facts, checkpoint: Checkpoint, policy: Policy) -> Plan:
    """A person asked for it, and it still asks for something; nothing else meanwhile."""
    why = f"a person asked to {wish} it"
    at_home = facts.version is not None and _is_its_own(facts.version, checkpoint)
    if wish is Wish.ABORT and (at_home or facts.watch_dir_away):
        hint = "to have it uploaded after all: cefmp4 retry ID"
        return Plan(why, (Abandon(Status.ABORTED, "aborted by a person", hint),))
    if not at_home:
        return _gone(facts, checkpoint, policy)
    if checkpoint.upload_id is not None:
        return Plan(why, (Revive(),))
    hint = "its recording begins anew, as a new stream"
    return Plan(why, (Abandon(checkpoint.status, RETRIED, hint),))


def _is_its_own(version: FileVersion, checkpoint: Checkpoint) -> bool:
    return version.inode == checkpoint.identity[1]


def _not_there(facts: Facts, checkpoint: Checkpoint, policy: Policy) -> Plan:
    """Our file is not under its path, but all of it may be in the store."""
    seal = checkpoint.seal
    stays_away = facts.moved_to is None and not _is_hidden(facts)
    if stays_away and seal and is_proven(checkpoint, seal, facts.verified):
        return Plan("gone, but every byte was sent and compared", (Complete(),))
    return _gone(facts, checkpoint, policy)


def _gone(facts: Facts, checkpoint: Checkpoint, policy: Policy) -> Plan:
    """Our file is not under its path: renamed, deleted, or another one took its place."""
    if facts.moved_to is not None:
        return Plan("the recording was renamed", (Follow(facts.moved_to),))
    if _is_hidden(facts):
        return Plan("the watched directory is away: waiting for it", look_again_seconds=5.0)
    if facts.version is None:
        what = "the recording is gone"
        end: Action = Abandon(Status.DELETED_LOCALLY, "deleted_locally")
    else:
        what = "another file took its place"
        end = Abandon(Status.FAILED, REPLACED, "the new file is a new stream")
    if checkpoint.status not in LIVE and facts.wish is Wish.RETRY:
        hint = f"{what}: nothing was retried"
        end = Park(checkpoint.status, checkpoint.reason, hint)
    left = _grace_left(facts, checkpoint, policy)
    if left > 0:
        return Plan(f"{what}: waiting whether it comes back", (), left)
    return Plan(what, (end,))


def _is_hidden(facts: Facts) -> bool:
    """Not under its path, but the whole directory it was in is out of sight."""
    return facts.version is None and facts.watch_dir_away


def _grace_left(facts: Facts, checkpoint: Checkpoint, policy: Policy) -> float:
    """Seconds until a file that is not under its path is given up; 0 when it is there."""
    if facts.version is not None and _is_its_own(facts.version, checkpoint):
        return 0.0
    grace = policy.grace_seconds(another_is_there=facts.version is not None)
    return max(0.0, grace - facts.missing_seconds)


def _growing(
    facts: Facts, version: FileVersion, checkpoint: Checkpoint, policy: Policy
) -> Plan:
    reason = seal_reason(facts, policy)
    if reason is not None:
        return Plan(f"taken as ended: {reason}", (SealNow(reason),))
    if not checkpoint.geometry.holds(version.size_bytes):
        return Plan("larger than its parts can hold", (Abandon(Status.FAILED, *TOO_LARGE),))
    actions: tuple[Action, ...] = (Inspect(),) if look_closer(facts, policy) else ()
    due = whole_and_due(checkpoint, version.size_bytes, policy.window_parts)
    if due:
        return Plan("whole parts are due", (*actions, _send(facts, checkpoint, due)))
    if actions:
        return Plan("silent or closed: has it ended?", actions)
    return wait_for_end(facts, policy)


def _send(facts: Facts, checkpoint: Checkpoint, due: tuple[Span, ...]) -> Action:
    if checkpoint.upload_id is None:
        return AdoptUpload() if facts.upload_may_exist else CreateUpload()
    return SendParts(due)


def _sealed(
    facts: Facts, version: FileVersion, checkpoint: Checkpoint, seal: Seal, policy: Policy
) -> Plan:
    if version != seal.version:
        return Plan("it changed after it was taken as ended", (Unseal("changed after seal"),))
    if checkpoint.refusals >= MAX_REFUSALS:
        hint = "mend what the store complains of, then: cefmp4 retry ID"
        return Plan(
            "the store refused again and again",
            (Park(Status.FAILED_FINALIZATION, checkpoint.reason, hint),),
        )
    settles_in = policy.close_settle_seconds - facts.quiet_seconds
    if checkpoint.upload_id is None and _fits_one_part(checkpoint, version):
        if facts.upload_may_exist:
            return Plan("small, but an upload may have been begun", (AdoptUpload(),))
        if settles_in > 0:
            return Plan("small and sealed: settling", (), settles_in)
        return Plan("sealed and smaller than one part", (PutWhole(),))
    actions = _prove(facts, checkpoint, seal)
    if actions:
        return Plan(_how_far(facts, checkpoint, seal), actions)
    if settles_in > 0:
        return Plan("all parts agree: settling", (), settles_in)
    return Plan("all parts agree", (Complete(),))


def _fits_one_part(checkpoint: Checkpoint, version: FileVersion) -> bool:
    return version.size_bytes <= checkpoint.geometry.length_of(1)


def _prove(facts: Facts, checkpoint: Checkpoint, seal: Seal) -> tuple[Action, ...]:
    """Send what is not stored, and compare what is; nothing when all is proven."""
    due = missing(checkpoint, seal, SEND_AT_ONCE_PARTS)
    unsure = unproven(checkpoint, seal, facts.verified, COMPARE_AT_ONCE_PARTS)
    sending = (_send(facts, checkpoint, due),) if due else ()
    return (*sending, Compare(unsure)) if unsure else sending


def _how_far(facts: Facts, checkpoint: Checkpoint, seal: Seal) -> str:
    count = checkpoint.geometry.parts_of(seal.version.size_bytes)
    stored, compared = len(checkpoint.parts), len(facts.verified)
    return f"sealed: {stored} of {count} parts sent, {compared} compared"


def _stored(facts: Facts, checkpoint: Checkpoint, policy: Policy) -> Plan:
    describe = policy.write_metadata and not checkpoint.described
    dispose = policy.after_upload is not AfterUpload.KEEP and not checkpoint.disposed
    if describe or dispose:
        if _is_hidden(facts):
            return Plan("stored; the watched directory is away", (), 5.0)
        if facts.moved_to is not None:
            return Plan("the recording was renamed", (Follow(facts.moved_to),))
        missing_for = _grace_left(facts, checkpoint, policy)
        if missing_for > 0:
            return Plan("stored; its file is not there: renamed?", (), missing_for)
    if describe:
        return Plan("stored: describe it", (Describe(),))
    if dispose:
        return Plan(f"stored and verified: {policy.after_upload}", (Dispose(),))
    final = Status.COMPLETED_WITH_META if checkpoint.described else Status.COMPLETED
    return Plan("nothing is left to do", (Finish(final, "stored"),))
