"""Writes the manual page cefmp4(1) to standard output, from what the program says of itself.

Commands and options come from the command line's own objects, settings from the docstrings of
`Settings`, so that the page says what the program does: `make man` writes `deploy/man/cefmp4.1`
anew, and a test holds it to be so. It is plain man(7), for groff and mandoc alike, and without
a date, so that the same sources make the same page. The libraries that make such pages need
Click's objects, and those of Typer are its own.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer

from cefmp4 import __version__
from cefmp4.cli import cli
from tools.reference.settings import Setting, setting_groups

NAME = "uploads MP4 recordings to S3-compatible storage while they are still being written"
EXITS = {
    "0": "Done or stopped; also Ctrl-C in streams and tail.",
    "1": "Something failed, or the pipe it wrote to was closed. doctor: or is set wrongly.",
    "2": "Wrong settings, options or arguments.",
    "3": "run: another process works under the same INSTANCE_ID.",
    "130": "Interrupted by Ctrl-C.",
}
SIGNALS = {
    "SIGTERM, SIGINT": "run: the first lets parts in flight land, for SHUTDOWN_GRACE_SECONDS"
    " at most; nothing new is begun. The second ends it at once.",
    "SIGKILL": "Costs run the parts in flight, nothing else: the next start carries on.",
}
FILES = {
    ".env": "Settings, in the working directory. The environment comes before it.",
    "/etc/cefmp4/cefmp4.env": "Settings of the systemd service.",
}
SPECIAL = str.maketrans(
    {"\\": r"\e", "^": r"\(ha", "~": r"\(ti", "`": r"\(ga", "'": r"\(aq", "-": r"\-"}
)
PLACES = {
    " <str>": "",
    " <list[str]>": "",
    " <int range>": " N",
    " <int>": " N",
    " <float>": " SECONDS",
}
"""What the parser calls a value, as a reader does."""
HYPHENS = re.compile(r"(?<=[A-Za-z0-9])\\-(?=[A-Za-z0-9])")
"""Inside a word. Elsewhere a `-` belongs to an option, and is to be copied as one."""


def literal(text: str) -> str:
    """One line, as it is typed, such that roff takes nothing in it for its own."""
    text = text.translate(SPECIAL)
    text = "".join(c if c.isascii() else rf"\[u{ord(c):04X}]" for c in text)
    return rf"\&{text}" if text.startswith(".") else text


def escaped(text: str) -> str:
    """The same of prose."""
    return HYPHENS.sub("-", literal(text))


def prose(text: str) -> Iterator[str]:
    r"""A help text as Click has it; after `\b` the lines of a paragraph stay as they are."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if paragraph.startswith("\b"):
            yield from (".PP", ".nf")
            yield from map(literal, paragraph.removeprefix("\b").strip("\n").splitlines())
            yield ".fi"
            continue
        if number:
            yield ".PP"
        yield from (escaped(line.strip()) for line in paragraph.splitlines())


def entry(term: str, text: str) -> Iterator[str]:
    yield from (".TP", rf"\fB{literal(term)}\fR", *map(escaped, text.splitlines()))


def parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            names, text = record
            for place, name in PLACES.items():
                names = names.replace(place, name)
            yield from entry(names, " ".join(text.split()))


def commands(group: Any) -> Iterator[str]:
    """Each in the order and under the heading that `cefmp4 --help` has."""
    outer = typer.Context(group, info_name="cefmp4")
    for name in group.list_commands(outer):
        command = group.commands[name]
        context = typer.Context(command, info_name=name, parent=outer)
        usage = " ".join(["cefmp4", name, *command.collect_usage_pieces(context)])
        yield from (f".SS {literal(usage)}", *prose(command.help))
        yield from parameters(command, context)


def setting(told: Setting) -> Iterator[str]:
    meaning = told.meaning.replace("`", "")
    yield from entry(told.name, f"{meaning} Default: {told.default or 'unset'}.")


def page() -> Iterator[str]:
    group: Any = typer.main.get_command(cli)
    yield r".\" Made by `make man` from the command line itself; do not edit."
    yield f'.TH CEFMP4 1 "" "cefmp4 {__version__}" "User Commands"'
    yield from (".SH NAME", escaped(f"cefmp4 - {NAME}").replace("cefmp4 - ", r"cefmp4 \- ", 1))
    yield from (".SH SYNOPSIS", r"\fBcefmp4\fR [\fB\-\-version\fR] \fICOMMAND\fR [\fIARGS\fR]")
    yield from (".SH DESCRIPTION", *prose(group.help))
    yield ".SH OPTIONS"
    yield from parameters(group, typer.Context(group, info_name="cefmp4"))
    yield from (".SH COMMANDS", *commands(group))
    yield ".SH EXIT STATUS"
    for code, text in EXITS.items():
        yield from entry(code, text)
    yield ".SH SIGNALS"
    for name, text in SIGNALS.items():
        yield from entry(name, text)
    yield from (".SH ENVIRONMENT", "All settings. An empty value counts as unset.")
    for settings in setting_groups().values():
        for told in settings:
            yield from setting(told)
    yield ".SH FILES"
    for name, text in FILES.items():
        yield from entry(name, text)
    yield from (".SH SEE ALSO", r"\fBffprobe\fR(1), \fBsystemd.service\fR(5)")


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()) + "\n")
