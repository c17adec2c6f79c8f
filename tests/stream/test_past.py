"""What is kept of streams that have ended."""

from dataclasses import replace

from cefmp4.core.model import Checkpoint, Status, StoredObject
from cefmp4.core.safety import Safety
from cefmp4.past import Past
from core.situations import checkpoint, version


def ended(name: str, at: float, status: Status = Status.COMPLETED, why: str = "") -> Checkpoint:
    stood = StoredObject(10, "e", name, None) if status is Status.COMPLETED else None
    sealed = replace(checkpoint(10, seal=version(10)), stream_id=name, stored=stood)
    return sealed.ended(status, at, why)


def names(past: Past) -> list[str]:
    return [row.stream_id for row in past]


def test_the_latest_are_kept_and_what_waits_for_a_person() -> None:
    """The bound takes the oldest of those that are over, never one that can be retried."""
    past = Past(kept=2)
    past.add(ended("failed", 1.0, Status.FAILED, "AccessDenied"))
    for at in (2.0, 3.0, 4.0):
        past.add(ended(f"at {at}", at))
    assert names(past) == ["failed", "at 4.0"]
    assert past.not_stored() == {"failed": 1}


def test_what_was_restored_is_older_than_what_ended_since() -> None:
    """A start reads what ended before while streams end already; the newer row stands."""
    past = Past()
    past.add(ended("b", 5.0))
    past.restore([ended("c", 4.0), ended("a", 3.0), ended("b", 2.0)])
    assert names(past) == ["a", "c", "b"]
    assert past.get("b") is not None
    assert past.stored_since(4.0) == 2


def test_what_begins_anew_as_another_stream_is_no_row() -> None:
    """A retried recording has the row of its new stream only."""
    past = Past()
    past.add(ended("a", 1.0, Status.FAILED, "AccessDenied"))
    past.add(ended("a", 1.0, Status.FAILED, "retried"))
    assert names(past) == []


def test_the_retention_takes_all_but_what_waits() -> None:
    """What the state server forgets is not shown for longer."""
    past = Past()
    past.add(ended("old", 1.0))
    past.add(ended("waiting", 1.0, Status.FAILED, "AccessDenied"))
    past.add(ended("new", 9.0))
    past.forget(5.0)
    assert names(past) == ["waiting", "new"]


def test_what_a_person_has_aborted_is_kept_and_counted_while_it_can_be_retried() -> None:
    """It waits for nobody, but the state server keeps its name for it: so it is shown.

    Seen failing with aborted ones counted nowhere, and dropped with the retention.
    """
    past = Past()
    past.add(ended("aborted", 1.0, Status.ABORTED, "aborted by a person"))
    past.add(ended("failed", 1.0, Status.FAILED, "AccessDenied"))
    past.add(ended("replaced", 9.0, Status.FAILED, "replaced"))
    past.forget(5.0)
    assert names(past) == ["aborted", "failed", "replaced"]
    assert past.not_stored() == {"failed": 1}
    assert past.set_aside() == {"aborted": 1, "failed": 1}
    assert past.set_aside({"failed"}) == {"aborted": 1}


def test_whose_recording_is_gone_waits_for_nobody() -> None:
    """It is told as given up, with why it had failed; what stands stays as it was."""
    past = Past()
    past.add(ended("gone", 1.0, Status.FAILED, "AccessDenied"), 10)
    past.keep(lambda path: True)
    assert past.not_stored() == {"failed": 1}
    past.keep(lambda path: False)
    told = past.get("gone")
    assert told is not None
    assert (told.verdict, told.disk_bytes, told.unsent_bytes) == (Safety.GIVEN_UP, None, 0)
    assert told.why == "AccessDenied; its recording is gone"
    assert past.not_stored() == {}
