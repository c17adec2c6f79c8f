"""The contract of the Checkpoints port: what is remembered, and under which names."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from cefmp4.core.media import Probe
from cefmp4.core.model import Checkpoint, Parts, Status
from cefmp4.ports import Fingerprint
from contract.checkpoint_values import active, checkpoints, part, sealed, stored
from contract.state_servers import Subject, World

pytest_plugins = ["contract.state_fixtures"]


@given(first=checkpoints, second=checkpoints, third=checkpoints)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_last_saved_value_is_loaded_exactly(
    subject: Subject, first: Checkpoint, second: Checkpoint, third: Checkpoint
) -> None:
    """Whatever was saved last comes back, also when the caller's `before` was outdated."""
    await subject.save(None, first)
    assert await subject.load(first.stream_id) == first
    await subject.save(first, second)
    assert await subject.load(first.stream_id) == second
    await subject.save(first, third)
    assert await subject.load(first.stream_id) == third


async def test_parts_come_and_go(subject: Subject) -> None:
    """Parts that were sent again, forgotten or added are remembered as they are now."""
    begun = active()
    two = begun.with_upload("upload").with_part(part(1)).with_part(part(2))
    fewer = two.without_parts(frozenset({1}))
    again = fewer.with_part(part(1, 70)).with_part(part(3))
    await subject.save(None, begun)
    for before, after in ((begun, two), (two, fewer), (fewer, again)):
        await subject.save(before, after)
        assert await subject.load(begun.stream_id) == after


async def test_ten_thousand_parts_fit(subject: Subject) -> None:
    """The largest stream there can be is written and read back whole."""
    full = active(parts=Parts.of(part(n) for n in range(1, 10_001)))
    await subject.save(None, full)
    assert await subject.load(full.stream_id) == full
    none = full.restarted("the upload is gone")
    await subject.save(full, none)
    assert await subject.load(full.stream_id) == none


async def test_a_cancelled_question_answers_nobody_else(subject: Subject) -> None:
    """Tasks that are cut off anywhere leave no stray answer for the next one."""
    streams = [active(f"/{n}", reason=str(n)) for n in range(20)]
    for begun in streams:
        await subject.save(None, begun)
    for turns in range(40):
        task = asyncio.create_task(subject.save(streams[0], streams[0].with_part(part(1))))
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    for begun in streams[1:]:
        assert await subject.load(begun.stream_id) == begun
    after = streams[0].with_part(part(2))
    await subject.save(streams[0], after)
    assert await subject.load(after.stream_id) == after


async def test_an_unknown_stream_is_none(subject: Subject) -> None:
    """Nothing is remembered of a stream that was never saved."""
    assert await subject.load("no such stream") is None


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("reason", ["", "replaced", "truncated", "too large"])
async def test_unfinished_are_the_streams_that_hold_their_path(
    subject: Subject, status: Status, reason: str
) -> None:
    """Live ones do, those set aside unless other content stands there, ended ones do not."""
    begun = active()
    await subject.save(None, begun)
    ended = begun.ended(status, 5.0, reason)
    await subject.save(begun, ended)
    live = status in {Status.ACTIVE, Status.PENDING_COMPLETION, Status.S3_COMPLETED}
    set_aside = status in {Status.FAILED, Status.FAILED_FINALIZATION, Status.ABORTED}
    holds = live or (set_aside and reason in {"", "too large"})
    assert await subject.load_unfinished() == ([ended] if holds else [])
    assert await subject.all_streams() == [ended]
    assert await subject.load_set_aside() == ([ended] if set_aside else [])


async def test_those_that_ended_are_told_of_without_their_parts(subject: Subject) -> None:
    """The latest come first, as many as asked for; live ones and those set aside are not."""
    for number, status in enumerate((Status.FAILED, *[Status.COMPLETED] * 3), start=1):
        begun = stored(sealed(active(f"/watch/{number}.mp4").with_part(part(1))))
        await subject.save(None, begun)
        await subject.save(begun, begun.ended(status, float(number), "over"))
    await subject.save(None, active("/watch/live.mp4"))
    found = await subject.load_ended(2)
    assert [(cp.ended_at, len(cp.parts)) for cp in found] == [(4.0, 0), (3.0, 0)]
    assert len(await subject.load_ended(9)) == 3
    assert await subject.load_ended(0) == []


