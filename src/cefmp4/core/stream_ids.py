"""Stream ids that tell whose they are.

A store tells nothing of an unfinished upload but its key, so that after the state server
has forgotten, the key is all that can say to which instance an upload belongs. A stream id
is therefore a UUID of version 8 (RFC 9562, "custom"): random at its beginning, and at its
end 48 bits that are the same for all streams of one instance and, for all practical
purposes, for no other.
"""

import re
from hashlib import sha256
from uuid import UUID

_TAG_DIGITS = 12
UUID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UUID = re.compile(UUID_PATTERN)
_VERSION_AT = 14
"""Where the digit of the version stands in the text of a UUID."""


def instance_tag(instance_id: str) -> str:
    """The last twelve digits of every stream id of this instance."""
    return sha256(instance_id.encode("utf-8", "surrogateescape")).hexdigest()[:_TAG_DIGITS]


def stream_id_from(random: UUID, tag: str) -> str:
    """A stream id with the randomness of a UUID and the tag of its instance."""
    text = str(random)
    return f"{text[:_VERSION_AT]}8{text[_VERSION_AT + 1 : -_TAG_DIGITS]}{tag}"


def stream_id_in(key: str, place: re.Pattern[str] | None = None) -> str | None:
    """The stream id, or what looks like one, in an object key.

    Names of recordings can hold UUIDs too, and those we give back hold ids of ours: of
    several the one at its `place` (`keys.place_of_id`), else the last.
    """
    found = _UUID.findall(key)
    if len(found) > 1 and place is not None:
        there = place.fullmatch(key)
        return there[1] if there else None
    return found[-1] if found else None


def is_tagged(stream_id: str, tag: str) -> bool:
    """Whether a stream of the instance with this tag has this id."""
    return stream_id[_VERSION_AT : _VERSION_AT + 1] == "8" and stream_id.endswith(tag)
