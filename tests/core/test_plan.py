"""The decision table, row by row: facts and a checkpoint in, actions and a reason out."""

from dataclasses import replace

import pytest

from cefmp4.core import actions as do
from cefmp4.core.facts import Facts
from cefmp4.core.geometry import Span
from cefmp4.core.media import Probe
from cefmp4.core.model import (
    AfterUpload,
    Status,
    StoredObject,
    Writer,
)
from cefmp4.core.mp4 import Boxes
from cefmp4.core.numbers import Numbers
from cefmp4.core.plan import plan
from core.situations import POLICY, UNFINISHED, actions, checkpoint, look, version


def test_an_empty_file_is_not_begun() -> None:
    """A stream begins with the first byte, not with the name."""
    assert actions(Facts(version(0)), None) == ()
    assert actions(Facts(None), None) == ()
    assert actions(Facts(version(1)), None) == (do.Begin(),)


def test_non_mp4_is_refused_only_when_asked() -> None:
    """Bytes that are not MP4 are the user's all the same, unless REJECT_NON_MP4 says no."""
    strict = replace(POLICY, reject_non_mp4=True)
    other = look(Writer.OPEN, Boxes(is_mp4=False, complete=False))
    assert actions(Facts(version(5)), None, strict) == (do.Inspect(),)
    early = Facts(version(5), quiet_seconds=29.0, inspection=other)
    assert actions(early, None, strict) == (), "its header may still come"
    silent = replace(early, quiet_seconds=30.0)
    assert isinstance(actions(silent, None, strict)[0], do.Reject)
    closed = look(Writer.CLOSED, Boxes(is_mp4=False, complete=False))
    settled = Facts(version(5), quiet_seconds=1.0, inspection=closed)
    assert isinstance(actions(settled, None, strict)[0], do.Reject)
    assert actions(Facts(version(5), inspection=other), None) == (do.Begin(),)
    fine = Facts(version(5), inspection=look(Writer.OPEN, UNFINISHED))
    assert actions(fine, None, strict) == (do.Begin(),)


def test_an_upload_is_made_when_the_first_whole_part_is_due() -> None:
    """Until then nothing reaches the store; a lost answer is looked for before."""
    begun = checkpoint(upload=None)
    assert actions(Facts(version(9)), begun) == ()
    assert actions(Facts(version(10), upload_may_exist=False), begun) == (do.CreateUpload(),)
    assert actions(Facts(version(10), upload_may_exist=True), begun) == (do.AdoptUpload(),)


def test_whole_parts_are_sent_a_window_at_a_time() -> None:
    """A growing recording never sends a short middle part, nor more than its window."""
    sent = actions(Facts(version(45)), checkpoint(10))
    assert sent == (do.SendParts((Span(2, 10, 10), Span(3, 20, 10))),)
    assert actions(Facts(version(19)), checkpoint(10)) == ()


def test_a_gap_is_filled_at_its_own_number() -> None:
    """A part that failed is sent under its number, whatever came after it."""
    assert actions(Facts(version(30)), checkpoint(10, 0, 10)) == (
        do.SendParts((Span(2, 10, 10),)),
    )


def test_the_tail_is_sent_while_the_rest_is_compared() -> None:
    """What was sent while growing is held against the disk; both go on at once."""
    sealed = checkpoint(10, 10, seal=version(25))
    sent, compared = actions(Facts(version(25), verified=Numbers.of({2})), sealed)
    assert sent == do.SendParts((Span(3, 20, 5),))
    assert compared == do.Compare((1,))


def test_a_part_of_the_wrong_length_is_sent_again() -> None:
    """A tail that was sent and then grew is not what the file holds."""
    sealed = checkpoint(10, 5, seal=version(18))
    facts = Facts(version(18), verified=Numbers.of({1, 2}))
    assert actions(facts, sealed) == (do.SendParts((Span(2, 10, 8),)),)


def test_complete_waits_for_proof_and_for_the_settle_time() -> None:
    """Every part compared, and the file quiet: only then does the object become visible."""
    sealed = checkpoint(10, 5, seal=version(15))
    proven = Facts(version(15), quiet_seconds=0.4, verified=Numbers.of({1, 2}))
    early = plan(proven, sealed, POLICY)
    assert early.actions == ()
    assert early.look_again_seconds == pytest.approx(0.6)
    assert actions(replace(proven, quiet_seconds=1.0), sealed) == (do.Complete(),)


def test_a_recording_smaller_than_one_part_needs_no_multipart() -> None:
    """It is stored by one PutObject, unless an upload was begun for it."""
    sealed = checkpoint(upload=None, seal=version(8))
    quiet = Facts(version(8), quiet_seconds=2.0, upload_may_exist=False)
    assert actions(quiet, sealed) == (do.PutWhole(),)
    assert actions(replace(quiet, quiet_seconds=0.2), sealed) == ()
    assert actions(replace(quiet, upload_may_exist=True), sealed) == (do.AdoptUpload(),)
    assert actions(quiet, checkpoint(seal=version(8))) == (do.SendParts((Span(1, 0, 8),)),)