async def test_a_new_stream_takes_the_path_over(subject: Subject) -> None:
    """A path has one stream; the older one neither keeps it nor takes it back."""
    old, new = active(), active()
    await subject.save(None, old)
    await subject.save(None, new)
    assert await subject.load_unfinished() == [new]
    progressed = old.with_part(part(1))
    await subject.save(old, progressed)
    replaced = progressed.ended(Status.FAILED, 5.0, "replaced")
    await subject.save(progressed, replaced)
    assert await subject.load_unfinished() == [new]
    assert await subject.load(old.stream_id) == replaced


async def test_a_successor_does_not_take_a_path_back(world: World, subject: Subject) -> None:
    """Nor does the older stream when another process goes on with it."""
    old, new = active(), active()
    await subject.save(None, old)
    await subject.save(None, new)
    await subject.release()
    successor = await world.process()
    await successor.claim()
    await successor.save(old, old.with_part(part(1)))
    assert await successor.load_unfinished() == [new]


async def test_a_rename_is_followed(subject: Subject) -> None:
    """The stream is found under its new path only."""
    begun = active("/watch/a.part.mp4")
    followed = begun.following("/watch/a.mp4")
    await subject.save(None, begun)
    await subject.save(begun, followed)
    assert await subject.load_unfinished() == [followed]


async def test_a_rename_leaves_a_new_stream_under_the_old_path_alone(subject: Subject) -> None:
    """The old index entry is dropped only while it is the renamed stream's own."""
    begun = active("/watch/a.mp4")
    newcomer = active("/watch/a.mp4")
    await subject.save(None, begun)
    await subject.save(None, newcomer)
    followed = begun.following("/watch/b.mp4")
    await subject.save(begun, followed)
    found = {checkpoint.path: checkpoint for checkpoint in await subject.load_unfinished()}
    assert found == {"/watch/a.mp4": newcomer, "/watch/b.mp4": followed}


async def test_streams_are_listed_by_what_is_left_to_do(subject: Subject) -> None:
    """Live ones come first, then parked ones, then the latest that ended."""
    growing, ending, parked = active("/1"), sealed(active("/2")), active("/3")
    parked = parked.ended(Status.FAILED, 50.0, "too large")
    early = active("/4").ended(Status.DELETED_LOCALLY, 10.0, "gone")
    late = active("/5").ended(Status.COMPLETED, 20.0, "done")
    for checkpoint in (late, parked, early, ending, growing):
        await subject.save(None, checkpoint)
    assert await subject.all_streams() == [growing, ending, parked, late, early]
    assert await subject.all_streams(4) == [growing, ending, parked, late]


# --- fingerprints and keys --------------------------------------------------------


async def test_a_fingerprint_appears_with_the_object(subject: Subject) -> None:
    """A recording is known as stored from the write that says so, and not before."""
    ending = sealed(active("/watch/a\udcff.mp4"))
    await subject.save(None, ending)
    assert await subject.fingerprints() == {}
    there = stored(ending)
    await subject.save(ending, there)
    expected = {there.path: Fingerprint(1234, 300, 1_700_000_000_123_456_789)}
    assert await subject.fingerprints() == expected
    await subject.save(there, there.ended(Status.COMPLETED, 5.0, "done"))
    assert await subject.fingerprints() == expected


async def test_fingerprints_move_and_are_forgotten(subject: Subject) -> None:
    """A rename keeps what is known; a file that is gone is no longer known."""
    for path in ("/a", "/b"):
        await subject.save(None, stored(sealed(active(path))))
    moving = (await subject.fingerprints())["/a"]
    await subject.move_fingerprint("/a", "/c", moving)
    await subject.move_fingerprint("/c", "/c", moving)
    assert set(await subject.fingerprints()) == {"/b", "/c"}
    other = Fingerprint(1, 2, 3)
    await subject.move_fingerprint("/b", "/d", other)
    assert (await subject.fingerprints())["/d"] == other
    assert (await subject.fingerprints())["/b"] == moving, "another has its name by now"
    await subject.forget_fingerprints(["/d"])
    await subject.forget_fingerprints([])
    await subject.forget_fingerprints(["/b", "/never seen"])
    assert set(await subject.fingerprints()) == {"/c"}


