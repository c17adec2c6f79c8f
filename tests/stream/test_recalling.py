"""State lost is not data lost: streams are found again from the store."""

from dataclasses import replace

from cefmp4.core.model import SealReason, Status, Wish
from cefmp4.events import Scan
from cefmp4.lookout import Lookout
from cefmp4.stream import Stream
from cefmp4.supervisor import Supervisor
from cefmp4.upkeep import note_if_whole, sweep
from stream.faults import CLOSED_MP4, growing, recorded
from stream.twins import PATH, POLICY, Twins
from waiting import wait_until

OTHER = "/w/b.mp4"
ROOT = (1, 2)
"""Of the watched directory."""


async def forgotten(twins: Twins) -> None:
    """The process is killed and the state server loses everything; another process starts."""
    twins.checkpoints.lose_everything()
    assert await twins.restart() == []
    assert twins.world.recollection.wanted
    twins.world.horizon.root = ROOT


def sending(twins: Twins) -> list[str]:
    """A list that fills with every operation on the store from here on."""
    seen: list[str] = []
    twins.store.before = seen.append
    return seen


def close(twins: Twins, path: str = PATH) -> None:
    """Its recorder closes it."""
    twins.disk.close_writer(path)
    twins.disk.files[path].boxes = CLOSED_MP4


async def test_parts_that_match_are_not_sent_again() -> None:
    """A growing recording goes on in its own upload, under its own id.

    Seen failing with `recall` leaving out the uploads.
    """
    twins = Twins()
    before = (await growing(twins)).ledger.current
    await forgotten(twins)
    seen = sending(twins)
    stream = twins.stream()
    await twins.rest(stream)
    assert "upload_part" not in seen
    found = stream.ledger.current
    assert (found.stream_id, found.upload_id) == (before.stream_id, before.upload_id)
    assert found.root == ROOT
    assert {n: p.etag for n, p in found.parts.items()} == {
        n: p.etag for n, p in before.parts.items()
    }
    close(twins)
    assert (await twins.finish(stream)).status is Status.COMPLETED_WITH_META
    assert list(twins.videos.values()) == [twins.content()]
    assert not twins.store.uploads


async def test_what_was_found_again_is_shown_under_its_own_id() -> None:
    """Its row, its figures and a person's wish are about the stream that is remembered.

    Seen failing with the id it would have had as a new one: no wish from the page reached it,
    and commands elsewhere were told nothing of it.
    """
    twins = Twins()
    before = (await growing(twins)).ledger.current
    await forgotten(twins)
    supervisor = Supervisor(twins.world)
    await supervisor.handle_scan(Scan({PATH: twins.disk.files[PATH].version}))
    await wait_until(lambda: supervisor.active_streams() == 1)
    sighting = await Lookout(lambda: supervisor.roster, twins.clock, 300.0).look()
    assert list(sighting.rows) == [before.stream_id]
    await twins.checkpoints.wish(before.stream_id, Wish.ABORT)
    await supervisor.hear(dict.fromkeys(sighting.rows, Wish.ABORT))
    await wait_until(lambda: not supervisor.active_streams())
    assert [row.stream_id for row in supervisor.past] == [before.stream_id]
    await supervisor.stop(1.0)


async def test_a_part_that_changed_meanwhile_is_sent_again() -> None:
    """The head of an ordinary MP4 is patched at its close; only that part is sent anew.

    Seen failing with parts adopted without holding them against the disk.
    """
    twins = Twins()
    await growing(twins)
    twins.disk.patch(PATH, 2, b"size")
    await forgotten(twins)
    seen = sending(twins)
    stream = twins.stream()
    await twins.rest(stream)
    assert seen.count("upload_part") == 1
    close(twins)
    await twins.finish(stream)
    assert list(twins.videos.values()) == [twins.content()]


async def test_the_geometry_of_the_upload_is_kept() -> None:
    """Also when the operator has changed CHUNK_SIZE_BYTES since.

    Seen failing with the policy's geometry taken for the upload's.
    """
    twins = Twins()
    before = (await growing(twins)).ledger.current
    twins.policy = replace(POLICY, part_bytes=13)
    await forgotten(twins)
    stream = twins.stream()
    await twins.rest(stream)
    assert stream.ledger.current.geometry == before.geometry
    close(twins)
    await twins.finish(stream)
    assert list(twins.videos.values()) == [twins.content()]


async def test_a_stored_recording_is_recognised() -> None:
    """It is not stored a second time, and ends where it had ended.

    Seen failing with `recall` leaving out the objects.
    """
    twins = Twins()
    before = await twins.finish(await recorded(twins))
    await forgotten(twins)
    seen = sending(twins)
    stream = twins.stream()
    found = await twins.finish(stream)
    assert (found.stream_id, found.root) == (before.stream_id, ROOT)
    assert found.status is Status.COMPLETED_WITH_META
    assert found.seal is not None
    assert found.seal.reason is SealReason.RECOGNISED
    assert not {"put", "put_document", "create_upload", "upload_part"} & set(seen)
    assert len(twins.videos) == 1
    assert PATH in await twins.checkpoints.fingerprints()


