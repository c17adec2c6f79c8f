"""Random histories: whatever the file, the store, the state and the process do, the store
ends up holding exactly the disk's bytes, or the stream an honest final status.

After every turn each visible object must equal the file as it once was in whole, and never
be replaced; a recording may be deleted only once it is stored. At the end, with nothing
broken any more, the file as it is now must stand in the store and nothing be left over.

Each history is played in one of several worlds: with AFTER_UPLOAD=keep or delete, with or
without metadata, under unique keys or a bare one that all generations share, on a store
where a failed re-send loses the part (Cloudflare R2) or not, where every version of a part is
listed (SeaweedFS) or not, and where a lost part makes Complete say NoSuchUpload (MinIO) or
not. All of them want equal parts, none in the middle shorter than the rest.

That this test can fail was tried by breaking the code: a compare that always agrees, a
Complete that is not resolved before anything else, a lost upload that is not aborted, a
change after the seal that is overlooked, an upload of unknown id that is not looked for, a
bare key given twice, a claim that does not fence, an abort that leaves the upload, a retried
record that keeps its path. Each is found by the default number of
examples.
"""

import asyncio
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from cefmp4.adapters.memory.store import MemoryStore
from cefmp4.core.model import PARKED, STORED, SUPERSEDED, AfterUpload, Wish
from cefmp4.upkeep import note_if_whole, sweep
from stream.player import Player
from stream.steps import (
    Ask,
    Break,
    Close,
    Event,
    Grow,
    Midway,
    Patch,
    Replace,
    Shrink,
    Step,
    SwapIn,
    TakeOver,
    Wait,
)
from stream.twins import POLICY, Twins


def weighted(*kinds: tuple[int, st.SearchStrategy[Step]]) -> st.SearchStrategy[Step]:
    """Hypothesis's `one_of` knows no weights: it drops what is named twice."""
    return st.sampled_from([kind for times, kind in kinds for _ in range(times)]).flatmap(
        lambda kind: kind
    )


SIZES = st.integers(1, 8) | st.integers(1, 40)
GROW = st.builds(Grow, SIZES)
PATCH = st.builds(Patch, st.floats(0, 1), st.binary(min_size=1, max_size=4))
RECORDING = weighted(
    (2, GROW),
    (2, st.builds(Wait, st.sampled_from([0.0, 0.06, 0.06, 1.1, 1.1, 6.0, 31.0]))),
    (2, st.builds(Close, st.sampled_from([True, True, False]))),
    (1, PATCH),
)
ODD = weighted(
    (1, st.builds(Shrink, st.floats(0, 1))),
    (1, st.builds(Replace, SIZES)),
    (1, st.builds(SwapIn, SIZES)),
    (5, st.sampled_from(Event)),
)
UPLOADS_SUFFER = st.sampled_from([Event.FORGET_UPLOADS, Event.LOSE_PART])
MIDWAY = st.builds(
    Midway,
    st.integers(1, 6),
    st.sampled_from(["", "upload_part", "body", "bytes", "crc64nvme", "complete", "save"]),
    weighted(
        (1, GROW),
        (1, PATCH),
        (2, ODD),
        (1, st.sampled_from([Event.FORGET_UPLOADS, Event.LOSE_PART])),
    ),
)
FAILURE = weighted(
    (4, st.builds(Break, st.integers(1, 12), st.sampled_from(["killed", "refused", "lost"]))),
    (1, st.just(TakeOver())),
)
ASK = st.builds(Ask, st.sampled_from(Wish))
STEPS = weighted((14, RECORDING), (4, ODD), (4, MIDWAY), (4, FAILURE), (1, ASK))


@dataclass(frozen=True)
class Setting:
    """What does not change during a history."""

    after_upload: AfterUpload
    write_metadata: bool
    bare_key: bool
    failed_resend_loses_part: bool
    lists_every_version: bool
    lost_part_denies_upload: bool


SETTINGS = st.builds(
    Setting,
    st.sampled_from([AfterUpload.KEEP, AfterUpload.DELETE]),
    *(st.booleans() for _ in range(5)),
)


def twins_in(setting: Setting) -> Twins:
    twins = Twins(
        policy=replace(
            POLICY, after_upload=setting.after_upload, write_metadata=setting.write_metadata
        )
    )
    if setting.bare_key:
        twins.key_template, twins.key_is_unique = (lambda _, path: "w/a.mp4"), False
    twins.store = MemoryStore(
        min_part_bytes=POLICY.part_bytes,
        uniform_parts=True,
        failed_resend_loses_part=setting.failed_resend_loses_part,
        lists_every_version=setting.lists_every_version,
        lost_part_denies_upload=setting.lost_part_denies_upload,
        now=twins.clock.now,
    )
    twins.new_process()
    return twins


async def play(steps: list[Step], setting: Setting) -> None:
    twins = twins_in(setting)
    player = Player(twins)
    await player.play(steps)
    await player.bring_to_an_end()
    for cp in twins.checkpoints._server.streams.values():
        assert cp.status not in PARKED or cp.reason in SUPERSEDED, cp.reason
        assert (cp.status in STORED) == (cp.key in twins.videos), cp.status
    if player.file and player.file.content:
        content = bytes(player.file.content)
        assert content in twins.videos.values(), "the last bytes are not stored"
        event("stored")
    if player.state_was_lost:
        await sweep_up(twins)
        if not twins.key_is_unique:
            return  # a key without the stream's id does not tell whose its upload is
    assert not twins.store.uploads, "an upload is left over"


async def sweep_up(twins: Twins) -> None:
    """Two looks over the store, once every recording that is there has begun."""
    await note_if_whole(twins.world, lambda: True)
    seen = await sweep(twins.world, frozenset(), may_be_claimed=False)
    await sweep(twins.world, seen, may_be_claimed=False)


@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=8, max_size=30), setting=SETTINGS)
@example(  # a bare key, and under it the upload of a stream that was forgotten
    [
        Grow(8),
        Event.FLUSH,
        Break(10, "killed"),
        Wait(0.0),
        *[Grow(1)] * 3,
        Wait(0.0),
        Break(9, "refused"),
    ],
    Setting(AfterUpload.KEEP, False, True, False, False, False),
)
def test_every_history_ends_with_the_bytes_of_the_disk_in_the_store(
    steps: list[Step], setting: Setting
) -> None:
    """Grow, patch, fall silent, shrink, be replaced, vanish, come back; crash, fail, lose;
    be aborted and retried."""
    asyncio.run(play(steps, setting))
