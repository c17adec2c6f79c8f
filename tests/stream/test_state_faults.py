"""A stream on a state server that forgets, or that can be read and not written."""

from dataclasses import replace

from cefmp4.core.model import Status
from cefmp4.errors import RedisOperationError
from stream.faults import CLOSED_MP4, growing
from stream.twins import PATH, POLICY, Twins


def count(twins: Twins, operation: str) -> list[str]:
    """Every call of this operation of the store, as it comes."""
    calls: list[str] = []
    twins.store.before = lambda name: calls.append(name) if name == operation else None
    return calls


async def test_nothing_is_sent_again_because_the_server_forgot() -> None:
    """In whatever moment it does: a part that has landed is recorded all the same.

    Seen failing with a ledger that forgets what it could not write.
    """
    assert any([not await forgot_in(nth) for nth in range(1, 30)]), "it never comes to an end"


async def forgot_in(nth: int) -> bool:
    """A whole recording, and a server that forgets before the nth write, if there is one."""
    twins = Twins()
    sent, saves = count(twins, "upload_part"), [0]

    def forget(name: str) -> None:
        saves[0] += name == "save"
        if name == "save" and saves[0] == nth:
            twins.checkpoints.lose_everything()

    twins.checkpoints.before = forget
    stream = await growing(twins)
    twins.disk.write(PATH, bytes(9))
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert twins.videos == {checkpoint.key: twins.content()}
    assert len(sent) == 5
    return saves[0] >= nth


async def test_no_part_is_sent_while_it_cannot_be_recorded() -> None:
    """A replica, a full server: nor are parts that landed meanwhile sent once more.

    Seen failing with a ledger that only reads again after a failed write.
    """
    twins = Twins(policy=replace(POLICY, window_parts=2))
    stream = await growing(twins)
    sent = count(twins, "upload_part")
    away = [RedisOperationError("OOM command not allowed")]

    def refuse_writes(name: str) -> None:
        if name == "save" and away:
            raise away[0]

    twins.checkpoints.before = refuse_writes
    twins.disk.write(PATH, bytes(40))
    for _ in range(20):
        twins.clock.advance(await twins.rest(stream) or 1.0)
    assert len(sent) == 2
    away.clear()
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    checkpoint = await twins.finish(stream)
    assert twins.videos == {checkpoint.key: twins.content()}
    assert len(sent) == 6
