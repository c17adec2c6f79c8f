"""How times and names are written where others read them."""

from datetime import UTC, datetime


def utc(seconds: float) -> str:
    """ISO 8601 in UTC, with microseconds. Raises for a year there is not."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def utc_or_none(seconds: float | None) -> str | None:
    """The same; None also for a year there is not: a wrong clock must not stop a stream."""
    try:
        return None if seconds is None else utc(seconds)
    except (ValueError, OverflowError, OSError):
        return None


def readable(path: str) -> str:
    """A path as valid text: bytes that are not UTF-8 become U+FFFD.

    Whatever else is no text, as the JSON of others can hold it, becomes a question mark.
    """
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "replace")
    return raw.decode("utf-8", "replace")
