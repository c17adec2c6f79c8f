"""Which commands turn one stored checkpoint into the next.

The status indexes, the index of paths, the fingerprints and the key reservations follow
from the value alone, so they are derived here and written with it, never by themselves.
"""

import os
from collections.abc import Iterator, Sequence

from cefmp4.adapters.checkpoints.codec import (
    Fields,
    pack_fingerprint,
    pack_meta,
    pack_meta_delta,
    pack_part,
    pack_text,
)
from cefmp4.adapters.checkpoints.keys import ACTIVE, COMPLETED, FAILED, HOMES, PENDING, Keyspace
from cefmp4.adapters.checkpoints.scripts import UNPACK_LIMIT, Command, batches
from cefmp4.core.model import STORED, Checkpoint

REVISION = b"revision"
"""A field of `meta`, new with every save: a delta is good only on top of its own base."""


def delta(
    keys: Keyspace,
    before: Checkpoint,
    base: bytes,
    after: Checkpoint,
    revision: bytes,
    told: Sequence[Command] = (),
) -> list[Command]:
    """What differs, on the condition that the server still holds revision `base`.

    `told` is what others are told of it: it comes first, as it may be refused.
    """
    meta = keys.meta(after.stream_id)
    return [
        (b"EXPECT", meta, REVISION, base),
        *told,
        *_path_delta(keys, before, after),
        *_home_delta(keys, before, after),
        *_meta_delta(meta, before, after, revision),
        *_parts_delta(keys.parts(after.stream_id), before, after),
        *_fingerprint(keys, before, after),
    ]


def whole(
    keys: Keyspace,
    before: Checkpoint | None,
    after: Checkpoint,
    revision: bytes,
    told: Sequence[Command] = (),
) -> list[Command]:
    """Everything, whatever the server holds of this stream; `told` as in `delta`.

    `before` only tells what is new: a stream that goes on under its path does not take
    it back from one that has begun there since.
    """
    stream_id = after.stream_id.encode()
    meta, parts = keys.meta(after.stream_id), keys.parts(after.stream_id)
    home = HOMES[after.status]
    commands: list[Command] = [
        *told,
        (b"LEAVE", keys.paths, meta, stream_id),
        (b"DEL", meta),
        (b"DEL", parts),
    ]
    commands += [
        _leave_home(keys, other, after)
        for other in (ACTIVE, PENDING, FAILED, COMPLETED)
        if other != home
    ]
    commands.append(_enter_home(keys, home, after))
    if after.holds_path:
        goes_on = before is not None and before.holds_path and before.path == after.path
        commands.append(_hold(keys, after, b"HSETNX" if goes_on else b"HSET"))
    commands.append((b"HSETNX", keys.keys, pack_text(after.key), stream_id))
    packed = {b"%d" % number: pack_part(part) for number, part in after.parts.items()}
    commands += _put(meta, pack_meta(after) | {REVISION: revision})
    commands += _put(parts, packed)
    commands += _fingerprint(keys, before, after)
    return commands


def drop(keys: Keyspace, stream_id: bytes, object_key: bytes | None) -> list[Command]:
    """Forget a stream that has ended, and let its object key go."""
    name = stream_id.decode()
    commands: list[Command] = [
        (b"DEL", keys.meta(name)),
        (b"DEL", keys.parts(name)),
        (b"ZREM", keys.streams(COMPLETED), stream_id),
        (b"SREM", keys.streams(FAILED), stream_id),
    ]
    if object_key is not None:
        commands.append((b"HDELIF", keys.keys, object_key, stream_id))
    return commands


def _put(key: bytes, fields: Fields) -> Iterator[Command]:
    flat = [item for pair in fields.items() for item in pair]
    return ((b"HSET", key, *some) for some in batches(flat, UNPACK_LIMIT))


def _remove(key: bytes, names: Sequence[bytes]) -> Iterator[Command]:
    return ((b"HDEL", key, *some) for some in batches(names, UNPACK_LIMIT))


def _meta_delta(
    key: bytes, before: Checkpoint, after: Checkpoint, revision: bytes
) -> Iterator[Command]:
    changed = pack_meta_delta(before, after)
    yield from _remove(key, [name for name, value in changed.items() if value is None])
    new = {name: value for name, value in changed.items() if value is not None}
    yield from _put(key, new | {REVISION: revision})


def _parts_delta(key: bytes, before: Checkpoint, after: Checkpoint) -> Iterator[Command]:
    gone = before.parts.numbers.without(after.parts.numbers)
    yield from _remove(key, [b"%d" % number for number in gone])
    changed = after.parts.changed(before.parts)
    yield from _put(key, {b"%d" % part.number: pack_part(part) for part in changed})


def _path_delta(keys: Keyspace, before: Checkpoint, after: Checkpoint) -> Iterator[Command]:
    held, holds = before.holds_path, after.holds_path
    if (held, before.path) == (holds, after.path):
        return
    if held:
        meta = keys.meta(after.stream_id)
        yield (b"LEAVE", keys.paths, meta, after.stream_id.encode())
    if holds:
        yield _hold(keys, after, b"HSET")


def _hold(keys: Keyspace, after: Checkpoint, how: bytes) -> Command:
    return (how, keys.paths, os.fsencode(after.path), after.stream_id.encode())


def _home_delta(keys: Keyspace, before: Checkpoint, after: Checkpoint) -> Iterator[Command]:
    old, new = HOMES[before.status], HOMES[after.status]
    if old != new:
        yield _leave_home(keys, old, after)
    if old != new or before.ended_at != after.ended_at:
        yield _enter_home(keys, new, after)


def _enter_home(keys: Keyspace, home: str, after: Checkpoint) -> Command:
    stream_id = after.stream_id.encode()
    if home != COMPLETED:
        return (b"SADD", keys.streams(home), stream_id)
    ended_at = after.last_activity_at if after.ended_at is None else after.ended_at
    return (b"ZADD", keys.streams(home), repr(float(ended_at)).encode(), stream_id)


def _leave_home(keys: Keyspace, home: str, after: Checkpoint) -> Command:
    name = b"ZREM" if home == COMPLETED else b"SREM"
    return (name, keys.streams(home), after.stream_id.encode())


def _fingerprint(
    keys: Keyspace, before: Checkpoint | None, after: Checkpoint
) -> Iterator[Command]:
    old_path = before.path if before is not None and before.status in STORED else None
    if after.status not in STORED or old_path == after.path:
        return  # it may have been moved or forgotten since: that stands
    fingerprint = pack_fingerprint(after)  # of all parts: once, and once more for each rename
    if fingerprint is None:
        return
    if old_path is not None:
        yield (b"HDELIF", keys.stored, os.fsencode(old_path), fingerprint)
    yield (b"HSET", keys.stored, os.fsencode(after.path), fingerprint)
