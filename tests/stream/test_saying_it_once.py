"""What goes on beside the streams says what is wrong once, however often it is met."""

import pytest

from cefmp4.errors import ChunkProcessingError, RedisOperationError
from cefmp4.hidden import HiddenRecordings
from cefmp4.retry import async_retry_transient
from cefmp4.upkeep import note_if_whole
from stream.conftest import Logs
from stream.faults import on
from stream.twins import Twins
from waiting import wait_until


async def test_a_start_that_waits_says_what_is_new(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another error at once, the same one now and then.

    Seen failing with a line for each.
    """
    left = ["no answer"] * 9 + ["busy", "no answer"]
    monkeypatch.setattr("cefmp4.retry.BASE_SECONDS", 0.0)

    async def ask() -> int:
        if left:
            raise RedisOperationError(left.pop(0))
        return 1

    assert await async_retry_transient("ask", ask) == 1
    assert [line["failures"] for line in logs] == [1, 2, 4, 8, 10, 11]


async def test_a_state_server_that_is_away_is_told_of_now_and_then(logs: Logs) -> None:
    """It is asked every second to note that nothing is missing.

    Seen failing with a line for each.
    """
    twins = Twins()
    await twins.start()
    twins.world.recollection.wanted = True
    twins.checkpoints.before = on("set_whole", RedisOperationError("no answer"), times=60)
    for _ in range(60):
        await note_if_whole(twins.world, lambda: True)
    assert len(logs) == 6
    await note_if_whole(twins.world, lambda: True)
    assert not twins.world.recollection.wanted


async def test_a_hidden_recording_that_stays_hidden_is_told_of_once(logs: Logs) -> None:
    """Every scan finds it again.

    Seen failing with a line for each.
    """
    twins = Twins()

    async def reveal(_: str) -> None:
        raise ChunkProcessingError("permission denied")

    twins.world.disposal.reveal = reveal  # type: ignore[method-assign,assignment]
    hidden = HiddenRecordings(twins.world, lambda _: None, lambda: None)
    for _ in range(5):
        hidden.take_in(["/w/.cefmp4-x~a.mp4"], ())
        await wait_until(lambda: not len(hidden))
    assert [line["event"] for line in logs] == ["cannot be revealed"]
