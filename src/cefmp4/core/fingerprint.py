"""How a stored recording is known again, after a rename, a restart, or a touch.

Inode, size and modification time stay when a file is renamed, so they find it under
another name; and they can be given to other bytes: `cp -p`, `touch -r` and every tool
that restores times set the modification time back. The change time nobody can set. It
moves with each write, and with a new name, mode, owner or link too: where it alone moved,
only the bytes can tell, and the checksum of what was stored is kept to ask them.
"""

from dataclasses import dataclass, field, replace

from cefmp4.core.checksum import object_crc64nvme
from cefmp4.core.model import Checkpoint, FileVersion


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is remembered of a stored recording. Equal where a rename alone was between."""

    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int | None = field(default=None, compare=False)
    """None: not known."""
    crc64nvme: int | None = field(default=None, compare=False)
    """Of the bytes that were stored. None: not known."""

    @classmethod
    def of(cls, version: FileVersion) -> "Fingerprint":
        return cls(version.inode, version.size_bytes, version.mtime_ns, version.ctime_ns)

    @classmethod
    def of_stored(cls, checkpoint: Checkpoint) -> "Fingerprint | None":
        """Of the version a stream stored; None when it was never sealed."""
        if checkpoint.seal is None:
            return None
        parts = (part for _, part in sorted(checkpoint.parts.items()))
        seen = cls.of(checkpoint.seal.version)
        return replace(seen, crc64nvme=object_crc64nvme(parts))

    def as_seen(self, version: FileVersion) -> "Fingerprint":
        """The same bytes, as this version of the file."""
        return replace(self, ctime_ns=version.ctime_ns)

    def is_untouched(self, version: FileVersion) -> bool:
        """Nothing at all was done to the file since."""
        same_look = self == Fingerprint.of(version)
        return same_look and self.ctime_ns in (None, version.ctime_ns)