async def test_a_server_that_forgot_is_told_what_is_stored(subject: Subject) -> None:
    """Any number at once; what it has come to know since is left as it is."""
    there = stored(sealed(active("/known")))
    await subject.save(None, there)
    known = (await subject.fingerprints())["/known"]
    told = {f"/{number}\udcff": Fingerprint(number, 2, 3) for number in range(1_200)}
    await subject.remember_stored(told | {"/known": Fingerprint(1, 2, 3)})
    await subject.remember_stored({})
    assert await subject.fingerprints() == told | {"/known": known}


async def test_a_moved_fingerprint_does_not_come_back(subject: Subject) -> None:
    """Later writes of a stored stream leave alone what became of its fingerprint."""
    there = stored(sealed(active("/a")))
    await subject.save(None, there)
    await subject.forget_fingerprints(["/a"])
    described = there.with_description(
        Probe(duration_seconds=2.5, video={"codec": "h264", "width": 640})
    )
    await subject.save(there, described)
    await subject.save(described, described.ended(Status.COMPLETED_WITH_META, 5.0, "done"))
    assert await subject.fingerprints() == {}


async def test_a_fingerprint_follows_its_live_stream(subject: Subject) -> None:
    """A stored stream that is renamed before it ends takes only its own fingerprint along."""
    first, second = stored(sealed(active("/a"))), stored(sealed(active("/a"), inode=99))
    await subject.save(None, first)
    followed = first.following("/b")
    await subject.save(first, followed)
    assert set(await subject.fingerprints()) == {"/b"}
    await subject.save(None, second)
    await subject.move_fingerprint("/a", "/b", (await subject.fingerprints())["/a"])
    await subject.save(followed, followed.following("/c"))
    found = {path: seen.inode for path, seen in (await subject.fingerprints()).items()}
    assert found == {"/b": 99, "/c": 1234}


async def test_a_key_belongs_to_one_stream(subject: Subject) -> None:
    """The first to ask gets it, and gets it again; a stream under a key holds it too."""
    assert await subject.reserve_key("k\udcff", "one")
    assert await subject.reserve_key("k\udcff", "one")
    assert not await subject.reserve_key("k\udcff", "two")
    assert await subject.stream_of_key("k\udcff") == "one"
    assert await subject.stream_of_key("k") is None
    begun = active()
    await subject.save(None, begun)
    assert not await subject.reserve_key(begun.key, "another")


async def test_purge_drops_what_ended_long_ago(subject: Subject) -> None:
    """Ended streams go with their keys; live ones, those set aside and recent ones stay."""
    old = active("/old").ended(Status.COMPLETED, 10.0, "done")
    replaced = active("/old").ended(Status.FAILED, 10.0, "replaced")
    stay = [
        active("/live"),
        active("/parked").ended(Status.FAILED, 10.0, "too large"),
        active("/new").ended(Status.FAILED, 20.0, "truncated"),
        active("/recent").ended(Status.DELETED_LOCALLY, 20.0, "gone"),
        active("/aborted").ended(Status.ABORTED, 10.0, "asked"),
    ]
    for checkpoint in (old, replaced, *stay):
        await subject.save(None, checkpoint)
    assert await subject.purge(20.0) == 2
    assert await subject.purge(20.0) == 0
    assert await subject.load(old.stream_id) is None
    left = {checkpoint.stream_id for checkpoint in await subject.all_streams()}
    assert left == {checkpoint.stream_id for checkpoint in stay}
    assert await subject.reserve_key(old.key, "somebody else")
    borrower = active("/borrower", key=old.key).ended(Status.COMPLETED, 10.0, "done")
    await subject.save(None, borrower)
    assert await subject.purge(20.0) == 1
    assert not await subject.reserve_key(old.key, "a third")
    assert not await subject.reserve_key(stay[3].key, "somebody else")
