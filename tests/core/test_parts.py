"""Confirmed parts as a value: it behaves like a dict, and shares what did not change."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.geometry import MAX_PARTS, Geometry
from cefmp4.core.model import Part, Parts
from cefmp4.core.numbers import NO_NUMBERS, Numbers
from cefmp4.core.parts import BLOCK_PARTS

EDGES = (1, 2, 124, 125, 126, 250, 251, 1_000, 1_001, 9_999, MAX_PARTS)
numbers = st.sampled_from(EDGES) | st.integers(1, 300)
Change = Part | frozenset[int]
"""A part that lands, or numbers that are forgotten."""
changes: st.SearchStrategy[list[Change]] = st.lists(
    st.builds(lambda n, size: Part(n, size, f"e{size}", n, 0.0), numbers, st.integers(0, 3))
    | st.frozensets(numbers, max_size=4),
    max_size=12,
)


def applied(
    parts: Parts, model: dict[int, Part], change: Change
) -> tuple[Parts, dict[int, Part]]:
    """The same change to both."""
    if isinstance(change, Part):
        return parts.with_part(change), model | {change.number: change}
    return parts.without(change), {n: p for n, p in model.items() if n not in change}


@given(changes)
def test_parts_are_a_dict_in_the_order_of_numbers(history: list[Change]) -> None:
    """After every change, and no change alters what was there before."""
    parts, model = Parts(), dict[int, Part]()
    for change in history:
        before, known = parts, model
        parts, model = applied(parts, model, change)
        assert list(parts.items()) == sorted(model.items())
        assert before == known
        assert len(parts) == len(model)
        assert parts.total_bytes == sum(part.size_bytes for part in model.values())
        assert parts.highest == max(model, default=0)
        assert set(parts.numbers) == model.keys()
        assert parts == Parts.of(model.values()) == model
        assert all((number in parts) is (number in model) for number in (0, *EDGES))


@given(changes, changes)
def test_the_difference_of_two_versions_is_what_differs(
    history: list[Change], later: list[Change]
) -> None:
    """Whether one comes from the other, or both were read from somewhere."""
    before, old = Parts(), dict[int, Part]()
    for change in history:
        before, old = applied(before, old, change)
    after, new = before, old
    for change in later:
        after, new = applied(after, new, change)
    expected = [part for number, part in sorted(new.items()) if old.get(number) != part]
    for one in (before, Parts.of(old.values())):
        assert list(after.changed(one)) == expected
        assert set(one.numbers.without(after.numbers)) == old.keys() - new.keys()
        assert (one == after) is (old == new)


@given(
    through=st.integers(0, 2_300),
    stored=st.integers(0, 2_300),
    gaps=st.sets(st.integers(1, 2_300), max_size=5),
    odd=st.dictionaries(st.integers(1, 2_300), st.integers(0, 45), max_size=5),
    geometry=st.builds(Geometry, st.sampled_from([10, 10, 5, 20]), st.booleans()),
)
def test_what_is_lacking_is_found(
    through: int, stored: int, gaps: set[int], odd: dict[int, int], geometry: Geometry
) -> None:
    """Numbers that are missing, too short, or too long, in any block and at any edge.

    Seen failing with a block of equal parts taken for one of whole parts.
    """
    sent = Geometry(10, uniform=geometry.uniform)
    sizes = {n: sent.length_of(n) for n in range(1, stored + 1) if n not in gaps} | odd
    parts = Parts.of(Part(n, size, "e", n, 0.0) for n, size in sizes.items())
    expected = [n for n in range(1, through + 1) if sizes.get(n) != geometry.length_of(n)]
    assert list(parts.lacking(geometry, through)) == expected


@pytest.mark.parametrize("number", [-1, 0, MAX_PARTS + 1])
def test_what_is_no_number_of_a_part_is_refused(number: int) -> None:
    """And nothing is found under it, though Python counts from the end, too.

    Seen failing with a block looked up by a negative index.
    """
    full = Parts.of(Part(n, 1, "e", n, 0.0) for n in range(1, MAX_PARTS + 1))
    assert number not in full
    with pytest.raises(KeyError):
        full[number]
    for refused in (full.with_part, lambda part: Parts.of([part])):
        with pytest.raises(ValueError, match="numbered"):
            refused(Part(number, 1, "e", 1, 0.0))


@pytest.mark.parametrize("number", [1, 5_000, MAX_PARTS])
def test_a_change_shares_all_blocks_but_one(number: int) -> None:
    """So it costs the same whether there are ten parts or ten thousand."""
    full = Parts.of(Part(n, 1, "e", n, 0.0) for n in range(1, MAX_PARTS + 1))
    assert len(full.blocks) == MAX_PARTS // BLOCK_PARTS
    for changed in (full.with_part(Part(number, 2, "e", 1, 0.0)), full.without({number})):
        pairs = zip(changed.blocks, full.blocks, strict=True)
        assert sum(new is not old for new, old in pairs) == 1


def test_parts_are_frozen() -> None:
    """Like every value of the core."""
    parts = Parts.of([Part(1, 10, "e", 1, 0.0)])
    with pytest.raises(AttributeError):
        parts.total_bytes = 0  # type: ignore[misc]
    assert replace(parts[1], number=2) not in parts.values()


@given(st.sets(st.integers(1, MAX_PARTS)), st.sets(st.integers(1, MAX_PARTS)))
def test_numbers_are_a_set_in_order(some: set[int], others: set[int]) -> None:
    """Bits of an integer, but nobody can tell."""
    held = Numbers.of(some)
    assert list(held) == sorted(some)
    assert len(held) == len(some)
    assert held.highest == max(some, default=0)
    assert set(held.without(Numbers.of(others))) == some - others
    grown = NO_NUMBERS
    for number in some:
        assert number not in grown
        grown = grown.with_number(number)
        assert number in grown
    assert grown == held
