"""HTTP/1.1 as far as S3 clients speak it, on a blocking socket, for next to no CPU.

A body that nobody will read is not even copied: on plain TCP the kernel throws it away
(`MSG_TRUNC`), with TLS it is decrypted into a buffer that all connections share.
"""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

HEAD_BYTES = 16 * 1024
_VOID = bytearray(4 * 1024**2)
"""Where bytes go that nobody reads; with MSG_TRUNC it is never touched."""


class Closed(Exception):
    """The client is gone."""


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def body_bytes(self) -> int:
        """How long the body is once it is unpacked; 0 when it does not tell."""
        told = self.headers.get("x-amz-decoded-content-length") or self._framed_bytes
        return int(told)

    @property
    def _framed_bytes(self) -> str:
        return self.headers.get("content-length", "0")

    @property
    def framed_bytes(self) -> int | None:
        """What follows on the wire; None when it comes in chunks that tell."""
        chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        return None if chunked else int(self._framed_bytes)

    @property
    def is_aws_chunked(self) -> bool:
        """Within whatever framing, chunks of S3's own, with signatures and a checksum."""
        return "aws-chunked" in self.headers.get("content-encoding", "")


class Wire:
    """One connection, read from front to back."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._flags = 0 if isinstance(connection, ssl.SSLSocket) else socket.MSG_TRUNC
        self._ahead = b""

    def head(self) -> Head:
        """The next request, up to its body. Raises Closed when there is none."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Head(method, target, headers)

    def send(self, answer: bytes) -> None:
        self._socket.sendall(answer)

    def take_body(self, head: Head) -> bytes:
        """The whole body, unpacked."""
        if head.framed_bytes is None:
            body = b"".join(self._take(length) for length in self._chunks())
        else:
            body = self._take(head.framed_bytes)
        return _unpacked(body) if head.is_aws_chunked else body

    def drop_body(self, head: Head) -> None:
        """Throw the body away."""
        if head.framed_bytes is not None:
            self._drop(head.framed_bytes)
            return
        for length in self._chunks():
            self._drop(length)

    def _chunks(self) -> Iterator[int]:
        """The length of each chunk; whoever asks takes its content before the next."""
        while length := self._chunk_length():
            yield length
            self._until(b"\r\n")
        while self._until(b"\r\n"):
            pass  # trailers

    def _chunk_length(self) -> int:
        return int(self._until(b"\r\n").partition(b";")[0], 16)

    def _until(self, mark: bytes) -> bytes:
        """What comes before `mark`, which is taken too."""
        while mark not in self._ahead:
            self._fill()
        before, _, self._ahead = self._ahead.partition(mark)
        return before

    def _take(self, length: int) -> bytes:
        while len(self._ahead) < length:
            self._fill()
        taken, self._ahead = self._ahead[:length], self._ahead[length:]
        return taken

    def _drop(self, length: int) -> None:
        left = length - min(length, len(self._ahead))
        self._ahead = self._ahead[length:]
        while left:
            got = self._socket.recv_into(_VOID, min(left, len(_VOID)), self._flags)
            if not got:
                raise Closed
            left -= got

    def _fill(self) -> None:
        got = self._socket.recv(HEAD_BYTES)
        if not got:
            raise Closed
        self._ahead += got


def _unpacked(body: bytes) -> bytes:
    """The content of aws-chunked."""
    pieces = []
    while body:
        head, _, body = body.partition(b"\r\n")
        length = int(head.partition(b";")[0], 16)
        if not length:
            break
        pieces.append(body[:length])
        body = body[length + 2 :]
    return b"".join(pieces)
