"""Whether a path lies on a filesystem that other hosts can write to.

There the kernel tells only half: it reports no events for what another host does (so the
watcher has to look for itself) and knows nothing of the files open over there (so "is it
still open for writing?" has no answer). FUSE counts too: what is behind it is not known,
and container desktops share folders that way.

A doubt is taken for a yes: looking again and again, and waiting out the idle time, is
right on every filesystem.
"""

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

MOUNTS = "/proc/self/mountinfo"

NETWORK_FILESYSTEMS = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fakeowner",  # Docker Desktop
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "osxfs",
        "prl_fs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)


@dataclass(frozen=True, slots=True)
class MountTable:
    """What is mounted: the filesystem type by device number and by mount point."""

    by_device: Mapping[int, str]
    by_mount_point: Mapping[str, str]

    def type_of(self, path: str) -> str | None:
        """The filesystem type of an existing path, links followed.

        btrfs and overlayfs give files device numbers that stand in no table; their
        mount point tells.
        """
        by_device = self.by_device.get(os.stat(path).st_dev)
        return by_device or self.type_below(os.path.realpath(path))

    def type_below(self, path: str) -> str | None:
        while path not in self.by_mount_point and path != "/":
            path = os.path.dirname(path)
        return self.by_mount_point.get(path)


def is_network_filesystem(path: str) -> bool:
    """Whether other hosts may write to this file or directory; True when in doubt.

    Asks the disk, so it may block on a mount that hangs: not for the event loop. Raises
    OSError when no file can be opened just now, which is no doubt about this one.
    """
    kind = filesystem_of(path)
    return kind is None or kind.startswith("fuse") or kind in NETWORK_FILESYSTEMS


def filesystem_of(path: str) -> str | None:
    """The type of the filesystem this file or directory lies on, None when not known.

    Raises OSError when no file can be opened just now.
    """
    try:
        with open(MOUNTS, "rb") as mounts:
            return mount_table(mounts.read()).type_of(path)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        return None


@lru_cache(maxsize=1)
def mount_table(mountinfo: bytes) -> MountTable:
    """The table in `mountinfo` (proc_pid_mountinfo(5)): parsed again only when it changed.

    It is read each time, because device numbers are given anew after an unmount.
    """
    by_device, by_mount_point = {}, {}
    for line in mountinfo.splitlines():
        place, _, source = line.partition(b" - ")
        fields = place.split(b" ")
        major, _, minor = fields[2].partition(b":")
        kind = os.fsdecode(source.split(b" ")[0])
        by_device[os.makedev(int(major), int(minor))] = kind
        by_mount_point[os.fsdecode(_unescaped(fields[4]))] = kind
    return MountTable(by_device, by_mount_point)


def _unescaped(mount_point: bytes) -> bytes:
    r"""Space, tab, newline and backslash stand there as \040 and the like."""
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), mount_point)
