"""The row of a stream that has ended: from its checkpoint alone."""

from dataclasses import replace

from cefmp4.core.model import Parts, Status
from cefmp4.core.safety import Safety
from cefmp4.rows import row_at_the_end
from stream.test_rows import growing


async def test_the_row_of_an_ended_stream_needs_no_parts() -> None:
    """What has become of it, from its checkpoint alone."""
    twins, stream = await growing(21)
    twins.clock.advance(60.0)
    ended = await twins.finish(stream)
    told = row_at_the_end(ended)
    assert (told.status, told.verdict) == (Status.COMPLETED_WITH_META.value, Safety.STORED)
    assert (told.sent_bytes, told.parts, told.duration_seconds) == (21, 3, 10.0)
    assert (told.at_risk_since, told.can) == (None, ())
    [bare] = await twins.checkpoints.load_ended(5)
    assert row_at_the_end(bare) == told


async def test_what_a_failed_stream_left_on_the_disk_is_told_as_unsent() -> None:
    """Nobody is to read that all of a recording was sent which is in no store."""
    _, stream = await growing(12)
    assert stream.checkpoint is not None
    failed = stream.checkpoint.ended(Status.FAILED, 5.0, "not_mp4")
    told = row_at_the_end(failed, 12)
    assert (told.sent_bytes, told.unsent_bytes, told.why) == (8, 4, "its bytes are not MP4")
    refused = row_at_the_end(replace(failed, parts=Parts()), 12)
    assert (refused.sent_bytes, refused.unsent_bytes) == (0, 12)
    gone = row_at_the_end(stream.checkpoint.ended(Status.FAILED, 5.0, "replaced"), 12)
    assert (gone.disk_bytes, gone.unsent_bytes) == (None, 0)
