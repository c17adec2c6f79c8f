"""What one look at the world told about one recording."""

from dataclasses import dataclass

from cefmp4.core.model import FileVersion, Inspection, Wish
from cefmp4.core.numbers import NO_NUMBERS, Numbers


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true right now, as far as one look can tell."""

    version: FileVersion | None
    """None: no regular file is there under the stream's path."""
    quiet_seconds: float = 0.0
    """How long this very version has been seen unchanged."""
    missing_seconds: float = 0.0
    """How long the stream's own file had been missing when all was last scanned."""
    close_seen: bool = False
    """A writer closed the file since this version was first seen."""
    inspection: Inspection | None = None
    """A closer look at this very version, if one was taken."""
    looked_into: bool = True
    """Some version of it was looked into; False of one that is new here."""
    verified: Numbers = NO_NUMBERS
    """Stored parts whose checksum was held against this very version."""
    upload_may_exist: bool = True
    """An upload may stand in the store whose id was never recorded."""
    watch_dir_away: bool = False
    """The watched directory it was in is gone, unmounted, suddenly empty, or another one
    stands there: an outage."""
    moved_to: str | None = None
    """Where in the watched directory the stream's own file is now, if it was renamed."""
    wish: Wish | None = None
    """What a person asked for."""
