"""A process that was paused, lost its claim, and goes on where it was: it does no harm.

It is stopped in every call of every port in turn, or in the middle of a body; another takes
over, to the end or for some turns only; then it is woken. What it had on its way arrives
late, and after that it may touch nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from cefmp4.adapters.memory.store import MemoryUpload
from cefmp4.core.model import LIVE, UNSTORED, AfterUpload
from cefmp4.errors import Fenced, PartsRefused
from cefmp4.stream import Stream
from stream.faults import CLOSED_MP4, on, outage
from stream.pausing import Pause, pausable
from stream.pictured import Pictured
from stream.twins import PATH, Twins, with_policy

Meanwhile = Callable[[Twins], None]


def nothing(_: Twins) -> None:
    """The recording stays as it is."""


def grown(twins: Twins) -> None:
    """By what keeps its beginning, so that whatever was read of it is still there."""
    twins.disk.write(PATH, b"more of it")
    twins.disk.files[PATH].boxes = CLOSED_MP4


def patched(twins: Twins) -> None:
    twins.disk.patch(PATH, 1, b"!")
    twins.disk.files[PATH].boxes = CLOSED_MP4


def deleted(twins: Twins) -> None:
    twins.disk.delete(PATH)


def three_parts() -> Twins:
    return _with_recording(Twins(), 24)


def one_put() -> Twins:
    return _with_recording(Twins(), 5)


def pictured() -> Twins:
    return _with_recording(Pictured(), 5)


def disposed_of() -> Twins:
    return _with_recording(with_policy(after_upload=AfterUpload.DELETE), 21)


def begun_twice() -> Twins:
    """The answers to two calls were lost: it finds two uploads when it looks for one."""
    twins = _with_recording(Twins(), 21)
    left, first_process = [1.0, 0.0], twins.world

    def begin_and_fail(name: str) -> None:
        while name == "create_upload" and left and twins.world is first_process:
            (cp,) = twins.checkpoints._server.streams.values()
            upload = MemoryUpload(cp.key, {}, twins.clock.now() - left.pop())
            twins.store.uploads[f"before-{len(left)}"] = upload
            if not left:
                raise outage("create_upload")

    twins.store.before = begin_and_fail
    return twins


def refused_once() -> Twins:
    twins = _with_recording(Twins(), 21)
    twins.store.before = on("complete", PartsRefused("complete", "InvalidPart", "no"))
    return twins


def _with_recording(twins: Twins, size: int) -> Twins:
    twins.disk.write(PATH, bytes(range(size)))
    twins.disk.files[PATH].boxes = CLOSED_MP4
    return twins


@pytest.mark.parametrize("turns", [1, 3, 200], ids=lambda n: f"{n}turns")
@pytest.mark.parametrize("meanwhile", [nothing, grown, patched, deleted])
@pytest.mark.parametrize(
    "made", [three_parts, one_put, pictured, disposed_of, begun_twice, refused_once]
)
async def test_a_woken_process_harms_nothing(
    made: Callable[[], Twins], meanwhile: Meanwhile, turns: int
) -> None:
    """Whatever it was doing, whatever became of the recording, however far its successor is.

    Seen failing without the assurance before any one of the effects, with a PutObject that
    is not held up in its body, and with late uploads that nobody disowns, or everybody.
    """
    stopped_in = set()
    for nth in range(1, 200):
        twins = made()
        pause = await woken_late(twins, Pause(nth), meanwhile, turns)
        if not pause.at:
            break
        stopped_in.add(pause.at)
    assert stopped_in >= {"save", "head", "assure", "put_document"}


async def woken_late(twins: Twins, pause: Pause, meanwhile: Meanwhile, turns: int) -> Pause:
    """One such story, held against everything that must be true at its end."""
    await twins.start()
    stream = Stream(pausable(twins.world, pause), PATH)
    paused = asyncio.create_task(live(twins, stream, 200))
    reached = asyncio.create_task(pause.reached.wait())
    await asyncio.wait({paused, reached}, return_when=asyncio.FIRST_COMPLETED)
    if not pause.at:
        reached.cancel()
        await paused
        return pause
    there = twins.disk.files.get(PATH)
    if there:
        meanwhile(twins)
    taken_up = await taken_over(twins, turns)
    stood, remembered = dict(twins.videos), dict(twins.checkpoints._server.streams)
    in_use = {cp.upload_id for cp in remembered.values() if cp.status in UNSTORED}
    in_use &= set(twins.store.uploads)
    pause.woken.set()
    with suppress(Fenced):
        await paused
    assert dict(twins.checkpoints._server.streams) == remembered, "it wrote"
    assert set(pause.late_effects) <= {"abort"}, f"woken in {pause.at}, it did more"
    if pause.at not in ("complete", "abort"):
        assert in_use <= set(twins.store.uploads), f"woken in {pause.at}, it aborted"
    for key, content in stood.items():
        assert twins.videos[key] == content, f"woken in {pause.at}, it replaced an object"
    await ended(twins, taken_up)
    return pause


async def taken_over(twins: Twins, turns: int) -> Stream:
    """Another process has the claim, and has come this far."""
    found = await twins.restart()
    stream = found[0] if found else twins.stream()
    await live(twins, stream, turns)
    return stream


async def live(twins: Twins, stream: Stream, turns: int) -> None:
    """Turn by turn, with scans and time between them."""
    for _ in range(turns):
        stream.world.horizon.scanned_at = twins.clock.monotonic()
        delay = await stream.turn()
        if stream.ended:
            return
        twins.clock.advance(1.0 if delay is None else delay)


async def ended(twins: Twins, stream: Stream) -> None:
    """The successor ends what it took up, and what stands there now is stored."""
    if stream.checkpoint is not None or PATH in twins.disk.files:
        await twins.finish(stream)
    if PATH in twins.disk.files and twins.content() not in twins.videos.values():
        await twins.finish(twins.stream())
    if PATH in twins.disk.files:
        assert twins.content() in twins.videos.values()
    streams = twins.checkpoints._server.streams.values()
    assert not [cp for cp in streams if cp.status in LIVE]
    assert not twins.store.uploads, "an upload is left over"
