"""Checkpoints to remember: a few of everyday life, and any that Hypothesis can think of."""

import os
import secrets
from dataclasses import replace

from hypothesis import strategies as st

from cefmp4.core.geometry import Geometry
from cefmp4.core.media import Poster, Probe
from cefmp4.core.model import (
    Checkpoint,
    Entry,
    FileVersion,
    Part,
    Parts,
    Seal,
    SealReason,
    Status,
    StoredObject,
)
from cefmp4.core.numbers import Numbers


def part(number: int, size_bytes: int = 100) -> Part:
    return Part(number, size_bytes, f"etag-{number}", 2**64 - number, 1_700_000_000.1 + number)


def active(path: str = "/watch/a.mp4", **changed: object) -> Checkpoint:
    stream_id = secrets.token_hex(8)
    begun = Checkpoint(
        stream_id=stream_id,
        path=path,
        identity=(64_769, 1234),
        bucket="bucket",
        key=f"streams/{stream_id}/a.mp4",
        geometry=Geometry(100),
        started_at=1_700_000_000.123456,
    )
    return replace(begun, **changed)  # type: ignore[arg-type]


def sealed(checkpoint: Checkpoint, inode: int = 1234) -> Checkpoint:
    version = FileVersion(
        64_769, inode, 300, 1_700_000_000_123_456_789, 1_700_000_000_000_000_001
    )
    return checkpoint.sealed(Seal(version, SealReason.CLOSED, 1_700_000_100.5))


def stored(checkpoint: Checkpoint) -> Checkpoint:
    there = StoredObject(300, "etag-3", checkpoint.stream_id, 2**64 - 1)
    return checkpoint.completed_in_store(there, 1_700_000_200.25)


times = st.floats(min_value=0, allow_infinity=False) | st.floats(1.6e9, 2e9)
numbers = st.integers(0, 2**63)
texts = st.text(max_size=30)
names = st.binary(max_size=40).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)
media = st.none() | st.dictionaries(texts, st.none() | texts | numbers | times, max_size=4)
versions = st.builds(FileVersion, numbers, numbers, numbers, numbers, numbers)
parts = st.dictionaries(
    st.integers(1, 10_000),
    st.builds(Part, st.just(0), numbers, texts, numbers, times),
    max_size=8,
).map(lambda found: Parts.of(replace(p, number=n) for n, p in found.items()))
checkpoints = st.builds(
    Checkpoint,
    stream_id=st.just("00000000-0000-4000-8000-000000000000"),
    path=names,
    identity=st.tuples(numbers, numbers),
    bucket=texts,
    key=names,
    geometry=st.builds(Geometry, numbers, st.booleans()),
    started_at=times,
    root=st.none() | st.tuples(numbers, numbers),
    status=st.sampled_from(Status),
    upload_id=st.none() | texts,
    parts=parts,
    seal=st.none() | st.builds(Seal, versions, st.sampled_from(SealReason), times),
    completing=st.booleans(),
    refusals=numbers,
    parts_resent=numbers,
    resent=st.sets(st.integers(1, 10_000), max_size=8).map(Numbers.of),
    last_activity_at=times,
    stored=st.none()
    | st.builds(StoredObject, numbers, texts, st.none() | texts, st.none() | numbers),
    stored_at=st.none() | times,
    described=st.booleans(),
    media=st.none() | st.builds(Probe, times, media, media, st.booleans(), texts, texts),
    poster=st.none() | st.builds(Poster, names, numbers, numbers, numbers),
    disposed=st.booleans(),
    ended_at=st.none() | times,
    reason=names,
    hint=names,
    history=st.lists(st.builds(Entry, times, texts, names), max_size=4).map(tuple),
)
