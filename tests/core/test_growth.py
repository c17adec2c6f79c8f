"""How old bytes are, as far as a file was watched."""

from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.growth import MOST_MARKS, Growth, age_seconds
from core.situations import checkpoint, version

steps = st.lists(
    st.tuples(st.floats(0.1, 50.0), st.integers(1, 1000)), min_size=1, max_size=200
)


@given(steps, st.data())
def test_an_age_is_never_told_too_young(
    grown: list[tuple[float, int]], data: st.DataObject
) -> None:
    """A byte was there no earlier than is told, however many marks were merged."""
    growth, at, size, seen = Growth(), 100.0, 0, list[tuple[float, int]]()
    for wait, more in grown:
        at, size = at + wait, size + more
        growth.reached(size, at)
        seen.append((at, size))
    offset = data.draw(st.integers(0, size - 1))
    truly = next(when for when, reached in seen if reached > offset)
    told = growth.since(offset)
    assert told is not None
    assert told <= truly
    assert growth.since(size) is None
    assert len(growth._marks) <= MOST_MARKS


def test_merged_marks_keep_the_older_time() -> None:
    """A byte of long ago may be told too old, never too young."""
    growth = Growth()
    for second in range(0, 200, 2):
        growth.reached(second + 1, float(second))
    for offset in range(200):
        told = growth.since(offset)
        assert told is None or told <= offset + 1


def test_the_newest_bytes_are_known_well() -> None:
    """Of what is written steadily and sent in time, the age is right to a second."""
    growth = Growth()
    for second in range(1000):
        growth.reached(second + 1, float(second))
        growth.sent(second - 10)
    assert growth.since(995) == 995.0
    assert growth.since(0) == 989.0


def test_what_was_sent_is_not_asked_for() -> None:
    """A part that turns out to have changed counts from the last growth, not from the start."""
    growth = Growth()
    growth.reached(10, 1.0)
    growth.reached(20, 5.0)
    growth.sent(20)
    assert growth.since(0) == 5.0


def test_a_file_that_shrank_is_watched_anew() -> None:
    """What was cut off and written again is as old as it is."""
    growth = Growth()
    growth.reached(20, 1.0)
    growth.reached(5, 9.0)
    assert growth.since(0) == 9.0
    assert growth.since(5) is None


def test_an_unwatched_file_is_as_old_as_its_last_part_or_its_last_change() -> None:
    """After a start, the older of the two counts; a clock that was set back gives no age."""
    seen = version(15, mtime=int(50e9))
    followed = checkpoint(10)
    assert age_seconds(seen, None, 60.0) == 10.0
    assert age_seconds(seen, followed, 60.0) == 60.0
    assert age_seconds(seen, None, 40.0) == 0.0
