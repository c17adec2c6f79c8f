"""Since when a stream waits, and since when nothing comes of what is due."""

from cefmp4.errors import S3OperationError
from cefmp4.progress import Progress


def test_each_step_is_progress() -> None:
    """As long as something is achieved, what is due is not stuck."""
    progress = Progress()
    progress.decided("whole parts are due", 10.0, due=True, achieved=(1, 0))
    progress.noted(15.0, (1, 0))
    assert progress.stuck_seconds(15.0) == 5.0
    progress.noted(15.0, (2, 0))
    assert progress.stuck_seconds(15.0) == 0.0
    progress.decided("whole parts are due", 20.0, due=True, achieved=(2, 0))
    assert progress.stuck_seconds(25.0) == 10.0, "since it was seen to get on"


def test_a_wait_is_not_stuck() -> None:
    """Where nothing is due, nothing can come of it."""
    progress = Progress()
    progress.decided("whole parts are due", 10.0, due=True, achieved=(1, 0))
    progress.decided("growing: its next part is not full", 20.0, due=False, achieved=(2, 0))
    assert progress.stuck_seconds(99.0) == 0.0


def test_a_reason_that_counts_on_keeps_its_time() -> None:
    """Only another reason begins anew."""
    progress = Progress()
    progress.decided("sealed: 1 of 5 parts sent", 10.0, due=True, achieved=(1, 0))
    assert progress.decided("sealed: 2 of 5 parts sent", 11.0, due=True, achieved=(2, 0))
    assert (progress.why, progress.why_since) == ("sealed: 2 of 5 parts sent", 10.0)
    progress.decided("all parts agree", 12.0, due=True, achieved=(3, 0))
    assert progress.why_since == 12.0


def test_trouble_keeps_the_time_it_began() -> None:
    """The last failure is told, and since when nothing has succeeded."""
    progress = Progress()
    progress.failed(S3OperationError("UploadPart", "SlowDown", "busy", hint="wait"), 5.0)
    progress.failed(ValueError(), 9.0)
    assert progress.trouble is not None
    assert (progress.trouble.error, progress.trouble.since) == ("ValueError", 5.0)
    assert progress.stuck_seconds(15.0) == 10.0


def test_a_turn_that_got_on_once_can_still_get_stuck() -> None:
    """One part landed, and the others of the same turn wait for ever for their slots.

    Seen failing with a turn that counted as moving until it was over.
    """
    progress = Progress()
    progress.decided("sealed: 0 of 5 parts sent", 10.0, due=True, achieved=(1, 0))
    assert progress.stuck_seconds(15.0) == 5.0
    progress.noted(20.0, (2, 0))
    assert progress.stuck_seconds(20.0) == 0.0
    progress.noted(420.0, (2, 0))
    assert progress.stuck_seconds(420.0) == 400.0
