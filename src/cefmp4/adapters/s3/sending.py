"""A span of a file on its way into a socket, by `sendfile`, in a thread of its own.

On plain HTTP the bytes of a part need not pass through this process: the kernel copies them
from the page cache into the connection. A thread does it, because a page that is not in
the cache is waited for, and a disk or mount may hang; so the event loop has nothing to do
between the first byte of a part and the last.

What must stay true: the thread has a descriptor of the connection of its own, so that it
never writes into another's; and it ends soon after `stop`, whatever it waits for.
"""

import select
import socket
import threading
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from cefmp4.pace import Pace
from cefmp4.ports import FileSpan

PIECE_BYTES = 256 * 1024
"""What one stall time must suffice for, so that several parts on one thin uplink (here
35 kbit/s each in 60 s) still count as progress."""

GULP_BYTES = 4 * PIECE_BYTES
"""What is asked of one `sendfile`, and of the pace: as much may still go out at the old
rate when that changes."""

_FAST_BYTES = 2 * PIECE_BYTES
"""What the kernel takes beyond what it can send, while there is much left: it asks for more
when half of it is gone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How parts are sent."""

    stall_seconds: float
    """The longest time in which a peer takes nothing."""
    pace: Pace
    threads: Executor
    """One for every part that can be on its way."""


class Duplicated(Protocol):
    """What asyncio shows of a transport's socket."""

    def dup(self) -> socket.socket: ...


class FileSending:
    """Sends `size_bytes` of a file; `run` is for a thread, the rest for the event loop."""

    def __init__(
        self, file: FileSpan, size_bytes: int, connection: Duplicated, terms: Terms
    ) -> None:
        self._file, self._size_bytes, self._terms = file, size_bytes, terms
        self._connection = connection.dup()
        self._stopped = threading.Event()
        self.asked_bytes = 0
        """Up to where the kernel was asked to take the bytes."""
        self.taken_bytes = 0
        """Up to where it has."""

    def run(self) -> None:
        """Send all of it, unless the peer goes away: that is told by the connection.

        Raises TimeoutError when the peer takes nothing for the stall time, and as
        `FileSpan.send_to` what is wrong with the file.
        """
        with self._connection as connection, suppress(ConnectionError):
            takes_ahead(connection, _FAST_BYTES)
            while (left := self._size_bytes - self.asked_bytes) > 0:
                if left <= GULP_BYTES:  # the wait for the answer begins after the last byte
                    takes_ahead(connection, PIECE_BYTES)
                grant = self._terms.pace.reserve(min(left, GULP_BYTES))
                if self._stopped.wait(grant.wait_seconds):
                    return
                self._send(connection, grant.size_bytes)

    def _send(self, connection: socket.socket, count: int) -> None:
        self.asked_bytes += count
        while (start := self.taken_bytes) < self.asked_bytes:
            try:
                self.taken_bytes += self._file.send_to(
                    connection.fileno(), start, self.asked_bytes - start
                )
            except BlockingIOError:
                _wait_until_writable(connection, self._terms.stall_seconds)

    def stop(self) -> None:
        """Let it end: of no use to anybody any more."""
        self._stopped.set()
        with suppress(OSError):  # it has ended, or the peer has
            self._connection.shutdown(socket.SHUT_RDWR)


def takes_ahead(connection: socket.socket, count: int) -> None:
    """Let the kernel take so many bytes more than it can send.

    By default it swallows megabytes at once; on a thin uplink their sending would then count
    as silence of the store, and no part would ever get through.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, count)


def _wait_until_writable(connection: socket.socket, seconds: float) -> None:
    writable = select.poll()
    writable.register(connection, select.POLLOUT)
    if not writable.poll(seconds * 1000):
        raise TimeoutError("the peer takes no more bytes")
