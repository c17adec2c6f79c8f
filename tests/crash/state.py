"""A Valkey with an append-only file, which can be killed and comes back with what it knew."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cefmp4.adapters.embedded import valkey
from cefmp4.adapters.embedded.valkey_server import ValkeyServer


class MortalValkey:
    """On a directory of its own, at one address for all its lives."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._running = ExitStack()
        self._server: ValkeyServer
        self.start()

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server = self._running.enter_context(valkey(self._directory))

    def kill(self) -> None:
        """SIGKILL, at this very instant."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._running.close()

    def end(self) -> None:
        self._running.close()


@contextmanager
def mortal_valkey() -> Iterator[MortalValkey]:
    """In a directory whose path is short enough for a socket: it must not move."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as directory:
        server = MortalValkey(directory)
        try:
            yield server
        finally:
            server.end()
