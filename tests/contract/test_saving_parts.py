"""What a save sends to the state server: what changed, however much there is beside it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings

from cefmp4.adapters.checkpoints import changes
from cefmp4.adapters.checkpoints.codec import pack_meta, pack_meta_delta
from cefmp4.adapters.checkpoints.keys import Keyspace
from cefmp4.adapters.checkpoints.scripts import Command
from cefmp4.core.model import Checkpoint, Parts
from contract.checkpoint_values import active, checkpoints, part, sealed
from core.work import instructions

KEYS = Keyspace("suite")


def saved(before: Checkpoint, after: Checkpoint) -> Sequence[Command]:
    return changes.delta(KEYS, before, b"base", after, b"next")


@given(before=checkpoints, after=checkpoints)
@settings(max_examples=200, deadline=None)
def test_what_changed_turns_one_hash_into_the_other(
    before: Checkpoint, after: Checkpoint
) -> None:
    """And a field that stays as it is is not named (but for moments that look the same)."""
    told = pack_meta(before)
    for name, value in pack_meta_delta(before, after).items():
        assert told.get(name) != value or value is None or name.endswith(b"_utc")
        if value is None:
            told.pop(name, None)
        else:
            told[name] = value
    assert told == pack_meta(after)


def test_a_part_is_saved_with_what_changes_with_it() -> None:
    """The part, bytes sent, the next number, and when: nothing else goes over the wire."""
    begun = active()
    expect, meta, parts = saved(begun, begun.with_part(part(1)))
    assert expect[0] == b"EXPECT"
    assert set(meta[2::2]) == {
        b"last_activity_at",
        b"last_activity_at_utc",
        b"total_bytes_sent",
        b"next_part_number",
        changes.REVISION,
    }
    assert parts[:3] == (b"HSET", KEYS.parts(begun.stream_id), b"1")
    assert len(parts) == 4


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_part_costs_the_same_however_many_there_are(is_sealed: bool) -> None:
    """Neither the parts before it nor their checksum are gone through again.

    Seen failing with every part compared at every save, and with the checksum of all
    parts combined whenever a sealed stream was saved (the code as it was).
    """

    def work(count: int) -> int:
        begun = active(parts=Parts.of(part(n) for n in range(1, count + 1)))
        before = sealed(begun) if is_sealed else begun
        after = before.with_part(replace(part(count), etag="another"))
        return instructions(lambda: saved(before, after))

    assert work(10_000) < 2 * work(100)
