"""When a recording is over: closed, silent, or still open, and when it is asked again."""

from dataclasses import replace

import pytest

from cefmp4.core import actions as do
from cefmp4.core.facts import Facts
from cefmp4.core.model import (
    SealReason,
    Writer,
)
from cefmp4.core.plan import plan
from core.situations import POLICY, UNFINISHED, actions, checkpoint, look, version


def test_a_closed_and_complete_recording_is_sealed_without_waiting() -> None:
    """The idle time is not sat out when the recorder has closed a complete MP4."""
    facts = Facts(version(15), quiet_seconds=0.1, close_seen=True)
    assert actions(facts, checkpoint(10)) == (do.Inspect(),)
    closed = replace(facts, inspection=look(Writer.CLOSED))
    assert actions(closed, checkpoint(10)) == (do.SealNow(SealReason.CLOSED),)


def test_nothing_is_concluded_from_a_version_younger_than_a_clock_tick() -> None:
    """Two writes within one tick of the file's clock look like one."""
    facts = Facts(version(15), quiet_seconds=0.01, close_seen=True)
    decision = plan(facts, checkpoint(10), POLICY)
    assert decision.actions == ()
    assert decision.look_again_seconds is not None
    assert decision.look_again_seconds < 0.05


@pytest.mark.parametrize(
    ("writer", "quiet", "sealed"),
    [
        (Writer.CLOSED, 29.0, None),
        (Writer.CLOSED, 30.0, SealReason.IDLE),
        (Writer.UNKNOWN, 30.0, SealReason.IDLE_UNASKED),
        (Writer.OPEN, 30.0, None),
        (Writer.OPEN, 3599.0, None),
        (Writer.OPEN, 3600.0, SealReason.OPEN_WRITER_TIMEOUT),
    ],
)
def test_an_unfinished_recording_is_sealed_by_silence(
    writer: Writer, quiet: float, sealed: SealReason | None
) -> None:
    """A paused recorder keeps its file open and is waited for, up to its own limit."""
    facts = Facts(version(15), quiet_seconds=quiet, inspection=look(writer, UNFINISHED))
    expected = (do.SealNow(sealed),) if sealed else ()
    assert actions(facts, checkpoint(10)) == expected


def test_an_old_answer_about_the_writer_is_asked_again_before_sealing() -> None:
    """A recorder may have opened the file again since it was asked."""
    facts = Facts(
        version(15), quiet_seconds=31.0, inspection=look(Writer.CLOSED, UNFINISHED, 20.0)
    )
    assert actions(facts, checkpoint(10)) == (do.Inspect(),)


def test_a_fragmented_recording_between_two_fragments_is_not_taken_as_ended() -> None:
    """It is complete at every fragment; only the writer tells that it goes on."""
    facts = Facts(version(15), quiet_seconds=2.0, inspection=look(Writer.OPEN))
    decision = plan(facts, checkpoint(10), POLICY)
    assert decision.actions == ()
    assert decision.look_again_seconds == pytest.approx(5.0)


def test_where_the_writer_cannot_be_asked_a_close_event_is_believed() -> None:
    """Without a lease the event and the boxes together are enough; one alone is not."""
    facts = Facts(version(15), quiet_seconds=2.0, inspection=look(Writer.UNKNOWN))
    assert actions(facts, checkpoint(10)) == ()
    closed = replace(facts, close_seen=True)
    assert actions(closed, checkpoint(10)) == (do.SealNow(SealReason.CLOSED),)


def test_what_is_new_here_is_looked_into_at_once() -> None:
    """A file was finished elsewhere and moved in: it is not taken as growing for a second."""
    new = Facts(version(45), quiet_seconds=0.1, looked_into=False)
    assert do.Inspect() in actions(new, checkpoint(10))
    finished = replace(new, looked_into=True, inspection=look(Writer.CLOSED))
    assert actions(finished, checkpoint(10)) == (do.SealNow(SealReason.CLOSED),)
    known = replace(new, looked_into=True)
    assert do.Inspect() not in actions(known, checkpoint(10))
