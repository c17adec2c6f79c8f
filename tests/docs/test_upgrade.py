"""What the guide on upgrades says of states that another version has written.

Without a server: a state is what lies in its hashes (`adapters/checkpoints/codec.py`).
"""

from dataclasses import replace

import pytest

from cefmp4.adapters.checkpoints.codec import (
    Unreadable,
    pack_meta,
    pack_meta_delta,
    pack_part,
    unpack,
)
from cefmp4.core.model import Entry, Parts
from contract.checkpoint_values import active, part, sealed, stored

OF_THE_FIRST_DAYS = {b"original_path", b"identity", b"s3_bucket", b"s3_key", b"geometry"}
"""With when it began, all that a stream has always had."""
KNOWN = stored(sealed(active(parts=Parts.of([part(1)]), history=(Entry(1.0, "begun", "new"),))))
ONE_PART = {b"1": pack_part(part(1))}


def test_a_state_of_an_older_version_is_read_as_it_is() -> None:
    """What it does not hold is empty. Seen failing with a field that has no default."""
    kept = OF_THE_FIRST_DAYS | {b"started_at"}
    old = {name: value for name, value in pack_meta(KNOWN).items() if name in kept}
    read = unpack(KNOWN.stream_id, old, ONE_PART)
    assert (read.path, read.key, read.parts) == (KNOWN.path, KNOWN.key, KNOWN.parts)
    assert (read.history, read.media, read.stored) == ((), None, None)


def test_what_a_newer_version_adds_is_passed_over_and_left_there() -> None:
    """So nothing is lost on the way back and forth. Seen failing with unknown fields
    refused."""
    newer = pack_meta(KNOWN) | {b"colour": b'"blue"'}
    read = unpack(KNOWN.stream_id, newer, ONE_PART)
    assert read == KNOWN
    written = newer | pack_meta_delta(read, replace(read, described=True))
    assert written[b"colour"] == b'"blue"'


@pytest.mark.parametrize(
    ("meta", "parts"),
    [({b"status": b"resting"}, {}), ({}, {b"2": b'{"number_of_eyes": 2}'})],
)
def test_what_cannot_be_understood_is_not_guessed(
    meta: dict[bytes, bytes], parts: dict[bytes, bytes]
) -> None:
    """A status or a part of another kind makes that stream unreadable, and no other one.
    Seen failing with an unknown status taken for active."""
    with pytest.raises(Unreadable, match=KNOWN.stream_id):
        unpack(KNOWN.stream_id, pack_meta(KNOWN) | meta, ONE_PART | parts)