def test_a_sealed_recording_that_moves_on_is_unsealed() -> None:
    """Size, mtime or identity moved: it was not the end after all."""
    sealed = checkpoint(10, 5, seal=version(15))
    assert isinstance(actions(Facts(version(15, mtime=2)), sealed)[0], do.Unseal)
    assert isinstance(actions(Facts(version(16)), sealed)[0], do.Unseal)


def test_a_complete_whose_answer_is_not_known_is_resolved_first() -> None:
    """Whatever the file does meanwhile: the store may hold the object already."""
    unsure = checkpoint(10, 5, seal=version(15)).asking_to_complete()
    for facts in (
        Facts(version(15)),
        Facts(version(99)),
        Facts(None),
        Facts(None, watch_dir_away=True),
    ):
        assert actions(facts, unsure) == (do.Resolve(),)


def test_a_recording_that_vanished_is_given_up_after_a_grace_time() -> None:
    """Not at once: it may be renamed, or on its way back."""
    assert actions(Facts(None, missing_seconds=9.0), checkpoint(10)) == ()
    (end,) = actions(Facts(None, missing_seconds=10.0), checkpoint(10))
    assert isinstance(end, do.Abandon)
    assert end.status is Status.DELETED_LOCALLY


def test_a_vanished_watch_directory_is_an_outage() -> None:
    """Nothing is aborted because a mount is away."""
    assert actions(Facts(None, missing_seconds=99.0, watch_dir_away=True), checkpoint(10)) == ()


def test_what_stands_there_is_believed_whatever_directory_it_is() -> None:
    """A vanished directory only speaks of what is missing.

    Seen failing with the directory asked before the file.
    """
    away = Facts(version(20), watch_dir_away=True)
    assert actions(away, checkpoint(10)) == (do.SendParts((Span(2, 10, 10),)),)
    other = Facts(version(20, inode=8), missing_seconds=1.0, watch_dir_away=True)
    assert isinstance(actions(other, checkpoint(10))[0], do.Abandon)


def test_a_replaced_or_truncated_file_ends_its_stream() -> None:
    """The new content is a new stream; what was sent of the old is aborted."""
    other = version(40, inode=8)
    assert actions(Facts(other, missing_seconds=0.5), checkpoint(10)) == ()
    (replaced,) = actions(Facts(other, missing_seconds=1.5), checkpoint(10))
    (cut,) = actions(Facts(version(9)), checkpoint(10))
    assert isinstance(replaced, do.Abandon)
    assert isinstance(cut, do.Abandon)
    assert (replaced.reason, cut.reason) == ("replaced", "truncated")


def test_a_renamed_recording_is_followed() -> None:
    """The same inode under another name is the same stream."""
    assert actions(Facts(None, moved_to="/w/b.mp4"), checkpoint(10)) == (do.Follow("/w/b.mp4"),)


def test_a_recording_deleted_after_every_byte_was_proven_is_still_stored() -> None:
    """All its bytes are in the store and were compared: nothing is lost by completing."""
    sealed = checkpoint(10, 5, seal=version(15))
    assert actions(Facts(None, verified=Numbers.of({1, 2})), sealed) == (do.Complete(),)
    assert actions(Facts(None, verified=Numbers.of({1})), sealed) == ()


def test_the_store_that_keeps_refusing_parks_the_stream() -> None:
    """After three refusals of freshly sent parts a person has to look."""
    sealed = replace(checkpoint(10, 5, seal=version(15)), refusals=3, reason="InvalidPart")
    (parked,) = actions(Facts(version(15)), sealed)
    assert isinstance(parked, do.Park)
    assert parked.status is Status.FAILED_FINALIZATION


def test_what_follows_after_the_object_stands() -> None:
    """Metadata, then what was to become of the file, then the end."""
    found = StoredObject(15, "e", "s", None)
    stored = checkpoint(10, 5, seal=version(15)).completed_in_store(found, 1.0)
    here = Facts(version(15))
    assert actions(here, stored) == (do.Describe(),)
    bare = replace(POLICY, write_metadata=False)
    assert actions(here, stored, bare) == (do.Finish(Status.COMPLETED, "stored"),)
    described = stored.with_description(Probe())
    finish = do.Finish(Status.COMPLETED_WITH_META, "stored")
    assert actions(here, described) == (finish,)
    delete = replace(POLICY, after_upload=AfterUpload.DELETE)
    assert actions(here, described, delete) == (do.Dispose(),)
    assert actions(Facts(None), described.with_disposal(), delete) == (finish,)
    assert actions(Facts(None), described, delete) == (), "perhaps it was only renamed"
    renamed = Facts(None, moved_to="/w/b.mp4")
    assert actions(renamed, described, delete) == (do.Follow("/w/b.mp4"),)
    assert actions(Facts(None, missing_seconds=10.0), described, delete) == (do.Dispose(),)
    assert actions(Facts(None, watch_dir_away=True), described, delete) == ()


@pytest.mark.parametrize(
    "status",
    [
        s
        for s in Status
        if s not in {Status.ACTIVE, Status.PENDING_COMPLETION, Status.S3_COMPLETED}
    ],
)
def test_a_stream_that_has_ended_does_nothing(status: Status) -> None:
    """Only a person moves it on."""
    ended = checkpoint(10).ended(status, 1.0, "why")
    assert actions(Facts(version(99), quiet_seconds=99.0), ended) == ()
