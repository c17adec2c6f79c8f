"""Wishes for streams whose path, or whose very recording, is another stream's by now."""

from dataclasses import replace

import pytest

from cefmp4.core.model import Wish
from cefmp4.events import StreamEvent, WatcherChangeType
from stream.faults import CLOSED_MP4
from stream.test_supervisor import (
    OTHER,
    all_done,
    created,
    quick,
    supervised,
)
from stream.test_wishes import at_rest, refused, remembered, restarted, told
from stream.twins import FIRST, PATH, SECOND
from waiting import wait_until


@pytest.mark.parametrize("wish", Wish)
async def test_an_old_failure_whose_name_is_anothers_now_disturbs_nobody(wish: Wish) -> None:
    """Its recording was replaced: nothing is retried, and the new recording goes on."""
    twins = quick(reject_non_mp4=True, replaced_grace_seconds=0.1)
    supervisor = await supervised(twins)
    twins.disk.write(PATH, b"this is not a video at all")
    await all_done(supervisor, twins)
    supervisor = await restarted(twins)
    twins.disk.replace(PATH, b"")
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    twins.disk.files[PATH].boxes = replace(CLOSED_MP4, complete=False)
    supervisor.handle(created(PATH))
    await wait_until(lambda: twins.store.uploads)
    await twins.checkpoints.wish(FIRST, wish)
    await told(supervisor, twins, lambda: True)
    assert remembered(twins).reason == ("replaced" if wish is Wish.ABORT else "not_mp4")
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    supervisor.handle(StreamEvent(WatcherChangeType.WRITE, PATH, closed=True))
    await all_done(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]


@pytest.mark.parametrize("wish", Wish)
async def test_a_recording_two_streams_know_is_stored_by_one_of_them(wish: Wish) -> None:
    """It failed, was begun anew under another name, and got its old name back meanwhile.

    Seen failing with the old stream retried beside the new one, and with a third one begun
    when the old one ended.
    """
    twins = quick()
    supervisor = await refused(twins)
    twins.disk.rename(PATH, OTHER)
    twins.disk.open_writer(OTHER)
    twins.disk.write(OTHER, bytes(30))
    supervisor.handle(StreamEvent(WatcherChangeType.DELETE, PATH))
    supervisor.handle(created(OTHER))
    await wait_until(lambda: len(twins.store.uploads) == 2)
    twins.disk.rename(OTHER, PATH)
    supervisor.handle(created(PATH))
    await wait_until(lambda: remembered(twins, SECOND).path == PATH)
    await twins.checkpoints.wish(FIRST, wish)
    await told(supervisor, twins, lambda: True)
    twins.disk.close_writer(PATH)
    twins.disk.files[PATH].boxes = CLOSED_MP4
    supervisor.handle(StreamEvent(WatcherChangeType.WRITE, PATH, closed=True))
    await at_rest(supervisor, twins)
    assert list(twins.videos.values()) == [twins.content()]
    twins.disk.write(PATH, b"more")
    supervisor.handle(created(PATH))
    await all_done(supervisor, twins)
    assert list(twins.videos.values())[1:] == [twins.content()]
