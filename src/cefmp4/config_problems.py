"""What is said of settings that are wrong.

One line per setting: its name, its value and what is allowed. What must stay true: the
value of a secret is never in a line, and no value can break one.
"""

import enum
import os
import re
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

HIDDEN = "(hidden)"
LONGEST_VALUE = 100
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")

_CREDENTIALS = re.compile(r"://[^\s/?#]*@")


class WrongSettings(Exception):
    """The configuration cannot be used. One line for each thing that is wrong."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def problem_lines(error: ValidationError, fields: dict[str, FieldInfo]) -> list[str]:
    """A line for each wrong setting, in the order they are declared."""
    lines: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=True):
        name = str(detail["loc"][0])
        field = fields[name]
        if detail["type"] == "value_error":
            what = str(detail.get("ctx", {}).get("error", ""))
        else:
            what = what_is_allowed(name, field)
        told = assignment(name, field, detail["input"])
        lines.setdefault(name, f"{told}: {_in_one_line(what)}")
    return [lines[name] for name in fields if name in lines]


def env_file_problem(env_file: str | None) -> str | None:
    """Why this file cannot be read; a missing `.env` is none."""
    try:
        if number := _line_not_understood(env_file):
            return f"{env_file}: line {number} is not NAME=value"
    except FileNotFoundError:
        return None if env_file == ".env" else f"{env_file}: cannot be read: no such file"
    except OSError as error:
        return f"{env_file}: cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return f"{env_file}: cannot be read: it is not UTF-8"
    return None


def no_env_file(env_file: str | None) -> str:
    """That no `.env` is where it is looked for; empty when there is one, or none is read."""
    if env_file is None or os.path.exists(env_file):
        return ""
    return f"there is no {env_file} in {_in_one_line(os.getcwd())}"


def names_in(env_file: str | None) -> list[str]:
    """What this file names; nothing when it is not there or cannot be read."""
    return list(_read(env_file))


def names_with_values(env_file: str | None) -> set[str]:
    """What is set in this file, and not to nothing."""
    return {name for name, value in _read(env_file).items() if value}


def what_is_allowed(name: str, field: FieldInfo) -> str:
    """What a setting may be, from its type and bounds."""
    kind = _without_none(field.annotation)
    if choices := _choices(kind):
        return f"must be {' or '.join(choices)}"
    if kind is bool:
        return "must be true or false"
    if kind not in (int, float):
        return "must be text"
    low, high = _bounds(field)
    number = "a whole number" if kind is int else "a number"
    if high is None:
        return f"must be {number} of at least {_amount(name, low)}"
    return f"must be {number} between {_amount(name, low)} and {_amount(name, high)}"


def _read(env_file: str | None) -> dict[str, str | None]:
    if env_file is None or env_file_problem(env_file) or not os.path.exists(env_file):
        return {}
    with open(env_file, encoding="utf-8") as lines:
        return dotenv_values(stream=lines)


def _line_not_understood(env_file: str | None) -> int:
    """The number of the first line that is no assignment; 0 when there is none."""
    if env_file is None:
        return 0
    with open(env_file, encoding="utf-8") as lines:
        for found in parse_stream(lines):
            if found.error:  # which begins with the empty lines before it
                text = found.original.string
                return found.original.line + text[: -len(text.lstrip())].count("\n")
    return 0


def assignment(name: str, field: FieldInfo, value: object) -> str:
    """A setting with its value, as it is shown in a line."""
    if value is None:
        return f"{name.upper()} is not set"
    if _without_none(field.annotation) is SecretStr:
        return f"{name.upper()}={HIDDEN}"
    text = str(getattr(value, "value", value))
    text = _CREDENTIALS.sub(f"://{HIDDEN}@", text)
    shown = _in_one_line(text)
    cut = f"{shown[:LONGEST_VALUE]}..." if len(shown) > LONGEST_VALUE else shown
    return f"{name.upper()}={cut}"


def _in_one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _without_none(annotation: Any) -> Any:
    """The type itself, of `X | None` and of Annotated types."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(member.value) for member in kind)
    return ()


def _bounds(field: FieldInfo) -> tuple[Any, Any]:
    low = high = None
    for rule in field.metadata:
        if isinstance(rule, Ge):
            low = rule.ge
        if isinstance(rule, Le):
            high = rule.le
    return low, high


def _amount(name: str, number: float) -> str:
    if not name.endswith("_bytes"):
        return f"{number:.12g}"
    power = max(power for power in range(len(UNITS)) if number % 1024**power == 0)
    return f"{number} ({number // 1024**power} {UNITS[power]})"
