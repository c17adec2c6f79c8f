"""How much is on its way to the store: as much as it takes well, no more than people allow.

The number of parts in flight follows what becomes of them (`core/congestion.py`), and the
rate what a person or the setting says (`core/timetable.py`). Here both are applied: to the
slots for parts and to the pace. What must stay true: never more parts than
MAX_PARTS_IN_FLIGHT, and each change is said once, with its reason.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from cefmp4.core.congestion import Strain, Window, parts_for_rate
from cefmp4.core.timetable import OFF, Timetable
from cefmp4.errors import CefMP4Error
from cefmp4.pace import Pace
from cefmp4.slots import Slots

log = structlog.get_logger(__name__)


class Flow:
    """Parts in flight and bytes per second, over all streams. One for the daemon."""

    def __init__(self, max_parts: int, pace: Pace, setting: Timetable = OFF) -> None:
        self.parts = Slots(max_parts)
        """Parts in flight; its limit moves."""
        self.pace = pace
        self._setting = setting
        self._of_person: Timetable | None = None
        self._not_understood = ""
        self._window = Window.open(max_parts)
        self._begun = 0
        self._strain = ""
        """The last sign that too much was asked at once."""

    # --- as the store takes it --------------------------------------------------------

    @asynccontextmanager
    async def part(self, urgency: int) -> AsyncIterator[None]:
        """Hold a slot for one part, and learn from what becomes of it. Raises as `hold`."""
        async with self.parts.hold(urgency):
            self._begun += 1
            number = self._begun
            try:
                yield
            except CefMP4Error as error:
                if error.strain is not None:
                    self._strained(error.strain, number)
                raise
            self._move(self._window.landed(wanted=self._wanted), "it takes them well")

    @property
    def _wanted(self) -> bool:
        """More parts would have been sent, had the store been trusted with them."""
        held_back = self.parts.limit < self._window.limit or self.pace.binds
        return self.parts.waiting > 0 and not held_back

    def held_back(self) -> tuple[str, str] | None:
        """Why fewer parts than allowed are sent at a time, and what to do; None: nobody
        waits for more."""
        window = self._window
        if window.limit >= window.ceiling or self.parts.waiting <= 0:
            return None
        return (
            f"{window.limit} of {window.ceiling} parts at a time: {self._strain}",
            "more again as parts land; if it stays so, see the store and the line to it",
        )

    def _strained(self, strain: Strain, number: int) -> None:
        self._strain = strain.value
        self._move(self._window.strained(strain, number, self._begun), strain.value)

    def _move(self, window: Window, why: str) -> None:
        before, self._window = self._window.limit, window
        if window.limit == before:
            return
        tell = log.warning if window.limit < before else log.info
        tell("parts at a time", limit=window.limit, before=before, why=why)
        self._resize()

    def _resize(self) -> None:
        of_rate = parts_for_rate(self.pace.bytes_per_second, self._window.ceiling)
        self.parts.resize(min(self._window.limit, of_rate))

    # --- as people allow it -----------------------------------------------------------

    def hear(self, limit: str | None) -> None:
        """What a person has set in place of the setting; None when nobody has."""
        try:
            self._of_person = None if limit is None else Timetable.parse(limit)
        except ValueError as error:  # of another version, or written by hand
            self._of_person = None
            if limit != self._not_understood:
                log.warning("the limit of a person is not understood", error=str(error))
            self._not_understood = limit or ""

    def keep_time(self, now: float) -> None:
        """Put in force what holds at this time (Unix), by the clock on the wall."""
        table, local = self._of_person or self._setting, time.localtime(now)
        rate = table.rate_at(local.tm_wday, local.tm_hour * 60 + local.tm_min)
        if rate == self.pace.bytes_per_second:
            return
        self.pace.set_rate(rate)
        who = "set by a person" if self._of_person else "UPLOAD_RATE_LIMIT_BYTES_PER_SECOND"
        log.info("upload rate limit", bytes_per_second=rate, why=f"{who}: {table.text}")
        self._resize()
