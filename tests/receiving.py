"""A receiver of the webhook in this process: real HTTP, and answers as the test wants them."""

import hmac
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any


@dataclass(frozen=True)
class Post:
    """One request, whatever was answered."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def key(self) -> tuple[str, str]:
        """Type of the event, and the stream it is about."""
        return self.event["type"], self.event["subject"]

    def is_signed_with(self, secret: str) -> bool:
        """As standardwebhooks.com has it, put down here once more."""
        prefix, _, rest = secret.partition("_")
        key = b64decode(rest) if prefix == "whsec" else secret.encode()
        stamp = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}."
        digest = hmac.new(key, stamp.encode() + self.body, sha256).digest()
        return self.headers.get("webhook-signature") == f"v1,{b64encode(digest).decode()}"


@dataclass
class Receiver:
    """What came, and what is answered."""

    url: str
    answer: Callable[[Post], int | tuple[int, Mapping[str, str]] | None] = lambda _: 200
    """None: the connection is closed without a word."""
    posts: list[Post] = field(default_factory=list)
    taken: list[Post] = field(default_factory=list)
    """Those that were answered with 2xx."""

    def types_of(self, stream_id: str) -> list[str]:
        """Of the events that were taken, in the order they came."""
        return [post.event["type"] for post in self.taken if post.key[1] == stream_id]


@contextmanager
def receiving(port: int = 0, tls: SSLContext | None = None) -> Iterator[Receiver]:
    """Listens until left; the port can be that of an earlier one."""
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            post = Post({k.lower(): v for k, v in self.headers.items()}, body)
            receiver.posts.append(post)
            told = receiver.answer(post)
            if told is None:
                self.close_connection = True
                return
            status, headers = told if isinstance(told, tuple) else (told, {})
            if 200 <= status < 300:
                receiver.taken.append(post)
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
