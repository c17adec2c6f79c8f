"""What the change from one checkpoint to the next tells of a stream."""

from dataclasses import replace

import pytest

from cefmp4.core.history import KEPT, chronicled, steps
from cefmp4.core.media import Probe
from cefmp4.core.model import Checkpoint, Entry, Part, Seal, SealReason, Status, StoredObject
from core.situations import checkpoint, version

SEALED = checkpoint(10, 5, seal=version(15))
STORED = SEALED.completed_in_store(StoredObject(15, "e", "s", None), 1.0)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, checkpoint(upload=None), ["begun"]),
        (None, checkpoint(upload=None).ended(Status.FAILED, 1.0, "not_mp4"), ["refused"]),
        (None, STORED, ["recognised"]),
        (checkpoint(upload=None), checkpoint(), ["upload begun"]),
        (checkpoint(), checkpoint(10), []),
        (checkpoint(10), checkpoint(10).following("/w/b.mp4"), ["renamed"]),
        (checkpoint(10, 5), SEALED, ["sealed"]),
        (SEALED, SEALED.unsealed("changed after seal"), ["unsealed"]),
        (SEALED, SEALED.without_parts(frozenset({1})), ["1 part changed"]),
        (SEALED, SEALED.asking_to_complete(), ["completing"]),
        (SEALED.asking_to_complete(), SEALED.still_incomplete(), ["not completed"]),
        (SEALED, SEALED.refused(frozenset({1}), "InvalidPart"), ["refused by the store"]),
        (SEALED, SEALED.restarted("upload lost: gone"), ["upload lost"]),
        (SEALED.asking_to_complete(), STORED, ["stored"]),
        (STORED, STORED.with_description(Probe()), ["described"]),
        (STORED, STORED.with_disposal(), ["recording disposed of"]),
        (STORED, STORED.ended(Status.COMPLETED, 1.0, "stored"), ["completed"]),
        (
            SEALED,
            SEALED.ended(Status.ABORTED, 1.0, "by a person").without_upload(),
            ["aborted"],
        ),
        (SEALED.ended(Status.FAILED, 1.0, "x"), SEALED.retried(), ["taken up again"]),
    ],
)
def test_a_change_tells_what_happened(
    before: Checkpoint | None, after: Checkpoint, told: list[str]
) -> None:
    """Each step of a stream's life is one entry, and a part that lands is none."""
    assert [what for what, _ in steps(before, after)] == told


def test_reasons_are_kept() -> None:
    """An entry says why, in the words of the decision."""
    sealed = chronicled(checkpoint(10, 5), SEALED, 7.0)
    assert sealed.history == (Entry(7.0, "sealed", "closed"),)
    failed = sealed.ended(Status.FAILED, 9.0, "AccessDenied")
    assert chronicled(sealed, failed, 9.0).history[-1] == Entry(9.0, "failed", "AccessDenied")


def test_a_recording_put_whole_has_no_parts_to_compare() -> None:
    """It says so, instead of telling of parts that were sent and compared."""
    whole = checkpoint(5, upload=None, seal=version(5))
    [(what, why)] = steps(whole, whole.asking_to_complete())
    assert (what, "sent whole" in why) == ("completing", True)


def test_nothing_new_is_the_same_value() -> None:
    """A part costs no new history."""
    before = chronicled(None, checkpoint(), 1.0)
    after = before.with_part(Part(1, 10, "e", 1, 2.0))
    assert chronicled(before, after, 2.0) is after


def test_a_long_life_keeps_its_beginning_and_its_latest_steps() -> None:
    """The history is bounded, whatever a stream goes through."""
    stream = chronicled(None, checkpoint(10, 5), 0.0)
    for turn in range(1, 100):
        seal = Seal(version(15), SealReason.CLOSED, 0.0)
        sealed = chronicled(stream, stream.sealed(seal), float(turn))
        stream = chronicled(sealed, sealed.unsealed("it grew"), turn + 0.5)
    assert len(stream.history) == KEPT
    assert stream.history[0].what == "begun"
    assert stream.history[-1] == Entry(99.5, "unsealed", "it grew")


def test_a_part_sent_again_is_remembered_by_its_number() -> None:
    """Which parts were replaced is told, and how often."""
    again = SEALED.without_parts(frozenset({1, 2})).with_part(Part(1, 10, "e", 1, 0.0))
    again = again.without_parts(frozenset({1}))
    assert list(again.resent) == [1, 2]
    assert again.parts_resent == 3
    assert replace(again, parts_resent=3) == again
