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
from contextlib import suppress
from typing import Protocol

from cefmp4.ports import FileSpan

PIECE_BYTES = 256 * 1024
"""What one stall time must suffice for, so that several parts on one thin uplink (here
35 kbit/s each in 60 s) still count as progress."""

GULP_BYTES = 4 * PIECE_BYTES
"""What is asked of one `sendfile`."""

_FAST_BYTES = 2 * PIECE_BYTES
"""What the kernel takes beyond what it can send, while there is much left: it asks for more
when half of it is gone."""


class Duplicated(Protocol):
    """What asyncio shows of a transport's socket."""

    def dup(self) -> socket.socket: ...


class FileSending:
    """Sends `size_bytes` of a file; `run` is for a thread, the rest for the event loop."""

    def __init__(
        self, file: FileSpan, size_bytes: int, connection: Duplicated, stall_seconds: float
    ) -> None:
        self._file, self._size_bytes = file, size_bytes
        self._connection = connection.dup()
        self._stall_ms = stall_seconds * 1000
        self.asked_bytes = 0
        """Up to where the kernel was asked to take the bytes."""

    def run(self) -> None:
        """Send all of it, unless the peer goes away: that is told by the connection.

        Raises TimeoutError when the peer takes nothing for the stall time, and as
        `FileSpan.send_to` what is wrong with the file.
        """
        with self._connection as connection:
            writable = select.poll()
            writable.register(connection, select.POLLOUT)
            takes_ahead(connection, _FAST_BYTES)
            sent = 0
            while sent < self._size_bytes:
                left = self._size_bytes - sent
                if left <= GULP_BYTES:  # the wait for the answer begins after the last byte
                    takes_ahead(connection, PIECE_BYTES)
                count = min(left, GULP_BYTES)
                self.asked_bytes = sent + count
                try:
                    sent += self._file.send_to(connection.fileno(), sent, count)
                except BlockingIOError:
                    if not writable.poll(self._stall_ms):
                        raise TimeoutError("the peer takes no more bytes") from None
                except ConnectionError:
                    return

    def stop(self) -> None:
        """Let it end: of no use to anybody any more."""
        with suppress(OSError):  # it has ended, or the peer has
            self._connection.shutdown(socket.SHUT_RDWR)


def takes_ahead(connection: socket.socket, count: int) -> None:
    """Let the kernel take so many bytes more than it can send.

    By default it swallows megabytes at once; on a thin uplink their sending would then count
    as silence of the store, and no part would ever get through.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, count)
