"""How the daemon logs: one event per line, readable by people or by machines.

Everything goes to stderr, as stdout belongs to what a command was asked for
(`cefmp4 streams --json`); containers and systemd collect both. Libraries log through the
same renderer, from WARNING on, the same line at most once a minute (`repeats.py`). What
must stay true: no name, whatever bytes it holds, breaks a line or makes the renderer fail;
no secret is ever written, also not inside the message of somebody else's exception.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from cefmp4.repeats import Repeats

OURS: Final = "cefmp4"
HIDDEN: Final = "(hidden)"
SHORTEST_SECRET: Final = 4
"""Anything shorter would blank out ordinary words."""
DEEPEST: Final = 6
"""Values nested deeper are written as text."""
FIRST: Final = ("timestamp", "level", "logger_name", "event")

_SECRET_KEYS = re.compile(
    r"(?:proxy-)?authorization|x-amz-(?:signature|credential|security-token)"
    r"|password|secret|token|(?:aws_)?secret_access_key|(?:aws_)?session_token",
    re.IGNORECASE,
)
_LOOKS_SECRET = (
    (re.compile(r"://[^\s/?#\"'<>]*@"), f"://{HIDDEN}@"),
    (
        re.compile(
            r"""(x-amz-(?:signature|credential|security-token)\b['"]?\s*[=:]\s*['"]?)[^&\s"',;}]+""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (
        # In the query of a URL, by the name: also `api_key`, `access-token`, `X-Amz-…`.
        re.compile(
            r"""([?&](?:[\w.~-]*[-_.])?(?:token|sig|signature|key|apikey|password|passwd|pwd"""
            r"""|secret|credential|auth)=|[?&]x-amz-[\w-]+=)[^&#\s"'<>]+""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"""(authorization\b['"]?\s*[=:,]\s*(?:b?['"])?)[^"'\r\n}]+""", re.IGNORECASE
        ),
        rf"\1{HIDDEN}",
    ),
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_TEXT = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


class Hidden:
    """The secrets of this process, to be blanked out wherever they turn up."""

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """In the spellings it has in URLs, in a repr and in JSON too."""
        if len(secret) < SHORTEST_SECRET:
            return
        spellings = {secret} | {quote(secret, safe, errors="replace") for safe in ("/", "")}
        spellings |= {repr(secret)[1:-1], json.dumps(secret)[1:-1]}
        self._spellings |= spellings
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """The text without secrets, known ones and what looks like one."""
        if self._pattern is not None:
            text = self._pattern.sub(HIDDEN, text)
        for pattern, replacement in _LOOKS_SECRET:
            text = pattern.sub(replacement, text)
        return text


_hidden = Hidden()


def hide(secret: str) -> None:
    """Never write this secret, from now on. Shorter ones than 4 characters are not kept."""
    _hidden.add(secret)


def redact(text: str) -> str:
    """The text without secrets, as logs would have it."""
    return _hidden.redact(text)


def configure_logging(app_env: str, log_level: str, *, stream: TextIO | None = None) -> None:
    """Log to `stream` (stderr), as JSON when `app_env` is production. Once per process."""
    level = logging.getLevelNamesMapping()[log_level.upper()]
    target = stream or sys.stderr
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            _name_logger,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _make_plain,
            _renderer(app_env, target),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    handler.addFilter(Repeats(OURS))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger(OURS).setLevel(level)
    structlog.configure(
        processors=[
            *before,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _renderer(app_env: str, target: TextIO) -> Processor:
    if app_env == "production":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=target.isatty(),
        exception_formatter=structlog.dev.plain_traceback,
        sort_keys=False,
    )


def _name_logger(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """`logger_name`, and the well-known fields first."""
    event["logger_name"] = event["_record"].name
    return {**{key: event[key] for key in FIRST if key in event}, **event}


def _make_plain(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Only values that JSON knows, without secrets, each of them on one line."""
    several_lines = {
        key: _CONTROL_IN_TEXT.sub(_escape, _text(event.pop(key)))
        for key in ("exception", "stack")
        if event.get(key)
    }
    return {**_plain_mapping(event, DEEPEST), **several_lines}


def _plain(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):  # JSON has no NaN
        return value
    if depth and isinstance(value, Mapping):
        return _plain_mapping(value, depth - 1)
    if depth and isinstance(value, Sequence | set | frozenset) and not _is_text(value):
        return [_plain(item, depth - 1) for item in value]
    return one_line(value)


def _plain_mapping(values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    named = {one_line(key): value for key, value in values.items()}
    return {
        key: HIDDEN if _SECRET_KEYS.fullmatch(key) else _plain(value, depth)
        for key, value in named.items()
    }


def _is_text(value: object) -> bool:
    return isinstance(value, str | bytes | bytearray)


def one_line(value: object) -> str:
    """As logs would have it: without secrets, and without what breaks a line or UTF-8."""
    return _CONTROL.sub(_escape, _text(value))


def _text(value: object) -> str:
    """Without secrets, and without what UTF-8 cannot hold (names that are no text)."""
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - a log line must not fail for a bad repr
        text = f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
    return redact(text).encode("utf-8", "backslashreplace").decode()


def _escape(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()
