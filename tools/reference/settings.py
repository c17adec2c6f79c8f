"""The settings, as a page and as `example.env`: both are made of `src/cefmp4/settings.py`.

What a setting does is its docstring, what it may be its type and the docstrings of its
rules; the groups are the comments between them.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cefmp4 import config_pairs
from cefmp4.config_problems import what_is_allowed
from cefmp4.settings import Settings

UNITS = {
    "_bytes_per_second": "bytes per second",
    "_seconds": "seconds",
    "_bytes": "bytes",
}
"""What the end of a name says."""

PLAIN = ("text", "`true` or `false`")
"""What goes without saying in a file of examples."""

_HEADING = re.compile(r"    # --- (.+?) -+")
_FIELD = re.compile(r"    (\w+):")
_CODE = re.compile(r"`[^`]*`")
_NAME = re.compile(r"(`[^`]*`)|\b([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)\b")

PAGE_HEAD = """\
# Settings

<!-- Made from `src/cefmp4/settings.py` by `make reference`: do not edit. -->

A setting is an environment variable. The environment comes first, then a file `.env` in the
directory where the daemon is started (`cp example.env .env`), then files that are named like a
setting, in `/run/secrets` or in `$CREDENTIALS_DIRECTORY` (secrets of containers, credentials of
systemd). An empty value counts as unset. In `.env`, values with spaces or `#` go in
`'single quotes'`. What is wrong is told at the start, all of it at once, one line per setting;
`cefmp4 doctor` tells it without a start.
"""
EXAMPLE_HEAD = """\
# Settings of CefMP4 Stream Processor: all of them, with their defaults.
#
#   cp example.env .env
#
# The environment comes before this file; after it come files that are named like a setting,
# in /run/secrets or in $CREDENTIALS_DIRECTORY (secrets of containers, credentials of systemd).
# An empty value counts as unset. Values with spaces or # go in 'single quotes'. Durations are
# in seconds, sizes in bytes. When something is wrong, `cefmp4 run` says so at once, one line
# per setting.
#
# Made from src/cefmp4/settings.py by `make reference`.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is told of one; `default` is as one writes it, empty when it is unset."""

    name: str
    default: str
    unit: str
    allowed: str
    meaning: str

    @property
    def anchor(self) -> str:
        """What its heading is known by in a page."""
        return self.name.lower()


def settings_page() -> str:
    """docs/reference/settings.md."""
    groups = setting_groups()
    known = {setting.name for settings in groups.values() for setting in settings}
    lines = [PAGE_HEAD, "| about | settings |", "|---|---|"]
    for group, settings in groups.items():
        links = ", ".join(f"[`{setting.name}`](#{setting.anchor})" for setting in settings)
        lines.append(f"| {group} | {links} |")
    for group, settings in groups.items():
        lines += ["", f"## {group}"]
        for setting in settings:
            default = f"`{setting.default}`" if setting.default else "unset"
            lines += [
                "",
                f"### `{setting.name}`",
                "",
                _filled(_linked(setting.meaning, known)),
                "",
                f"- may be: {_linked(setting.allowed, known)}",
                f"- default: {default}",
            ]
            if setting.unit:
                lines.append(f"- unit: {setting.unit}")
    return "\n".join(lines) + "\n"


def example_env() -> str:
    """example.env."""
    lines = [EXAMPLE_HEAD]
    for group, settings in setting_groups().items():
        lines += ["", f"# --- {group} ".ljust(88, "-"), ""]
        for setting in settings:
            lines.append(_filled(setting.meaning, "# "))
            if setting.allowed not in PLAIN:
                lines.append(_filled(f"May be: {setting.allowed}.", "# "))
            lines += [f"{setting.name}={setting.default}", ""]
    return "\n".join(lines)


def setting_groups() -> dict[str, list[Setting]]:
    """All settings in their order, under the headings they have in the code."""
    groups: dict[str, list[Setting]] = {}
    source = inspect.getsource(Settings)
    meanings = _docstrings(source)
    for line in source.splitlines():
        if heading := _HEADING.fullmatch(line):
            group = groups.setdefault(heading[1], [])
        elif (found := _FIELD.match(line)) and (name := found[1]) in Settings.model_fields:
            group.append(_setting(name, Settings.model_fields[name], meanings.get(name, "")))
    return groups


def _docstrings(source: str) -> dict[str, str]:
    """What stands below each attribute of a class."""
    (cls,) = ast.parse(source).body
    assert isinstance(cls, ast.ClassDef)  # noqa: S101 - it is the source of one
    return {
        declared.target.id: told.value.value
        for declared, told in pairwise(cls.body)
        if isinstance(declared, ast.AnnAssign)
        and isinstance(declared.target, ast.Name)
        and isinstance(told, ast.Expr)
        and isinstance(told.value, ast.Constant)
        and isinstance(told.value.value, str)
    }


def _setting(name: str, field: FieldInfo, meaning: str) -> Setting:
    return Setting(
        name.upper(),
        _written(field.default),
        next((unit for end, unit in UNITS.items() if name.endswith(end)), ""),
        _allowed(name, field),
        " ".join(meaning.split()),
    )


def _written(default: Any) -> str:
    """A default as it stands behind the `=`."""
    match default:
        case None | {}:
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(default)
        case SecretStr():
            return default.get_secret_value()
        case Enum():
            return str(default.value)
    return str(default)


def _allowed(name: str, field: FieldInfo) -> str:
    rules = [rule for rule in _rules(field.annotation, field.metadata) if rule.__doc__]
    kind = what_is_allowed(name, field).removeprefix("must be ")
    if kind == "text" and any(rule.__module__ != config_pairs.__name__ for rule in rules):
        told = []  # a rule of its own says more
    elif " or " in kind:
        told = [" or ".join(f"`{choice}`" for choice in kind.split(" or "))]
    else:
        told = [kind]
    told += [(inspect.getdoc(rule) or "").removesuffix(".") for rule in rules]
    if "SecretStr" in str(field.annotation):
        told.append("what is secret of it is never logged")
    return "; ".join(text if text.isupper() else text[0].lower() + text[1:] for text in told)


def _rules(annotation: Any, metadata: Any) -> Iterator[Any]:
    """The functions that check a value, in the order they are asked."""
    for inner in get_args(annotation):
        if get_origin(inner) is Annotated:
            yield from _rules(inner.__origin__, inner.__metadata__)
    for rule in metadata:
        if hasattr(rule, "func"):
            yield rule.func


def _linked(text: str, known: set[str]) -> str:
    """Names of settings lead to where they are told of; code stays as it is."""

    def link(found: re.Match[str]) -> str:
        name = found[2]
        return f"[`{name}`](#{name.lower()})" if name in known else found[0]

    return _NAME.sub(link, text)


def _filled(text: str, begin: str = "") -> str:
    """In lines; code is not broken."""
    lines = textwrap.fill(
        _CODE.sub(lambda found: found[0].replace(" ", "\0"), text),
        width=92,
        initial_indent=begin,
        subsequent_indent=begin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\0", " ")
