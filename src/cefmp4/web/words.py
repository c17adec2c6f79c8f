"""Text from outside, fit to be shown: names of any bytes, errors that may quote a secret."""

import json
import math
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cefmp4.core.spelling import readable
from cefmp4.logging_config import redact


def shown(text: str) -> str:
    """Bytes that are no UTF-8 (`os.fsdecode` keeps them) become U+FFFD."""
    if text.isascii():
        return text
    return readable(text)


@lru_cache(maxsize=1024)
def said(text: str) -> str:
    """Of an error or a reason: without secrets, too. Most are said again and again."""
    return redact(shown(text)) if text else ""


def plain(value: Any) -> Any:
    """What a file says of itself, as JSON knows it: it has no NaN."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return said(str(value))


def names_within(watch_dir: str) -> Callable[[str], str]:
    """What makes of a path the name within the watched directory."""
    prefix = os.path.join(watch_dir, "")

    def name(path: str) -> str:
        return shown(path.removeprefix(prefix))

    return name


_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def as_json(value: Any) -> str:
    """On one line, of plain ASCII, as events and answers have it."""
    return _encoder.encode(value)
