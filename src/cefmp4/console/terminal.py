"""Standard output and standard error, and what may stand there.

Names come from outside. On a terminal no control character of theirs may act, and none that
turns the direction of writing; a letter that is two cells wide is counted as two.
"""

import io
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cefmp4.metadata import readable

PIPE_WIDTH = 10_000
"""Into a pipe or a file nothing is wrapped: one row is one line."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """One JSON document on standard output, never coloured or wrapped."""
    plain = "utf" not in sys.stdout.encoding.lower()
    text = json.dumps(document, indent=2, ensure_ascii=plain)
    sys.stdout.write("\n".join(map(json_line, text.split("\n"))) + "\n")


def json_line(text: str) -> str:
    """JSON that says the same, with letters that a terminal would obey, or that end a line
    for some, as the escapes JSON has for them. They can only stand within its texts."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(letter: str) -> str:
    if letter in "\t\r\n":
        return " "  # between its words: within a text JSON has escaped it already
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def show_any_letter() -> None:
    """A letter that the terminal's encoding lacks is shown as a question mark, not fatal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def printable(text: str, style: str = "") -> Text:
    """A name as it may stand in a terminal: no control character, no markup."""
    shown = readable(text)
    return Text("".join(c if c.isprintable() else repr(c)[1:-1] for c in shown), style)


def print_table(table: Table) -> None:
    """Into a pipe or a file without the spaces that would fill the last column."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().rstrip("\n").split("\n"):
        out.file.write(line.rstrip() + "\n")


def complain(message: str, hint: str = "") -> None:
    """One line on standard error, and a second one that says what to do."""
    err.print(printable(f"cefmp4: {message}", "bold red" if err.is_terminal else ""))
    if hint:
        err.print(printable(f"  {hint}"))


def note(message: str) -> None:
    """One line on standard error that is no complaint."""
    err.print(printable(f"cefmp4: {message}", "dim" if err.is_terminal else ""))


def mib(size_bytes: int | None) -> str:
    """Mebibytes, or a dash."""
    return "-" if size_bytes is None else f"{size_bytes / 1024**2:,.1f}"
