"""How many parts at a time: down when the store strains, up when it helps."""

from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.congestion import PART_BYTES_PER_SECOND, Strain, Window, parts_for_rate

REFUSED, SILENT = Strain.REFUSED, Strain.SILENT


def landed(window: Window, times: int, *, wanted: bool = True) -> Window:
    for _ in range(times):
        window = window.landed(wanted=wanted)
    return window


def test_it_begins_with_all_that_is_allowed() -> None:
    """A store that never strains is never held back."""
    assert Window.open(8).limit == 8
    assert landed(Window.open(8), 100).limit == 8


def test_a_flight_is_cut_once() -> None:
    """Parts that were under way together met the same moment; the next flight cuts again.

    Seen failing with every refusal halving it.
    """
    window = Window.open(8)
    for part in range(1, 9):
        window = window.strained(REFUSED, part, newest=8)
    assert window.limit == 4
    for part in range(9, 13):
        window = window.strained(REFUSED, part, newest=12)
    assert window.limit == 2


def test_one_is_always_let_through() -> None:
    """However often the store refuses, a part tries it."""
    window = Window.open(8)
    for part in range(1, 20):
        window = window.strained(REFUSED, part, newest=part)
    assert window.limit == 1


def test_it_grows_by_about_one_a_round() -> None:
    """From one to eight in 1 + 2 + ... + 7 parts, give or take one a round."""
    window = Window(ceiling=8, size=1.0)
    parts = 0
    while window.limit < 8:
        window, parts = window.landed(wanted=True), parts + 1
    assert 28 <= parts <= 35


def test_it_does_not_grow_where_nobody_waits() -> None:
    """That fewer parts went well says nothing about more of them."""
    assert landed(Window(ceiling=8, size=2.0), 100, wanted=False).limit == 2


def test_one_silent_connection_among_good_ones_cuts_nothing() -> None:
    """It is noted, and forgotten when a whole round has landed.

    Seen failing with silence treated like a refusal.
    """
    window = Window.open(8)
    for part in (10, 30, 50):
        window = landed(window.strained(SILENT, part, newest=part + 7), 8)
    assert window.limit == 8


def test_a_second_silence_in_the_same_round_cuts() -> None:
    """As with a store that takes two parts at a time and lets the others wait."""
    window = Window.open(8).strained(SILENT, 3, newest=10)
    window = landed(window, 2, wanted=False).strained(SILENT, 4, newest=12)
    assert window.limit == 4


def test_a_store_that_takes_two_at_a_time_is_soon_sent_about_two() -> None:
    """Also when those two go well all the time: the others fall silent, flight after flight."""
    window, newest = Window.open(8), 0
    limits = []
    for _ in range(30):
        flight = range(newest + 1, newest + window.limit + 1)
        newest = flight[-1]
        window = landed(window, min(2, len(flight)))
        for part in flight[2:]:
            window = window.strained(SILENT, part, newest)
        limits.append(window.limit)
    assert max(limits[3:]) <= 4
    assert min(limits) >= 1


events = st.lists(
    st.one_of(
        st.booleans(),
        st.tuples(st.sampled_from(Strain), st.integers(0, 10)),
    ),
    max_size=60,
)


@given(st.integers(1, 64), events)
def test_it_stays_within_its_bounds(
    ceiling: int, happened: list[bool | tuple[Strain, int]]
) -> None:
    """Whatever happens: from one to the ceiling, down by at most half, up by at most one."""
    window = Window.open(ceiling)
    for newest, event in enumerate(happened, 1):
        before = window.limit
        if isinstance(event, bool):
            window = window.landed(wanted=event)
            assert before <= window.limit <= before + 1
        else:
            window = window.strained(event[0], max(1, newest - event[1]), newest)
            assert before // 2 <= window.limit <= before
        assert 1 <= window.limit <= ceiling


def test_under_a_limit_of_the_rate_parts_are_few_enough_to_move() -> None:
    """At least one, each with a rate of its own that no store takes for silence."""
    assert parts_for_rate(None, 8) == 8
    assert parts_for_rate(1024, 8) == 1
    assert parts_for_rate(3 * PART_BYTES_PER_SECOND, 8) == 3
    assert parts_for_rate(1024**3, 8) == 8
