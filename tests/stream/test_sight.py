"""What an observer keeps in mind, and hands on as facts."""

import pytest

from cefmp4.core.model import Checkpoint, FileVersion, Inspection, Seal, SealReason, Writer
from cefmp4.core.mp4 import Boxes
from cefmp4.core.numbers import NO_NUMBERS
from cefmp4.horizon import Horizon
from cefmp4.sight import Sight
from core.situations import checkpoint
from core.work import instructions

VERSION = FileVersion(1, 7, 100_000, 1, 1)


def sealed() -> Checkpoint:
    return checkpoint().sealed(Seal(VERSION, SealReason.CLOSED, 0.0))


def test_what_was_proven_is_handed_on_not_copied() -> None:
    """A look at a recording with ten thousand proven parts costs as much as one with ten.

    Seen failing with the set of proven parts copied (no identity) at every look.
    """
    few, many = Sight(), Sight()
    for sight, count in ((few, 10), (many, 10_000)):
        sight.observe(VERSION, 7, 0.0)
        for number in range(1, count + 1):
            sight.prove(VERSION, number)

    def look(sight: Sight) -> int:
        return instructions(lambda: sight.facts(sealed(), Horizon(), 1.0))

    assert look(few) == look(many)
    first, second = (many.facts(sealed(), Horizon(), at) for at in (1.0, 2.0))
    assert first.verified is second.verified
    assert len(first.verified) == 10_000


def test_a_proof_holds_for_the_version_it_was_taken_on() -> None:
    """And until it is taken back; facts handed out before stay what they were."""
    sight = Sight()
    sight.observe(VERSION, 7, 0.0)
    sight.prove(VERSION, 1)
    sight.prove(VERSION, 2)
    before = sight.facts(sealed(), Horizon(), 1.0)
    sight.disprove({2, 3})
    assert set(sight.facts(sealed(), Horizon(), 1.0).verified) == {1}
    assert set(before.verified) == {1, 2}
    later = FileVersion(1, 7, 100_000, 2, 2)
    sight.prove(later, 5)
    assert sight.facts(sealed(), Horizon(), 1.0).verified == NO_NUMBERS


def test_a_closer_look_ages() -> None:
    """An old answer about a writer is not believed for ever."""
    sight, found = Sight(), Inspection(Boxes(is_mp4=True, complete=False), Writer.OPEN)
    sight.observe(VERSION, 7, 0.0)
    sight.inspected(VERSION, found, 1.0)
    look = sight.facts(None, Horizon(), 3.5).inspection
    assert look is not None
    assert (look.boxes, look.writer) == (found.boxes, found.writer)
    assert look.age_seconds == pytest.approx(2.5)
