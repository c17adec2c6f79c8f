"""The metadata JSON read back after the state was lost: what it tells is not lost with it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cefmp4.core.model import Status
from cefmp4.documents import read_document
from stream.faults import recorded
from stream.pictured import Pictured
from stream.test_describing import document
from stream.test_recalling import forgotten, sending


async def test_what_is_recognised_keeps_its_picture_and_what_its_media_told() -> None:
    """They stand in the JSON beside its object. Seen failing with both forgotten."""
    twins = Pictured()
    before = await twins.finish(await recorded(twins))
    await forgotten(twins)
    found = await twins.finish(twins.stream())
    assert found.stream_id == before.stream_id
    assert (found.media, found.poster) == (before.media, before.poster)
    assert found.poster is not None


@pytest.mark.parametrize(
    ("changes", "described"),
    [
        ({"etag": "of another object"}, False),
        ({"video": [], "audio": {"codec": "\ud800" * 9000, "channels": -1, "x": 1}}, True),
        ({"duration_seconds": 1e400, "container": [], "probe": 7}, True),
        ({"poster": {"s3_key": "secret", "width": 1, "height": 1, "size_bytes": 1}}, True),
        ({"poster": "secret", "duration_seconds": 10**400}, True),
    ],
)
async def test_a_json_that_others_have_written_harms_nothing(
    changes: dict[str, Any], described: bool
) -> None:
    """What is not as we write it is left out; a JSON of another object is written anew.

    Seen failing with any key taken for the one of the picture, and with the old JSON kept.
    """
    twins = Pictured()
    before = await twins.finish(await recorded(twins))
    name = f"{before.key}.metadata.json"
    told = document(twins, before) | changes
    await twins.store.put_document(name, json.dumps(told).encode(), "application/json")
    await forgotten(twins)
    twins.world = replace(twins.world, illustrator=None)
    seen = sending(twins)
    found = await twins.finish(twins.stream())
    assert found.status is Status.COMPLETED_WITH_META
    assert ("put_document" not in seen) is described
    assert found.poster is None or found.poster == before.poster
    assert found.media is not None
    json.dumps([dict(found.media.audio or {}), found.media.duration_seconds], allow_nan=False)
    assert "secret" not in repr(found)


async def test_a_json_too_deep_to_be_read_is_written_anew() -> None:
    """Seen failing with a recording that is never stored again."""
    twins = Pictured()
    before = await twins.finish(await recorded(twins))
    name = f"{before.key}.metadata.json"
    await twins.store.put_document(name, b"[" * 1_000_000, "application/json")
    assert await read_document(twins.store, before.key) is None
    await forgotten(twins)
    found = await twins.finish(twins.stream())
    assert (found.stream_id, found.poster) == (before.stream_id, before.poster)
    document(twins, found)
