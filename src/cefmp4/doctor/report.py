"""What an examination finds: one row for each thing that was looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cefmp4.errors import CefMP4Error


class Health(StrEnum):
    """How a thing was found."""

    OK = "ok"
    WARNING = "warning"
    """The daemon works, but not as well, or not as safely, as it could."""
    FAILED = "failed"
    """The daemon cannot do its work."""
    NOT_ASKED = "not asked"
    """Something else has to be mended first: then it can be."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, how it was found, and how to mend it."""

    what: str
    health: Health
    found: str
    mend: str = ""


def fine(what: str, found: str) -> Row:
    return Row(what, Health.OK, found)


def warning(what: str, found: str, mend: str) -> Row:
    return Row(what, Health.WARNING, found, mend)


def failed(what: str, found: str, mend: str) -> Row:
    return Row(what, Health.FAILED, found, mend)


def not_asked(what: str, why: str, mend: str) -> Row:
    return Row(what, Health.NOT_ASKED, why, mend)


def failure(what: str, error: CefMP4Error, otherwise: str) -> Row:
    """An error with its hint, or else with this one."""
    return failed(what, str(error), error.hint or otherwise)


def nothing_failed(rows: Iterable[Row]) -> bool:
    return all(row.health is not Health.FAILED for row in rows)
