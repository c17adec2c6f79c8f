"""Few words for how a stream stands, for sizes and for times."""

import time

from rich.text import Text

from cefmp4.core.model import Status
from cefmp4.core.safety import Safety
from cefmp4.rows import Row

VERDICTS = {
    Safety.STORED: ("✓", "green"),
    Safety.ON_ITS_WAY: ("●", "cyan"),
    Safety.AT_RISK: ("▲", "yellow"),
    Safety.NOT_STORED: ("✗", "bold red"),
    Safety.GIVEN_UP: ("–", "dim"),
}
VERDICT_WORDS = {
    Safety.STORED: "stored: its object stands and was verified",
    Safety.ON_ITS_WAY: "on its way: nothing is wrong",
    Safety.AT_RISK: "at risk: something keeps its bytes from the store",
    Safety.NOT_STORED: "not stored: it will not be without a person",
    Safety.GIVEN_UP: "given up: it is not stored, and nothing is left to do",
}
SHORT = {
    Status.PENDING_COMPLETION.value: "finishing",
    Status.S3_COMPLETED.value: "stored",
    Status.COMPLETED_WITH_META.value: "stored",
    Status.COMPLETED.value: "stored",
    Status.FAILED_FINALIZATION.value: "failed",
    Status.DELETED_LOCALLY.value: "gone",
}
"""On a terminal; the whole word is in `show` and in JSON."""
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def standing(row: Row) -> Text:
    """An icon, a word and a colour."""
    icon, style = VERDICTS[row.verdict]
    word = SHORT.get(row.status, row.status)
    if row.verdict is Safety.AT_RISK and row.status == Status.ACTIVE:
        word = "at risk"
    return Text(f"{icon} {word}", style)


def size(size_bytes: float | None) -> str:
    """With the unit that leaves one to four digits, or a dash."""
    if size_bytes is None:
        return "-"
    at = 0
    while size_bytes >= 1024 and at < len(UNITS) - 1:
        size_bytes, at = size_bytes / 1024, at + 1
    return f"{size_bytes:.0f} B" if at == 0 else f"{size_bytes:.1f} {UNITS[at]}"


def age(seconds: float) -> str:
    """About how long."""
    seconds = max(0.0, seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def clock(at: float) -> str:
    """By the clock on the wall here."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return "-"


def percent(row: Row) -> int | None:
    """Of what is on the disk, how much is in the store; None where nobody knows."""
    if row.disk_bytes is None:
        return None
    if not row.disk_bytes:
        return 0
    return min(100, int(100 * row.sent_bytes / row.disk_bytes))
