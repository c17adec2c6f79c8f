"""What a directory of the settings may be; as `config_rules.py`. And how one is made.

Whether one can be made is told before anything is begun, by looking only: settings are read
by commands too, which leave nothing behind. Where looking cannot tell, as of a quota, the
start tries it. What must stay true: a directory that is there, although it cannot be read just
now, is no wrong setting but an outage, which the daemon waits for.
"""

import errno
import os

NOT_HERE = "mount or make it, or name another"
NOT_OURS = "let it, or name another"
OF_THE_KERNEL = ("/proc", "/sys", "/dev/pts")
"""Where nobody makes a directory, whatever the permissions of those that are there say."""
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)
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
    number, there = _why_not_seen(path, through_links=True), path
    if number == 0:
        raise ValueError("must be a directory, but something else is there")
    if os.path.islink(path) and number in _NOT_THERE:
        raise ValueError(f"is a link to what is not there; {NOT_HERE}")
    denied = number == errno.EACCES
    while number:
        if number in _NEVER_THERE:
            raise ValueError(f"cannot be a directory: {os.strerror(number)}; name another")
        if number not in (*_NOT_THERE, errno.EACCES):
            return  # a mount that is dead, and may come back
        there = os.path.dirname(there)
        number = _why_not_seen(there)
    if denied:
        _check_entered(there)
    elif why := _why_nothing_is_made(there):
        raise ValueError(f"does not exist and cannot be created in {there}: {why}")


def is_missing(path: str) -> bool:
    """Nothing is there. False where one cannot tell: behind a closed door, or a dead mount."""
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


def _why_not_seen(path: str, *, through_links: bool = False) -> int:
    """The number of the system's error; 0 when something is there."""
    try:
        os.stat(path, follow_symlinks=through_links)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _why_nothing_is_made(there: str) -> str:
    """Why nothing can be made in it, with a remedy; empty when something may be made."""
    if not os.path.isdir(there):
        return f"it is no directory; {NOT_HERE}"
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"it is read-only; {NOT_HERE}"
    if not _may(there, os.W_OK | os.X_OK):
        return f"user {os.geteuid()} may not write there; {NOT_HERE}"
    device = os.stat(there).st_dev
    for place in OF_THE_KERNEL:
        if os.path.ismount(place) and os.stat(place).st_dev == device:
            return "it belongs to the kernel; name another"
    return ""


def _check_entered(there: str) -> None:
    """What is in it may well be there, and is never seen by this user."""
    if not _may(there, os.X_OK):
        raise ValueError(
            f"cannot be seen: user {os.geteuid()} may not enter {there}; {NOT_OURS}"
        )


def _may(there: str, mode: int) -> bool:
    """Whether this process may, by its user or by a capability, of which the first knows
    nothing. The second alone will not do: kernels and sandboxes exist that cannot answer."""
    return os.access(there, mode) or os.access(there, mode, effective_ids=True)
