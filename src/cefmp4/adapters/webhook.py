"""The `Receiver` port over HTTP: a CloudEvent in one signed POST.

Signed as https://www.standardwebhooks.com has it: HMAC-SHA256 over id, time and body, so that
a receiver knows who sent it, and that it is not an old one sent again by somebody else. No
redirect is followed: the signed event is for the one who was named. What must stay true: the
URL may hold a token, so nothing but its scheme, host and port is ever in a message.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from cefmp4 import __version__
from cefmp4.adapters.unreached import why_unreached
from cefmp4.core.cloudevents import CONTENT_TYPE
from cefmp4.core.signing import key_of, signature
from cefmp4.errors import DeliveryError
from cefmp4.ports import Event

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
GONE = 410

_DENIED = "the receiver wants to know who asks: see WEBHOOK_SECRET and its own log"
_HINTS = {
    401: _DENIED,
    403: _DENIED,
    404: "is the path in WEBHOOK_URL right?",
    405: "the receiver takes no POST there: is the path in WEBHOOK_URL right?",
    410: "the receiver wants no more of this",
}
_NOT_THERE = "check that the receiver runs, and where WEBHOOK_URL points"
_UNTRUSTED = "is its certificate trusted? SSL_CERT_FILE in the environment names a CA file"
_REDIRECTED = "redirects are not followed: put the final address into WEBHOOK_URL"


@asynccontextmanager
async def open_webhook(
    url: str, secret: str | None, now: Callable[[], float]
) -> AsyncIterator["Webhook"]:
    """The receiver at `url`; nothing is asked before the first event."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"cefmp4/{__version__}"},
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS),
    ) as session:
        yield Webhook(session, url, key_of(secret) if secret else None, now)


class Webhook:
    """Made by `open_webhook`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        key: bytes | None,
        now: Callable[[], float],
    ) -> None:
        self._session, self._url, self._key, self._now = session, url, key, now
        parts = urlsplit(url)
        self._name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    async def deliver(self, event: Event) -> None:
        """See Receiver. Taken is any 2xx; its body is not read."""
        headers = self._headers(event)
        try:
            async with self._session.post(
                self._url, data=event.body, headers=headers, allow_redirects=False
            ) as answer:
                status, asked = answer.status, answer.headers.get("Retry-After", "")
        except TimeoutError as error:
            raise DeliveryError(
                f"{self._name} did not answer in time",
                hint=_NOT_THERE,
                unanswered=isinstance(error, aiohttp.ConnectionTimeoutError),
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The message of the cause can quote the URL.
            why = why_unreached(error) or type(error).__name__
            raise DeliveryError(
                f"{self._name} cannot be reached: {why}",
                hint=_UNTRUSTED if isinstance(error, aiohttp.ClientSSLError) else _NOT_THERE,
                unanswered=isinstance(error, aiohttp.ClientConnectorError),
            ) from None
        if not 200 <= status < 300:
            raise DeliveryError(
                f"{self._name} answered {status}",
                hint=_REDIRECTED if 300 <= status < 400 else _HINTS.get(status, ""),
                transient=status != GONE,
                retry_after_seconds=_seconds(asked, self._now()),
            )

    def _headers(self, event: Event) -> dict[str, str]:
        timestamp = int(self._now())
        headers = {
            "Content-Type": CONTENT_TYPE,
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, event.id, timestamp, event.body)
        return headers


def _seconds(retry_after: str, now: float) -> float:
    """What Retry-After asks for: seconds, or a time; 0 when it is neither."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # the latter for a 99999999999999999999th of January
        return 0.0
    return max(0.0, when.replace(tzinfo=when.tzinfo or UTC).timestamp() - now)
