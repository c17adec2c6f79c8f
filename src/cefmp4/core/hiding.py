"""The names of a recording that is about to be deleted or moved.

It is hidden first, under a name that tells whose it is and what it was called, so that a
process that finds it later, with or without its state, can carry on or give it back. What
must stay true: no name here is longer than a directory can hold, and none of these names
is that of a recording, except the one given back.
"""

import re

LONGEST_NAME_BYTES = 255

_HIDDEN = re.compile(r"\.cefmp4-([0-9a-f-]{36})~(.+)", re.DOTALL)


def hidden_path(path: str, stream_id: str) -> str:
    """Where a recording is while it is disposed of: in its own directory, out of sight."""
    folder, slash, name = path.rpartition("/")
    prefix = f".cefmp4-{stream_id}~"
    return folder + slash + prefix + _end_of(name, LONGEST_NAME_BYTES - len(prefix))


def distinct_path(path: str, stream_id: str) -> str:
    """Another name beside this one, for a file whose own is taken."""
    folder, slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    tail = f"-{stream_id}{dot}{extension}" if stem else f"-{stream_id}"
    return folder + slash + _beginning_of(stem or name, LONGEST_NAME_BYTES - _size(tail)) + tail


def names_behind(hidden: str) -> tuple[str, str] | None:
    """The name a hidden file had, and the one beside it; None when it is no hidden file.

    Of a name that was too long to be kept whole, its end is given back.
    """
    folder, slash, name = hidden.rpartition("/")
    found = _HIDDEN.fullmatch(name)
    if found is None:
        return None
    path = folder + slash + found[2]
    return path, distinct_path(path, found[1])


def _beginning_of(name: str, limit_bytes: int) -> str:
    while _size(name) > limit_bytes:
        name = name[:-1]
    return name


def _end_of(name: str, limit_bytes: int) -> str:
    while _size(name) > limit_bytes:
        name = name[1:]
    return name


def _size(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))
