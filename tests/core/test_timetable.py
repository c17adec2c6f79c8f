"""Limits of the upload rate: what is understood, what is refused, what holds when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.timetable import (
    DAY_MINUTES,
    WEEK_MINUTES,
    Timetable,
    rate_text,
)

KIB, MIB, GIB = 1024, 1024**2, 1024**3
MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6


def at(hour: int, minute: int = 0) -> int:
    return hour * 60 + minute


@pytest.mark.parametrize(
    ("text", "bytes_per_second"),
    [
        ("off", None),
        ("OFF", None),
        ("2000000", 2_000_000),
        ("2048B", 2 * KIB),
        ("512k", 512 * KIB),
        ("2M", 2 * MIB),
        (" 2M ", 2 * MIB),
        ("1G", GIB),
        ("0.5M", 512 * KIB),
        ("1K", KIB),
    ],
)
def test_one_limit_for_all_times(text: str, bytes_per_second: int | None) -> None:
    """A number alone is in bytes, letters are of 1024."""
    table = Timetable.parse(text)
    rates = {table.rate_at(day, minute) for day in range(7) for minute in (0, at(12), 1439)}
    assert rates == {bytes_per_second}
    assert table.next_change(MONDAY, 0) is None


@pytest.mark.parametrize(
    ("day", "minute", "bytes_per_second"),
    [
        (MONDAY, at(0), None),  # since yesterday at seven
        (MONDAY, at(7, 59), None),
        (MONDAY, at(8), 2 * MIB),
        (FRIDAY, at(18, 59), 2 * MIB),
        (SUNDAY, at(19), None),
    ],
)
def test_a_table_holds_every_day(day: int, minute: int, bytes_per_second: int | None) -> None:
    """Each entry from its minute on, and before the first of a day the last one."""
    table = Timetable.parse("08:00,2M 19:00,off")
    assert table.rate_at(day, minute) == bytes_per_second


def test_days_stand_for_themselves() -> None:
    """An entry with a day holds over those that follow it, until the next, round the week."""
    table = Timetable.parse("Mon-00:00,512K Friday-23:59,10M sat-10:00,1M Sun-20:00,off")
    assert table.rate_at(MONDAY, 0) == 512 * KIB
    assert table.rate_at(FRIDAY, at(23, 58)) == 512 * KIB
    assert table.rate_at(FRIDAY, at(23, 59)) == 10 * MIB
    assert table.rate_at(SATURDAY, at(9)) == 10 * MIB
    assert table.rate_at(SUNDAY, at(19)) == MIB
    assert table.rate_at(SUNDAY, at(20)) is None
    last_week = Timetable.parse("Wed-12:00,1M Thu-12:00,2M")
    assert last_week.rate_at(MONDAY, 0) == 2 * MIB


def test_a_day_that_is_named_outranks_every_day() -> None:
    """In whatever order the two are written."""
    for text in ("08:00,1M Sat-08:00,off", "Sat-08:00,off 08:00,1M"):
        table = Timetable.parse(text)
        assert table.rate_at(SATURDAY, at(8)) is None
        assert table.rate_at(FRIDAY, at(8)) == table.rate_at(SUNDAY, at(8)) == MIB


def test_the_next_change_is_one_that_changes_something() -> None:
    """Entries that say what holds already are passed over, and the week goes round."""
    table = Timetable.parse("08:00,2M 12:00,2M 19:00,off")
    assert table.next_change(MONDAY, at(9)) == (at(19), None)
    assert table.next_change(SUNDAY, at(20)) == (at(8), 2 * MIB)
    assert table.next_change(MONDAY, at(8)) == (at(19), None)
    assert Timetable.parse("08:00,2M 19:00,2M").next_change(MONDAY, 0) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be off, bytes per second as 500K or 2M, or a time table"),
        ("fast", "not 'fast'"),
        ("-1", "not '-1'"),
        ("2T", "not '2T'"),
        ("2MB", "not '2MB'"),
        ("10M:1M", "not '10M:1M'"),
        ("0", "between 1K (1024 bytes per second) and 1024G"),
        ("1000", "between 1K"),
        ("1025G", "between 1K"),
        ("08:00,2M 19:00", "must be a time table as '08:00,2M 19:00,off', not '19:00'"),
        ("08:00 2M", "must be a time table"),
        ("2M 19:00,off", "not '2M'"),
        ("24:00,2M", "must have times from 00:00 to 23:59, not 24:00"),
        ("08:60,2M", "must have times"),
        ("08:00,10M:off", "not '10M:off'"),
        ("Noon-08:00,2M", "must have days as Mon or Monday, not 'Noon'"),
        ("8,2M", "must be a time table"),
        ("٣M", "not '٣M'"),
    ],
)
def test_what_is_refused_is_named(text: str, says: str) -> None:
    """One line says what it must be."""
    with pytest.raises(ValueError, match=r"^must ") as problem:
        Timetable.parse(text)
    assert says in str(problem.value)
    assert "\n" not in str(problem.value)


rates = st.one_of(st.none(), st.integers(KIB, GIB))
minutes = st.integers(0, WEEK_MINUTES - 1)


@given(st.dictionaries(minutes, rates, min_size=1, max_size=8), minutes)
def test_what_holds_is_what_was_written_last(written: dict[int, int | None], now: int) -> None:
    """For any table with days: walk back from any minute to the first entry met."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    entries = []
    for minute, rate in written.items():
        day, of_day = divmod(minute, DAY_MINUTES)
        entries.append(f"{days[day]}-{of_day // 60:02}:{of_day % 60:02},{rate_text(rate)}")
    table = Timetable.parse(" ".join(entries))
    met = next(
        written[minute]
        for minute in ((now - back) % WEEK_MINUTES for back in range(WEEK_MINUTES + 1))
        if minute in written
    )
    assert table.rate_at(*divmod(now, DAY_MINUTES)) == met
    coming = table.next_change(*divmod(now, DAY_MINUTES))
    assert (coming is None) == (len(set(written.values())) == 1)
    if coming is not None:
        assert written[coming.minute_of_week] == coming.bytes_per_second != met


@given(st.text(alphabet="0123456789:,-KMGoff Mon", max_size=40))
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    """Nothing else comes out of it."""
    problem = ""
    try:
        table = Timetable.parse(text)
    except ValueError as error:
        problem = str(error)
    if problem:
        assert problem.startswith("must ")
    else:
        assert Timetable.parse(table.text) == table


@given(rates)
def test_a_rate_is_written_as_it_is_read(rate: int | None) -> None:
    """Without losing a byte."""
    assert Timetable.parse(rate_text(rate)).rate_at(0, 0) == rate
