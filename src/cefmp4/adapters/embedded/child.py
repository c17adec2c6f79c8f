"""A server process that is ready when we say so and never outlives us.

The kernel kills it when the thread that started it ends (`PR_SET_PDEATHSIG`), which also
covers `kill -9` of ours; so servers are started from the main thread only.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cefmp4.errors import CefMP4Error

Process = subprocess.Popen[bytes]

START_SECONDS = 30.0
STOP_SECONDS = 5.0
"""SeaweedFS takes up to 29 s with a part in flight; what it has answered for is safe."""
_SOCKET_PATH_BYTES = 107
"""What the kernel takes as the path of a unix socket (`sun_path`, less its final zero)."""
_LOG_TAIL_BYTES = 600

# Asks the kernel to kill us with our parent, makes sure that the parent did not die before
# we asked, and becomes the server. A preexec_fn would do the same inside a forked copy of
# a possibly threaded process, where it may deadlock.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Died(CefMP4Error):
    """The server ended instead of becoming ready."""

    transient = False


def start(
    name: str,
    command: Sequence[str],
    directory: str,
    ready: Callable[[], bool],
    *,
    secrets: Mapping[str, str] | None = None,
    inherit: Sequence[int] = (),
) -> Process:
    """Start a server in `directory` and wait until it is ready.

    Secrets go into its environment, where other users cannot read them as they can the
    command line. File descriptors to `inherit` stay open for as long as it lives. It gets
    a session of its own, so that Ctrl-C stops us and not the server under us.

    Raises Died, or another CefMP4Error when it is not ready in time.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("the kernel would end the server together with this thread")
    kept = {k: os.environ[k] for k in ("PATH", "LD_LIBRARY_PATH", "TZ") if k in os.environ}
    log = os.path.join(directory, f"{name.lower()}.log")
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env={**kept, "HOME": directory, **(secrets or {})},
            pass_fds=inherit,
            start_new_session=True,
        )
    try:
        _wait_ready(name, process, log, ready)
    except BaseException:
        stop(process)
        raise
    return process


def stop(process: Process) -> None:
    """Ask it to end, wait a little, make it end."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_ready(name: str, process: Process, log: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        if ready():
            return
        if time.monotonic() > deadline:
            raise CefMP4Error(
                f"{name} was not ready in {START_SECONDS:.0f} s{_last_words(log)}",
                hint=f"read {log}; is the disk full or very slow?",
                transient=False,
            )
        time.sleep(0.02)
    raise Died(
        f"{name} ended with {process.returncode} instead of starting{_last_words(log)}",
        hint=f"read {log}; is the disk full?",
    )


def _last_words(log: str) -> str:
    """What a server said last, on one line."""
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - _LOG_TAIL_BYTES))
        said = file.read().decode(errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"; it said: {' | '.join(lines[-3:])}" if lines else ""


def make_private(directory: str) -> None:
    """Make a directory, or an existing one, for its owner only."""
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o700)


@contextmanager
def socket_directory(directory: str, longest_name: str) -> Iterator[str]:
    """`directory`, or a private one of shorter path where no socket could be bound in it."""
    if len(os.fsencode(os.path.join(directory, longest_name))) <= _SOCKET_PATH_BYTES:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="cefmp4-") as shorter:
        yield shorter
