"""Why a server could not be reached, in plain words, for whatever speaks HTTP.

The words of the HTTP client are about itself (`ssl:default`, `Connect call failed`), and
mislead. What must stay true: of a URL nothing but its host and port is ever said.
"""

import os
import re
import socket
import ssl
from urllib.parse import urlsplit

import aiohttp

_PORTS = {"http": 80, "https": 443}
_SILENT = "no answer in time"
_CLOSED = "the connection was closed"


def unreached(error: object) -> str:
    """What could not be reached, and why; empty for a failure of another kind."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy does not let us through: it answers {error.status}"
    if not isinstance(error, aiohttp.ClientConnectionError):
        return ""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return why_unreached(error)
    proxy = "the proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
    where = _address(error.host, error.port)
    why = why_unreached(error) or type(error.os_error).__name__
    return f"cannot connect to {proxy}{where}: {why}"


def unreached_in_time(url: str) -> str:
    """The same, of a server that says nothing to who wants to connect."""
    parts = urlsplit(url)
    where = _address(parts.hostname or "", parts.port or _PORTS.get(parts.scheme))
    return f"cannot connect to {where}: {_SILENT}"


def why_unreached(error: BaseException) -> str:
    """Why alone; empty when nobody knows."""
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    match error:
        case socket.gaierror():
            again = error.errno == socket.EAI_AGAIN
            return "no name server answers" if again else "name not found"
        case ssl.SSLCertVerificationError():
            told = getattr(error, "verify_message", "") or "unknown"
            return f"its certificate is not trusted: {told.rstrip('.')}"
        case ssl.SSLError():
            return f"no TLS with it: {(error.reason or 'unknown').lower().replace('_', ' ')}"
        case TimeoutError():
            return _SILENT
        case OSError() if error.errno:
            return _in_words(error.errno)
        case ConnectionError() | aiohttp.ServerDisconnectedError():
            return _CLOSED
        case OSError():  # of a name with several addresses, each has failed in its own way
            numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(error)))
            return ", ".join(_in_words(int(number)) for number in numbers)
    return ""


def _in_words(number: int) -> str:
    told = os.strerror(number)
    return told[:1].lower() + told[1:]


def _address(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
