"""Whether some process has a recording open for writing.

Linux refuses a read lease (fcntl(2), F_SETLEASE) while a file is open for writing, by a
file descriptor or a shared mapping: one call of microseconds. Who is not the file's owner
may not ask so, and some filesystems know no leases; then every process's open files are
looked through in /proc, as far as they can be seen.

What must stay true: a lease is never asked for unless SIGIO is ignored, because breaking
a lease sends SIGIO, which by default kills; and it is given back at once, because a
writer that opens the file waits for that. Network filesystems are not asked for a lease:
NFS refuses it without a delegation, which says nothing, and one granted says nothing
about other hosts.
"""

import fcntl
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from cefmp4.adapters.disk.mounts import is_network_filesystem
from cefmp4.core.model import Writer

INITIAL_PID_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO of the kernel: from here every process can be seen."""


def prepare_process() -> None:
    """Ignore SIGIO, so that leases may be asked for. Once, in the main thread."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)


def ask_writer(
    fd: int,
    path: str,
    is_network: Callable[[str], bool] = is_network_filesystem,
) -> Writer:
    """Whether a process has the regular file open for writing.

    `fd` is open for reading only and is all that this process has of the file.
    May block on a mount that hangs. Raises OSError when `fd` cannot be asked at all.
    """
    if is_network(path):
        seen = writer_seen_in_proc(fd)
        return seen if seen is Writer.OPEN else Writer.UNKNOWN
    return writer_by_lease(fd) or writer_seen_in_proc(fd)


def has_writer(path: str) -> bool:
    """Whether a process is known to have the regular file at `path` open for writing."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return ask_writer(fd, path) is Writer.OPEN
    finally:
        os.close(fd)


def writer_by_lease(fd: int) -> Writer | None:
    """What a read lease tells; None where it may not or cannot be asked for."""
    if signal.getsignal(signal.SIGIO) is not signal.SIG_IGN:
        return None
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return Writer.OPEN
    except OSError:
        return None
    with suppress(OSError):  # the kernel took it back by itself
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return Writer.CLOSED


def writer_seen_in_proc(fd: int) -> Writer:
    """What the open files of all processes tell.

    CLOSED needs that none could hide: every process readable, process 1 among them (a
    /proc mounted with hidepid shows fewer), and no namespace that has others outside.
    A shared mapping whose descriptor was closed is not seen.
    """
    status = os.fstat(fd)
    identity = (status.st_dev, status.st_ino)
    processes = [name for name in os.listdir("/proc") if name.isdecimal()]
    all_seen = "1" in processes and _is_initial_pid_namespace()
    for process in processes:
        try:
            if _has_open_for_writing(process, identity):
                return Writer.OPEN
        except PermissionError:
            all_seen = False
    return Writer.CLOSED if all_seen else Writer.UNKNOWN


def _has_open_for_writing(process: str, identity: tuple[int, int]) -> bool:
    """Raises PermissionError when the process may not be looked at."""
    try:
        return any(
            _is_write_access(process, number, identity)
            for number in os.listdir(f"/proc/{process}/fd")
        )
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return False


def _is_write_access(process: str, number: str, identity: tuple[int, int]) -> bool:
    """Whether this descriptor can write to the file with this identity.

    `flags` and `ino` (Linux 5.14) come first: they cost no visit to the file, which may
    lie on a mount that hangs.
    """
    try:
        with open(f"/proc/{process}/fdinfo/{number}", "rb") as lines:
            fdinfo = dict(line.split(b":", 1) for line in lines if b":" in line)
        flags = int(fdinfo[b"flags"], 8)
        if flags & os.O_PATH or flags & os.O_ACCMODE == os.O_RDONLY:
            return False
        if int(fdinfo.get(b"ino", identity[1])) != identity[1]:
            return False
        status = os.stat(f"/proc/{process}/fd/{number}")
    except (FileNotFoundError, ProcessLookupError):  # it was closed meanwhile
        return False
    return (status.st_dev, status.st_ino) == identity


def _is_initial_pid_namespace() -> bool:
    try:
        return os.readlink("/proc/self/ns/pid") == INITIAL_PID_NAMESPACE
    except OSError:
        return False
