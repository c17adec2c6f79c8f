"""The metadata JSON beside an object, read back: after the state was lost, and to verify it.

Whoever may write to the bucket may have written it: nothing in it is a reason to fail, what is
not as we write it is left out, and the picture it names is the one beside its own object.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cefmp4.core.media import Poster, Probe
from cefmp4.core.objects import metadata_key, poster_key
from cefmp4.ports import ObjectStore

MAX_DOCUMENT_BYTES = 16 * 1024**2
"""Ten thousand parts take less than 3 MiB."""
LONGEST_TEXT = 500
MOST = 2**53
TRACK = ("codec", "width", "height", "frame_rate", "sample_rate", "channels", "bit_rate")


@dataclass(frozen=True, slots=True)
class Document:
    """What the metadata JSON beside an object says."""

    stream_id: str
    path: str
    size_bytes: int
    etag: str | None
    crc64nvme: int
    media: Probe
    poster: Poster | None


async def read_document(store: ObjectStore, key: str) -> Document | None:
    """The metadata JSON beside the object under `key`; None without one that can be read."""
    name = metadata_key(key)
    found = await store.head(name)
    if found is None or found.size_bytes > MAX_DOCUMENT_BYTES:
        return None
    raw = b"".join([piece async for piece in store.read(name)])
    try:
        told: dict[str, Any] = json.loads(raw)
        return Document(
            str(told["stream_id"]),
            str(told["original_file_path"]),
            int(told["total_size_bytes"]),
            told["etag"],
            int(told["checksum"]["hex"], 16),
            _media(told),
            _poster(told, key),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _media(told: Mapping[str, Any]) -> Probe:
    probe, playable = (
        _mapping(told.get("probe")),
        _mapping(told.get("container")).get("playable"),
    )
    return Probe(
        duration_seconds=_number(told.get("duration_seconds")),
        video=_track(told.get("video")),
        audio=_track(told.get("audio")),
        playable=playable if isinstance(playable, bool) else None,
        prober=_text(probe.get("prober")),
        problem=_text(probe.get("problem")),
    )


def _poster(told: Mapping[str, Any], key: str) -> Poster | None:
    poster = _mapping(told.get("poster"))
    width, height, size = (_whole(poster.get(n)) for n in ("width", "height", "size_bytes"))
    if poster.get("s3_key") != poster_key(key) or not (width and height and size):
        return None
    return Poster(poster_key(key), width, height, size)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _track(value: object) -> Mapping[str, Any] | None:
    if not isinstance(value, dict):
        return None
    return {
        name: _number(value[name]) if name != "codec" else _text(value[name])
        for name in TRACK
        if name in value
    }


def _number(value: object) -> float | int | None:
    """Larger ints than a float holds are no numbers of a film either."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < MOST:
        return None
    return value


def _whole(value: object) -> int | None:
    number = _number(value)
    return number if isinstance(number, int) else None


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(x for x in value[:LONGEST_TEXT] if x.isprintable()) or None
