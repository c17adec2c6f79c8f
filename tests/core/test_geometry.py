"""Parts are named, never counted: their places follow from the number alone."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.geometry import (
    MAX_PART_BYTES,
    MAX_PARTS,
    Geometry,
    geometry_for,
    geometry_of,
)

MIB = 1024**2
GIB = 1024**3
TIB = 1024**4


@given(base=st.integers(1, 64), uniform=st.booleans(), size=st.integers(0, 5_000))
def test_spans_cover_a_file_without_gap_or_overlap(base: int, uniform: bool, size: int) -> None:
    """The spans of a file follow each other and end where the file ends."""
    geometry = Geometry(base, uniform)
    position = 0
    for number, span in enumerate(geometry.spans(size), start=1):
        assert (span.number, span.offset) == (number, position)
        assert 0 < span.length <= geometry.length_of(number)
        position = span.end
    assert position == size


@given(
    base=st.integers(1, 64),
    uniform=st.booleans(),
    number=st.integers(1, 2_500),
    more=st.integers(-1, 1),
)
def test_the_parts_of_a_file_are_told_without_walking_them(
    base: int, uniform: bool, number: int, more: int
) -> None:
    """How many are whole, how many there are, and where any of them lies: as by a walk."""
    geometry = Geometry(base, uniform)
    size = geometry.span(number).end + more
    spans = list(geometry.spans(size))
    whole = [span for span in spans if span.length == geometry.length_of(span.number)]
    assert geometry.whole_parts(size) == len(whole)
    assert geometry.parts_of(size) == len(spans)
    assert [geometry.span_in(s.number, size) for s in spans[-2:]] == spans[-2:]
    assert geometry.holds(size)


@pytest.mark.parametrize("geometry", [Geometry(10), Geometry(10 * MIB), Geometry(7, True)])
def test_the_largest_file_is_full_of_parts(geometry: Geometry) -> None:
    """One byte more has no part to lie in, and no part is made up for it."""
    size = geometry.capacity_bytes
    assert geometry.holds(size)
    assert not geometry.holds(size + 1)
    for there in (size, size + 1, 2 * size):
        assert geometry.whole_parts(there) == geometry.parts_of(there) == MAX_PARTS
    assert geometry.whole_parts(size - 1) == MAX_PARTS - 1
    assert geometry.parts_of(size - 1) == MAX_PARTS


@given(number=st.integers(1, MAX_PARTS), uniform=st.booleans())
def test_a_part_begins_where_the_one_before_it_ends(number: int, uniform: bool) -> None:
    """Named places agree with counted ones."""
    geometry = Geometry(10 * MIB, uniform)
    before = geometry.span(number - 1).end if number > 1 else 0
    assert geometry.span(number).offset == before


@given(
    base=st.integers(1, 64),
    uniform=st.booleans(),
    size=st.integers(0, 300_000) | st.integers(0, 64 * 2**21),
)
def test_the_next_part_is_whole_at_the_end_above(base: int, uniform: bool, size: int) -> None:
    """Not a byte earlier; past the last part of all, the file is too large at any size."""
    geometry = Geometry(base, uniform)
    above = geometry.end_above(size)
    if size >= geometry.capacity_bytes:
        assert above == geometry.capacity_bytes + 1
        return
    whole = bisect_right(range(1, MAX_PARTS), size, key=lambda n: geometry.span(n).end)
    assert above == geometry.span(whole + 1).end


def test_the_length_doubles_every_thousand_parts_up_to_the_limit_of_a_part() -> None:
    """The first 10 GiB lie in equal parts; no part is larger than the store allows."""
    geometry = Geometry(10 * MIB)
    assert geometry.length_of(1) == geometry.length_of(1000) == 10 * MIB
    assert geometry.length_of(1001) == 20 * MIB
    assert geometry.length_of(MAX_PARTS) == MAX_PART_BYTES
    assert geometry.span(1000).end == 1000 * 10 * MIB


@pytest.mark.parametrize(("base", "least"), [(10 * MIB, 9 * TIB), (5 * MIB, int(4.85 * TIB))])
def test_ten_thousand_parts_hold_terabytes(base: int, least: int) -> None:
    """Nobody has to choose the part size by the length of the recording."""
    assert Geometry(base).capacity_bytes > least


def test_equal_parts_are_raised_until_the_largest_recording_fits() -> None:
    """With S3_UNIFORM_PARTS the base follows from MAX_RECORDING_BYTES."""
    geometry = geometry_for(10 * MIB, uniform=True, max_recording_bytes=TIB)
    assert geometry.capacity_bytes >= TIB
    assert geometry.base_bytes % MIB == 0
    assert geometry.length_of(1) == geometry.length_of(MAX_PARTS) == geometry.base_bytes
    assert geometry_for(10 * MIB, uniform=True, max_recording_bytes=GIB).base_bytes == 10 * MIB


@given(
    base=st.integers(1, 64),
    uniform=st.booleans(),
    size=st.integers(1, 90_000),
    lost=st.sets(st.integers(1, 1_500)),
)
def test_a_geometry_is_found_again_from_parts(
    base: int, uniform: bool, size: int, lost: set[int]
) -> None:
    """From the sizes of any parts of a file: they lie where they lay, expected or not."""
    sent = Geometry(base, uniform)
    spans = [span for span in sent.spans(size) if span.number not in lost]
    if not spans:
        assert geometry_of({}, sent) is None
        return
    sizes = {span.number: span.length for span in spans}
    assert geometry_of(sizes, sent) == sent
    found = geometry_of(sizes, Geometry(base + 1, uniform))
    if len(spans) > 1:
        assert found is not None
        assert [found.span(number).offset for number in sizes] == [s.offset for s in spans]


def test_parts_that_fit_no_rule_have_no_geometry() -> None:
    """They were not sent by this system, or not as one recording."""
    assert geometry_of({1: 10, 2: 7, 3: 10}, Geometry(10)) is None
    assert geometry_of({1: 10, 2: 11}, Geometry(10)) is None


def test_a_geometry_is_found_again_from_later_parts_alone() -> None:
    """Their length has doubled since the first.

    Seen failing with the length of the lowest part taken for that of part 1.
    """
    assert geometry_of({1_001: 20, 1_002: 20}, Geometry(7)) == Geometry(10)
