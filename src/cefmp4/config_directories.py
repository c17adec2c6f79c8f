"""What a directory of the settings may be; as `config_rules.py`. And how one is made.

Whether one can be made is told before anything is begun, by looking only: settings are read
by commands too, which leave nothing behind. Where looking cannot tell, as of a quota, the
start tries it. What must stay true: a directory that is there, although it cannot be read just
now, is no wrong setting but an outage, which the daemon waits for.
"""

import errno
import os

NOT_HERE = "mount or make it, or name another"
OF_THE_KERNEL = ("/proc", "/sys", "/dev/pts")
"""Where nobody makes a directory, whatever the permissions of those that are there say."""
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
_NEVER_THERE = (errno.ENAMETOOLONG, errno.ELOOP)


def absolute(path: str) -> str:
    """A path."""
    return os.path.abspath(os.path.expanduser(path))


def directory(path: str) -> str:
    """A directory that exists or can be created."""
    path = absolute(path)
    check_directory(path)
    return path


def watched(path: str) -> str:
    """A directory that exists or can be created."""
    return absolute(path)  # a start asks more: check_directory


def check_directory(path: str) -> None:
    """Raises ValueError where it is certain that it is no directory and none can be made."""
    if os.path.isdir(path):
        return
    if os.path.lexists(path):
        raise ValueError("must be a directory, but something else is there")
    there = path
    while number := _why_not_seen(there):
        if number in _NEVER_THERE:
            raise ValueError(f"cannot be a directory: {os.strerror(number)}; name another")
        if number not in _NOT_THERE:
            return  # a mount that is dead, and may come back
        there = os.path.dirname(there)
    if why := _why_nothing_is_made(there):
        raise ValueError(f"does not exist and cannot be created in {there}: {why}")


def is_missing(path: str) -> bool:
    """Nothing is there, for all one sees. False where a dead mount is."""
    return _why_not_seen(path) in _NOT_THERE


def make_directory(path: str) -> bool:
    """Make it unless it is there; whether it was made. Raises ValueError with the reason."""
    if not is_missing(path):
        return False
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise ValueError(f"does not exist and cannot be created: {why}; {NOT_HERE}") from error
    return True


def _why_not_seen(path: str) -> int:
    """The number of the system's error; 0 when something is there."""
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _why_nothing_is_made(there: str) -> str:
    """Why nothing can be made in it, with a remedy; empty when something may be made."""
    if not os.path.isdir(there):
        return f"it is no directory; {NOT_HERE}"
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"it is read-only; {NOT_HERE}"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"user {os.geteuid()} may not write there; {NOT_HERE}"
    device = os.stat(there).st_dev
    for place in OF_THE_KERNEL:
        if os.path.ismount(place) and os.stat(place).st_dev == device:
            return "it belongs to the kernel; name another"
    return ""
