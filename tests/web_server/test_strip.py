"""How the parts of a recording stand, told in runs."""

from dataclasses import replace

import pytest

from cefmp4.console.strip import runs
from cefmp4.core.geometry import Geometry
from cefmp4.core.model import (
    Checkpoint,
    FileVersion,
    Part,
    Seal,
    SealReason,
    Status,
    StoredObject,
)
from cefmp4.core.numbers import Numbers
from cefmp4.core.parts import Parts
from cefmp4.web.strip import MOST_RUNS, strip_of

BEGUN = Checkpoint("id", "/w/a.mp4", (1, 2), "bucket", "key", Geometry(8), 900.0)


def with_parts(*numbers: int, resent: tuple[int, ...] = (), sealed: bool = False) -> Checkpoint:
    checkpoint = BEGUN.with_upload("u")
    for number in numbers:
        checkpoint = checkpoint.with_part(Part(number, 8, "etag", 0, 0.0))
    if sealed:
        version = FileVersion(1, 2, 21, 0, 0)
        checkpoint = checkpoint.sealed(Seal(version, SealReason.CLOSED, 0.0))
    return replace(checkpoint, resent=Numbers.of(resent))


@pytest.mark.parametrize(
    ("checkpoint", "size_bytes", "in_flight", "strip"),
    [
        (None, 0, (), []),
        (None, 5, (), [("growing", 1, 1)]),
        (None, 16, (), [("due", 1, 2)]),
        (None, 21, (), [("due", 1, 2), ("growing", 3, 3)]),
        (BEGUN, 0, (), []),
        (BEGUN, 21, (), [("due", 1, 2), ("growing", 3, 3)]),
        (with_parts(1, 2), 16, (), [("stored", 1, 2)]),
        (with_parts(1, 2), 21, (), [("stored", 1, 2), ("growing", 3, 3)]),
        (with_parts(1, 2, sealed=True), 21, (), [("stored", 1, 2), ("due", 3, 3)]),
        (with_parts(1, 2, sealed=True), 21, (3,), [("stored", 1, 2), ("in_flight", 3, 3)]),
        (with_parts(1), 40, (3, 4), [("stored", 1, 1), ("due", 2, 2), ("in_flight", 3, 4), ("due", 5, 5)]),  # noqa: E501
        (with_parts(1, 2, 3, resent=(2,)), 24, (), [("stored", 1, 1), ("resent", 2, 2), ("stored", 3, 3)]),  # noqa: E501
        (with_parts(1, resent=(2,)), 16, (), [("stored", 1, 1), ("due", 2, 2)]),
        (with_parts(1, 2), 3, (), [("stored", 1, 2)]),
        (with_parts(1).without_upload(), 8, (1,), [("in_flight", 1, 1)]),
        (with_parts(1, 2).without_upload().ended(Status.ABORTED, 0.0, "wished"), 21, (), []),
    ],
)  # fmt: skip
def test_each_part_is_told_as_it_stands(
    checkpoint: Checkpoint | None,
    size_bytes: int,
    in_flight: tuple[int, ...],
    strip: list[tuple[str, int, int]],
) -> None:
    """Without a gap: a forgotten part is due, and one that is not full yet is growing."""
    assert strip_of(checkpoint, size_bytes, frozenset(in_flight), 8) == strip


def test_the_command_line_draws_nothing_of_what_was_aborted_either() -> None:
    """Its parts are remembered, but stand nowhere."""
    kept = with_parts(1, 2)
    assert [run.kind for run in runs(kept, 16)] == ["stored"]
    gone = kept.without_upload()
    assert [run.kind for run in runs(gone, 16)] == ["due"]
    assert runs(gone.ended(Status.ABORTED, 0.0, "by a person"), 16) == []


def test_an_object_whose_parts_were_not_loaded_is_stored_whole() -> None:
    """Its parts were dropped from memory, not from the store."""
    stored = BEGUN.completed_in_store(StoredObject(21, "etag", "id", None), 0.0)
    assert strip_of(stored, 21, frozenset(), 8) == [("stored", 1, 3)]


def test_more_runs_than_can_be_told_are_told_as_the_worst_of_each() -> None:
    """Nothing is called stored that is not, no number is left out, and it stays bounded.

    Seen failing with the first of each told for all.
    """
    numbers = [number for number in range(1, 10_001) if number % 2]
    parts = Parts.of(Part(number, 8, "etag", 0, 0.0) for number in numbers)
    checkpoint = replace(BEGUN, parts=parts, geometry=Geometry(8, uniform=True))
    strip = strip_of(checkpoint, 80_000, frozenset(), 8)
    assert len(strip) <= MOST_RUNS
    ends = [0, *(last for _, _, last in strip)]
    assert [first for _, first, _ in strip] == [last + 1 for last in ends[:-1]]
    assert ends[-1] == 10_000
    told = {n for state, a, b in strip if state == "stored" for n in range(a, b + 1)}
    assert told <= set(numbers)
