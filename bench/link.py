"""A slow link to a store: one token bucket for all that goes towards it.

    python -m bench.link --to HOST:PORT --bits-per-second N

It prints its port and forwards until it is ended; answers come back at full speed. Socket
buffers are small, so that a client cannot have its bytes taken long before they are sent.
"""

import argparse
import socket
import sys
import threading
import time
from contextlib import suppress

PIECE_BYTES = 16 * 1024
BURST_SECONDS = 0.02
BUFFER_BYTES = 64 * 1024


class Bucket:
    """Lets so many bytes a second pass, whoever brings them."""

    def __init__(self, bytes_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def wait(self, size_bytes: int) -> None:
        """Until these bytes have passed."""
        with self._lock:
            begin = max(self._free_at, time.monotonic() - BURST_SECONDS)
            self._free_at = begin + size_bytes / self._bytes_per_second
            passed_at = self._free_at
        time.sleep(max(0.0, passed_at - time.monotonic()))


def _forward(source: socket.socket, target: socket.socket, bucket: Bucket | None) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            if bucket is not None:
                bucket.wait(len(piece))
            target.sendall(piece)
    for side in (source, target):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


def _connect(client: socket.socket, store: tuple[str, int], bucket: Bucket) -> None:
    with client, socket.create_connection(store) as server:
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=_forward, args=(server, client, None), daemon=True)
        back.start()
        _forward(client, server, bucket)
        back.join()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--to", required=True)
    arguments.add_argument("--bits-per-second", type=float, required=True)
    told = arguments.parse_args()
    host, _, port = told.to.rpartition(":")
    bucket = Bucket(told.bits_per_second / 8)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        client, _ = listener.accept()
        store = (host, int(port))
        threading.Thread(target=_connect, args=(client, store, bucket), daemon=True).start()


if __name__ == "__main__":
    main()
