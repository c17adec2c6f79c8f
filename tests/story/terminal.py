"""A terminal with somebody in front of it: a command in a pty, and what it shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ENDING_SECONDS = 60.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What a command has written to its terminal so far."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._raw = b""

    @property
    def text(self) -> str:
        """All of it, without colours and movements of the cursor."""
        while select.select([self._master], [], [], 0.05)[0]:
            try:
                told = os.read(self._master, 65_536)
            except OSError:  # the command has gone
                break
            if not told:
                break
            self._raw += told
        return ESCAPES.sub("", self._raw.decode(errors="replace"))

    def shows(self, pattern: str) -> bool:
        """Whether a line was ever shown in which this is found."""
        return re.search(pattern, self.text) is not None

    def interrupt(self) -> None:
        """Ctrl-C, as a terminal passes it on."""
        os.write(self._master, b"\x03")

    def wait(self) -> int:
        """The exit code; what is still written is read meanwhile."""
        deadline = time.monotonic() + ENDING_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            _ = self.text
        return self.process.wait(1)


@contextmanager
def terminal(
    environment: Mapping[str, str], folder: str, *arguments: str, columns: int = 140
) -> Iterator[Terminal]:
    """`cefmp4` with these arguments in a terminal of its own, 20 lines high."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 20, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "cefmp4", *arguments],
        env={"TERM": "xterm-256color", **environment},
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)


def _take_terminal() -> None:
    """So that Ctrl-C reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    heed_interrupts()


def heed_interrupts() -> None:
    """In a child: also where the tests run in the background, which ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
