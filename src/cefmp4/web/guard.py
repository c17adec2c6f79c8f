"""Who may ask, and what no answer lacks.

Whoever can reach the port may read. What must stay true all the same: a web site that a
person visits cannot read this one through their browser, nor make the daemon do anything
(no rebinding of names, no requests from elsewhere); and whatever changes something needs
WEB_TOKEN, in a header and nowhere else.
"""

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from cefmp4.errors import CefMP4Error
from cefmp4.retry import is_worth_a_line
from cefmp4.web.words import said

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "cefmp4",
}
MOST_BODY_BYTES = 1024
"""No call needs one."""
BODY_SECONDS = 5.0
FORGIVEN = 5
"""Wrong tokens that are answered at once; each one more slowly after that."""
LONGEST_WAIT_SECONDS = 2.0
MOST_WAITING = 50
"""Wrong tokens that are answered slowly at the same time."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]@/\s]+)(?::[0-9]{1,5})?")


class Guard:
    """Stands before every handler."""

    def __init__(
        self,
        token: str | None,
        hosts: Collection[str] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token, self._hosts, self._sleep = token, frozenset(hosts), sleep
        self._loopback_only = True
        self._wrong = self._waiting = 0

    def bound_to(self, addresses: Iterable[str]) -> None:
        """Where the server listens. On loopback only its own names are answered."""
        self._loopback_only = all(ipaddress.ip_address(a).is_loopback for a in addresses)

    async def dress(self, _: web.Request, response: web.StreamResponse) -> None:
        """What every answer says, whatever it is."""
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn away what may not ask; every failure is one line of text."""
        try:
            self._check_host(request)
            if request.path.startswith(("/api/", "/metrics")):  # a scrape is no mere reading
                self._check_site(request)
            return await handler(request)
        except web.HTTPException as refusal:
            if not refusal.text or "\n" not in refusal.text:
                refusal.text = f"{refusal.status}: {refusal.reason}\n"
            raise
        except CefMP4Error as error:
            text = said(f"{error}; {error.hint}" if error.hint else str(error))
            raise web.HTTPServiceUnavailable(
                text=_one_line(text), headers={"Retry-After": "5"}
            ) from error
        except ConnectionError:
            raise  # whoever asked has left
        except Exception as error:
            log.exception("a request failed", path=request.path)
            raise web.HTTPInternalServerError(
                text="something went wrong here: see the log of the daemon, and report it\n"
            ) from error

    def _check_host(self, request: web.Request) -> None:
        """A name that somebody made point here is none of ours (DNS rebinding)."""
        host = request.headers.get("Host", "")
        if self._hosts:
            is_ours = is_local(host) or is_address(host) or name_in(host) in self._hosts
        else:
            is_ours = is_local(host) or not self._loopback_only
        if not is_ours:
            raise web.HTTPMisdirectedRequest(
                text="ask for localhost, or let WEB_HOSTS have the name that was asked for\n"
            )

    def _check_site(self, request: web.Request) -> None:
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in {"same-origin", "none"}:
            raise web.HTTPForbidden(text="not from another site\n")
        origin = request.headers.get("Origin")
        if origin is not None and not is_same(origin, request.headers.get("Host", "")):
            raise web.HTTPForbidden(text="not from another site\n")

    async def admit(self, request: web.Request, what: str, stream_id: str = "") -> None:
        """Let through only a call by somebody who has the token, and log it.

        Raises HTTPForbidden without a token set, HTTPUnauthorized for a wrong one.
        """
        if self._token is None:
            raise web.HTTPForbidden(text="set WEB_TOKEN to allow calls that change something\n")
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(_bytes(given), _bytes(f"Bearer {self._token}")):
            await self._turn_away(request, what)
        await _take_body(request)
        log.info("told over HTTP", what=what, stream_id=stream_id, remote=request.remote)

    async def _turn_away(self, request: web.Request, what: str) -> None:
        """Guessing gets slow; who has the right token never waits."""
        self._wrong += 1
        if is_worth_a_line(self._wrong):
            log.warning("a wrong token", what=what, remote=request.remote, times=self._wrong)
        if self._wrong > FORGIVEN:
            await self._wait()
        raise web.HTTPUnauthorized(
            text="bring WEB_TOKEN as a bearer token\n", headers={"WWW-Authenticate": "Bearer"}
        )

    async def _wait(self) -> None:
        if self._waiting >= MOST_WAITING:
            raise web.HTTPTooManyRequests(
                text="too many wrong tokens\n", headers={"Retry-After": "5"}
            )
        self._waiting += 1
        try:
            await self._sleep(min(LONGEST_WAIT_SECONDS, 0.1 * (self._wrong - FORGIVEN)))
        finally:
            self._waiting -= 1


def is_local(host: str) -> bool:
    """Whether a Host header names this machine as it names itself."""
    name = name_in(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_address(host: str) -> bool:
    """Whether a Host header is a plain address: nobody can have that lead elsewhere."""
    return _address(name_in(host)) is not None


def name_in(host: str) -> str:
    """The name in a Host header, without the port; empty if it is none."""
    found = _HOST.fullmatch(host.lower())
    return found.group(1) if found else ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
    return address if (address.version == 6) == name.startswith("[") else None


def is_same(origin: str, host: str) -> bool:
    """Whether an Origin header means the site that a Host header names."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower() != ""


async def _take_body(request: web.Request) -> None:
    """Nobody needs one: what is small is thrown away."""
    length = request.content_length or 0
    if length > MOST_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MOST_BODY_BYTES, length, text="send no body\n")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="send no body\n") from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _one_line(text: str) -> str:
    return " ".join(text.split()) + "\n"
