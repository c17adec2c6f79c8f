"""Whether a recording is safe."""

from dataclasses import replace

import pytest

from cefmp4.core.model import Status, StoredObject
from cefmp4.core.safety import Safety, Standing, safety_at_the_end, safety_now
from core.situations import checkpoint, version

CALM = Standing(
    unsent_bytes=5,
    part_bytes=10,
    at_risk_seconds=3.0,
    trouble_seconds=0.0,
    stuck_seconds=0.0,
    away=False,
)


@pytest.mark.parametrize(
    ("changes", "safety"),
    [
        ({}, Safety.ON_ITS_WAY),
        ({"at_risk_seconds": 900.0}, Safety.ON_ITS_WAY),  # a slow camera fills its part
        ({"trouble_seconds": 3.0}, Safety.ON_ITS_WAY),
        ({"trouble_seconds": 6.0}, Safety.AT_RISK),
        ({"stuck_seconds": 59.0}, Safety.ON_ITS_WAY),
        ({"stuck_seconds": 61.0}, Safety.AT_RISK),
        ({"away": True}, Safety.AT_RISK),
        ({"unsent_bytes": 21, "at_risk_seconds": 61.0}, Safety.AT_RISK),
        ({"unsent_bytes": 20, "at_risk_seconds": 61.0}, Safety.ON_ITS_WAY),
        ({"unsent_bytes": 21, "at_risk_seconds": 59.0}, Safety.ON_ITS_WAY),
    ],
)
def test_what_puts_a_recording_at_risk(changes: dict[str, float], safety: Safety) -> None:
    """Trouble, waiting, a backlog or a missing disk; never that a part is not full yet."""
    assert safety_now(Status.ACTIVE, replace(CALM, **changes)) is safety  # type: ignore[arg-type]
    assert safety_now(None, replace(CALM, **changes)) is safety  # type: ignore[arg-type]


def test_what_stands_in_the_store_is_safe() -> None:
    """Once verified, trouble with its metadata puts no byte at risk."""
    assert safety_now(Status.S3_COMPLETED, replace(CALM, trouble_seconds=99.0)) is Safety.STORED


@pytest.mark.parametrize(
    ("status", "reason", "safety"),
    [
        (Status.COMPLETED, "stored", Safety.STORED),
        (Status.COMPLETED_WITH_META, "stored", Safety.STORED),
        (Status.FAILED, "AccessDenied", Safety.NOT_STORED),
        (Status.FAILED_FINALIZATION, "InvalidPart", Safety.NOT_STORED),
        (Status.FAILED, "replaced", Safety.GIVEN_UP),
        (Status.FAILED, "truncated", Safety.GIVEN_UP),
        (Status.ABORTED, "aborted by a person", Safety.GIVEN_UP),
        (Status.DELETED_LOCALLY, "deleted_locally", Safety.GIVEN_UP),
    ],
)
def test_how_a_stream_can_end(status: Status, reason: str, safety: Safety) -> None:
    """Only what a person can still mend is called not stored."""
    ended = checkpoint(10, seal=version(10)).ended(status, 1.0, reason)
    there = StoredObject(10, "e", "s", None) if safety is Safety.STORED else None
    assert safety_at_the_end(replace(ended, stored=there)) is safety


def test_an_object_that_stands_is_safe_whatever_failed_after_it() -> None:
    """Its metadata JSON was refused for good: that is a failure, but no byte is at risk.

    Seen failing with a person told that it is not stored.
    """
    there = StoredObject(10, "e", "s", None)
    ended = replace(checkpoint(10, seal=version(10)), stored=there)
    failed = ended.ended(Status.FAILED_FINALIZATION, 1.0, "the key of its JSON is too long")
    assert safety_at_the_end(failed) is Safety.STORED
    again = failed.retried().ended(Status.FAILED_FINALIZATION, 2.0, "InvalidPart")
    assert safety_at_the_end(again) is Safety.NOT_STORED, "what stood may be gone by then"
