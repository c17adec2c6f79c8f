"""Between a daemon and its state server: counts what goes back and forth.

An exchange is a request that follows an answer on the same connection; what is sent in
one go, a script call or a pipeline, is one. The bytes are those of the protocol.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

PIECE_BYTES = 64 * 1024


@dataclass(slots=True)
class Traffic:
    """All connections together."""

    exchanges: int = 0
    bytes_sent: int = 0
    bytes_answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Relay:
    """Listens on loopback, forwards to the unix socket of a Valkey."""

    def __init__(self, redis_url: str) -> None:
        self.traffic = Traffic()
        self._path = unquote(urlsplit(redis_url).path)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def serve(self) -> None:
        """Until it is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._path)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asking = [False]
            back = threading.Thread(
                target=self._forward, args=(server, client, asking, False), daemon=True
            )
            back.start()
            self._forward(client, server, asking, True)
            back.join()

    def _forward(
        self, source: socket.socket, target: socket.socket, asking: list[bool], out: bool
    ) -> None:
        traffic = self.traffic
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                with traffic.lock:
                    if out and not asking[0]:
                        traffic.exchanges += 1
                    asking[0] = out
                    traffic.bytes_sent += len(piece) if out else 0
                    traffic.bytes_answered += 0 if out else len(piece)
                target.sendall(piece)
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(redis_url: str) -> Iterator[Relay]:
    """A relay at work."""
    relay = Relay(redis_url)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join(5.0)