async def test_a_stored_recording_without_its_json_gets_it() -> None:
    """The process died between Complete and the JSON, and the state with it."""
    twins = Twins()
    await twins.finish(await recorded(twins))
    (key,) = [key for key in twins.store.objects if key.endswith(".json")]
    del twins.store.objects[key]
    await forgotten(twins)
    found = await twins.finish(twins.stream())
    assert found.status is Status.COMPLETED_WITH_META
    assert key in twins.store.objects
    assert len(twins.videos) == 1


async def test_other_bytes_of_the_same_size_are_stored_anew() -> None:
    """The old object stays what it was.

    Seen failing with objects recognised by name and size alone.
    """
    twins = Twins()
    await twins.finish(await recorded(twins))
    old = twins.content()
    twins.disk.patch(PATH, 3, b"changed")
    await forgotten(twins)
    await twins.finish(twins.stream())
    assert sorted(twins.videos.values()) == sorted([old, twins.content()])


async def test_an_equal_copy_gets_an_object_of_its_own() -> None:
    """An object belongs to the recording whose name it has.

    Seen failing with the names left out of `_is_stored_as`.
    """
    twins = Twins(key_template=lambda stream_id, path: f"streams/{stream_id}{path}")
    before = await twins.finish(await recorded(twins))
    await forgotten(twins)
    twins.disk.write(OTHER, twins.content())
    twins.disk.files[OTHER].boxes = CLOSED_MP4
    copy = await twins.finish(twins.stream(OTHER))
    assert copy.stream_id != before.stream_id
    assert (await twins.finish(twins.stream())).stream_id == before.stream_id
    assert list(twins.videos.values()) == [twins.content()] * 2


async def test_two_recordings_find_their_own_uploads() -> None:
    """Whichever is looked at first, and although nothing but the bytes tells them apart."""
    twins = Twins()
    await growing(twins)
    twins.disk.open_writer(OTHER)
    twins.disk.write(OTHER, bytes(range(30)))
    await twins.rest(twins.stream(OTHER))
    await forgotten(twins)
    seen = sending(twins)
    for path in (OTHER, PATH):
        await twins.rest(twins.stream(path))
    assert "upload_part" not in seen


async def test_an_upload_nobody_can_claim_is_swept_away_the_second_time() -> None:
    """Not while a recording may still claim it, and not at the first look.

    Seen failing with forgotten uploads aborted at the first look.
    """
    twins = Twins()
    await growing(twins)
    twins.disk.delete(PATH)
    await forgotten(twins)
    await note_if_whole(twins.world, lambda: False)
    seen = await sweep(twins.world, frozenset(), may_be_claimed=True)
    assert await sweep(twins.world, seen, may_be_claimed=True) == seen
    await note_if_whole(twins.world, lambda: True)
    assert await sweep(twins.world, frozenset(), may_be_claimed=False) == seen
    assert len(twins.store.uploads) == 1
    assert "cefmp4_orphaned_uploads 1.0" in (await twins.world.metrics.scrape()).decode()
    await sweep(twins.world, seen, may_be_claimed=False)
    assert not twins.store.uploads
    assert "cefmp4_orphaned_uploads 0.0" in (await twins.world.metrics.scrape()).decode()


async def test_only_orphans_of_our_own_are_aborted() -> None:
    """Another instance's upload, a person's, and one in use stay.

    Seen failing with `Recollection.is_ours` always true.
    """
    twins = Twins()
    stream = await growing(twins)
    stranger = await twins.store.create_upload("streams/by-hand.mp4", {})
    late = await twins.store.create_upload(stream.ledger.current.key, {})
    await twins.checkpoints.set_whole()
    seen = await sweep(twins.world, frozenset(), may_be_claimed=False)
    await sweep(twins.world, seen, may_be_claimed=False)
    assert set(twins.store.uploads) == {stranger, stream.ledger.current.upload_id}
    assert late not in twins.store.uploads


async def test_what_is_remembered_is_never_claimed_by_another() -> None:
    """After a loss in between, streams that were written again keep what is theirs."""
    twins = Twins()
    stream = await growing(twins)
    twins.checkpoints.lose_everything()
    twins.checkpoints.successor()
    (taken_up,) = await _written_again(twins, stream)
    twins.disk.write(OTHER, twins.content())
    twins.disk.files[OTHER].boxes = CLOSED_MP4
    await twins.finish(twins.stream(OTHER))
    close(twins)
    await twins.finish(taken_up)
    assert list(twins.videos.values()) == [twins.content()] * 2


async def _written_again(twins: Twins, stream: Stream) -> list[Stream]:
    """A living daemon writes its streams again, and is then killed."""
    await twins.checkpoints.claim()
    stream.ledger.distrust()
    await stream.ledger.refresh()
    return await twins.restart()
