"""How many bytes a second may be sent, and when: what a person writes, and what holds now.

`2M`, `off`, or a table as users of rclone know it: `08:00,2M 19:00,off`, also with days,
`Mon-00:00,512K Sat-00:00,off`. An entry without a day is one of every day. Each holds until
the next one, round the week, so that before the first of a day the last of the day before
does. Unlike there a figure without a suffix is in bytes, and there are no up:down pairs.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
LEAST_BYTES_PER_SECOND = 1024
"""Below this a store would take a part that is on its way for a dead connection."""
MOST_BYTES_PER_SECOND = 1024**4

_SUFFIXES = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_RATE = re.compile(r"(\d{1,16}(?:\.\d{1,9})?)([BKMG]?)", re.ASCII | re.IGNORECASE)
_ENTRY = re.compile(r"(?:([A-Za-z]+)-)?(\d{1,2}):(\d{2}),(\S+)", re.ASCII)


class Change(NamedTuple):
    """What holds from a minute of the week on; None is no limit."""

    minute_of_week: int
    bytes_per_second: int | None


@dataclass(frozen=True, slots=True)
class Timetable:
    """Limits of the week. Equal to another when the same was written."""

    text: str
    """As a person has written it."""
    changes: tuple[Change, ...]
    """In the order of the week, which begins on Monday; never empty."""

    @classmethod
    def parse(cls, text: str) -> "Timetable":
        """Raises ValueError, which says what it must be."""
        words = text.split()
        if not words:
            raise ValueError("must be off, bytes per second as 500K or 2M, or a time table")
        if len(words) == 1 and "," not in text:
            return cls(text.strip(), (Change(0, _rate(words[0])),))
        found: dict[int, Change] = {}
        for word in sorted(words, key=_has_day):  # what names its day outranks the rest
            for change in _entry(word):
                found[change.minute_of_week] = change
        return cls(" ".join(words), tuple(sorted(found.values())))

    def rate_at(self, weekday: int, minute: int) -> int | None:
        """Bytes per second at this minute of the day, Monday being 0; None is no limit."""
        return self._last_before(weekday * DAY_MINUTES + minute + 1).bytes_per_second

    def next_change(self, weekday: int, minute: int) -> Change | None:
        """The next entry after this minute that says something else; None when none does."""
        now = weekday * DAY_MINUTES + minute
        holds = self.rate_at(weekday, minute)
        ahead = sorted(self.changes, key=lambda change: (change[0] - now - 1) % WEEK_MINUTES)
        return next((change for change in ahead if change.bytes_per_second != holds), None)

    def _last_before(self, minute_of_week: int) -> Change:
        earlier = [change for change in self.changes if change.minute_of_week < minute_of_week]
        return (earlier or self.changes)[-1]


OFF = Timetable("off", (Change(0, None),))


def rate_text(bytes_per_second: int | None) -> str:
    """A limit in words of ours, which `Timetable.parse` understands."""
    if bytes_per_second is None:
        return "off"
    for suffix in ("G", "M", "K"):
        if bytes_per_second % _SUFFIXES[suffix] == 0:
            return f"{bytes_per_second // _SUFFIXES[suffix]}{suffix}"
    return str(bytes_per_second)


def _has_day(word: str) -> bool:
    return "-" in word


def _entry(word: str) -> list[Change]:
    """One entry of a table: a change for the day it names, or for each."""
    found = _ENTRY.fullmatch(word)
    if found is None:
        raise ValueError(f"must be a time table as '08:00,2M 19:00,off', not {word!r}")
    day, hour, minute, rate = found.groups()
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"must have times from 00:00 to 23:59, not {hour}:{minute}")
    days = range(7) if day is None else (_day(day),)
    limit, of_day = _rate(rate), int(hour) * 60 + int(minute)
    return [Change(number * DAY_MINUTES + of_day, limit) for number in days]


def _day(name: str) -> int:
    for number, day in enumerate(DAYS):
        if name.lower() in (day, day[:3]):
            return number
    raise ValueError(f"must have days as Mon or Monday, not {name!r}")


def _rate(word: str) -> int | None:
    if word.lower() == "off":
        return None
    found = _RATE.fullmatch(word)
    if found is None:
        raise ValueError(f"must be off, or bytes per second as 500K, 2M or 1G, not {word!r}")
    number, suffix = found.groups()
    bytes_per_second = int(float(number) * _SUFFIXES[suffix.upper()])
    if not LEAST_BYTES_PER_SECOND <= bytes_per_second <= MOST_BYTES_PER_SECOND:
        raise ValueError("must be off, or a rate between 1K (1024 bytes per second) and 1024G")
    return bytes_per_second
