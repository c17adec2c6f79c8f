"""What a person can ask for: retry and abort, row by row, as facts and a checkpoint."""

from dataclasses import replace

import pytest

from cefmp4.core import actions as do
from cefmp4.core.facts import Facts
from cefmp4.core.model import (
    LIVE,
    PARKED,
    REPLACED,
    RETRIED,
    SET_ASIDE,
    SUPERSEDED,
    Checkpoint,
    Status,
    StoredObject,
    Wish,
)
from cefmp4.core.numbers import Numbers
from cefmp4.core.plan import plan
from cefmp4.core.wishes import concerns
from core.situations import POLICY, actions, checkpoint, version

RETRY, ABORT = Wish.RETRY, Wish.ABORT
HERE = Facts(version(25))
GONE = Facts(None, missing_seconds=10.0)
TAKEN = Facts(version(25, inode=8), missing_seconds=1.0)


def parked(upload: str | None = "up", reason: str = "why") -> Checkpoint:
    return checkpoint(10, upload=upload).ended(Status.FAILED, 1.0, reason, "hint")


def stored() -> Checkpoint:
    there = StoredObject(15, "e", "s", None)
    return checkpoint(10, 5, seal=version(15)).completed_in_store(there, 1.0)


def only(wish: Wish, facts: Facts, cp: Checkpoint) -> do.Action:
    (action,) = actions(replace(facts, wish=wish), cp)
    return action


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("reason", ["why", *sorted(SUPERSEDED)])
def test_which_wishes_ask_for_something(status: Status, reason: str) -> None:
    """Retry of what was set aside, abort of what is not stored; not of another's file."""
    cp = checkpoint(10).ended(status, 1.0, reason)
    holds = reason == "why"
    assert concerns(RETRY, cp) == (status in SET_ASIDE and holds)
    open_ended = {Status.ACTIVE, Status.PENDING_COMPLETION}
    assert concerns(ABORT, cp) == (status in open_ended or (status in PARKED and holds))


@pytest.mark.parametrize("status", [s for s in Status if s not in LIVE])
@pytest.mark.parametrize("wish", Wish)
def test_what_asks_for_nothing_changes_nothing(status: Status, wish: Wish) -> None:
    """A wish that came too late, or was fulfilled already, is harmless."""
    cp = checkpoint(10).ended(status, 1.0, RETRIED)
    assert actions(replace(HERE, wish=wish), cp) == ()
    facts = Facts(version(15))
    assert actions(replace(facts, wish=wish), stored()) == actions(facts, stored())
    assert actions(replace(HERE, wish=RETRY), checkpoint(10)) == actions(HERE, checkpoint(10))


@pytest.mark.parametrize("cp", [checkpoint(10), checkpoint(10, 10, seal=version(25)), parked()])
def test_an_abort_ends_what_is_not_stored(cp: Checkpoint) -> None:
    """Growing, sealed or parked; also while the watched directory is away."""
    for facts in (HERE, Facts(version(9)), Facts(None, watch_dir_away=True)):
        end = only(ABORT, facts, cp)
        assert isinstance(end, do.Abandon)
        assert end.status is Status.ABORTED
        assert "retry" in end.hint


def test_an_abort_waits_for_what_became_of_a_complete() -> None:
    """The store may hold the object already: then there is nothing to abort."""
    unsure = checkpoint(10, 5, seal=version(15)).asking_to_complete()
    for cp in (unsure, unsure.ended(Status.FAILED_FINALIZATION, 1.0, "why")):
        assert only(ABORT, Facts(version(15)), cp) == do.Resolve()
        assert only(RETRY, Facts(version(15)), cp) == do.Resolve()


@pytest.mark.parametrize("cp", [checkpoint(10), parked()])
def test_an_abort_of_what_is_gone_ends_its_stream(cp: Checkpoint) -> None:
    """Honestly: deleted, or replaced."""
    end = only(ABORT, GONE, cp)
    assert isinstance(end, do.Abandon)
    assert end.status is Status.DELETED_LOCALLY
    other = only(ABORT, TAKEN, cp)
    assert isinstance(other, do.Abandon)
    assert other.reason == REPLACED


def test_a_retry_of_what_is_gone_keeps_what_the_store_has() -> None:
    """A person who asks for it to be stored does not want it destroyed."""
    for facts in (GONE, TAKEN):
        kept = only(RETRY, facts, parked())
        assert isinstance(kept, do.Park)
        assert (kept.status, kept.reason) == (Status.FAILED, "why")
        assert "nothing was retried" in kept.hint


@pytest.mark.parametrize(("wish", "cp"), [(ABORT, checkpoint(10)), (RETRY, parked())])
def test_a_wish_waits_whether_the_recording_was_only_renamed(
    wish: Wish, cp: Checkpoint
) -> None:
    """The usual grace; and it follows the recording to its new name."""
    early = plan(Facts(None, missing_seconds=9.0, wish=wish), cp, POLICY)
    assert early.actions == ()
    assert early.look_again_seconds == pytest.approx(1.0)
    assert only(wish, replace(GONE, moved_to="/w/b.mp4"), cp) == do.Follow("/w/b.mp4")


def test_an_abort_is_stronger_than_a_completion() -> None:
    """A recording that is gone but proven would be stored; not when a person wants it away."""
    sealed = checkpoint(10, 5, seal=version(15))
    proven = replace(GONE, verified=Numbers.of({1, 2}))
    assert actions(proven, sealed) == (do.Complete(),)
    assert isinstance(only(ABORT, proven, sealed), do.Abandon)


def test_a_retry_goes_on_with_the_upload_that_stands() -> None:
    """Parts that are stored are not sent again; the old failure is forgotten."""
    failed = replace(checkpoint(10, 5, seal=version(15)), refusals=3)
    failed = failed.ended(Status.FAILED_FINALIZATION, 1.0, "InvalidPart", "hint")
    assert only(RETRY, HERE, failed) == do.Revive()
    again = failed.retried()
    assert again.status is Status.ACTIVE
    assert (again.parts, again.upload_id) == (failed.parts, "up")
    assert (again.seal, again.refusals, again.ended_at) == (None, 0, None)
    assert (again.reason, again.hint) == ("", "")


def test_a_retry_without_an_upload_begins_anew() -> None:
    """The old record ends and lets its path go: what stands there is a new stream's."""
    aborted = checkpoint(10, upload=None).ended(Status.ABORTED, 1.0, "asked")
    for cp in (parked(upload=None, reason="not_mp4"), aborted):
        end = only(RETRY, HERE, cp)
        assert isinstance(end, do.Abandon)
        assert (end.status, end.reason) == (cp.status, RETRIED)
        assert not cp.ended(end.status, 2.0, end.reason).holds_path


def test_a_retry_waits_for_the_watched_directory() -> None:
    """While it is away nothing is known of the file."""
    decision = plan(Facts(None, watch_dir_away=True, wish=RETRY), parked(), POLICY)
    assert decision.actions == ()
    assert decision.look_again_seconds is not None
