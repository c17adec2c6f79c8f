"""How the command line behaves as a whole: help in groups, and quiet ways out."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

INTERRUPTED = 130
"""The exit code, as a shell has it for a process that SIGINT has ended."""
GROUPS = {
    "Work": ("run",),
    "Look": ("streams", "show", "tail", "plan"),
    "Change": ("retry", "abort", "limit"),
    "Check": ("doctor", "verify", "gc"),
}
FOLLOWED = ("streams", "tail")
"""Ctrl-C is how these end."""


class Commands(TyperGroup):
    """Lists the commands in groups, and ends without a traceback."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the groups."""
        known = super().list_commands(ctx)
        grouped = [name for names in GROUPS.values() for name in names if name in known]
        return grouped + [name for name in known if name not in grouped]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One list for each group, what is in none at the end."""
        names = self.list_commands(ctx)
        grouped = {name for group in GROUPS.values() for name in group}
        groups = {**GROUPS, "More": tuple(name for name in names if name not in grouped)}
        width = max(len(name) for name in names)
        for title, members in groups.items():
            commands = [(name, self.get_command(ctx, name)) for name in members]
            rows = [
                (name.ljust(width), command.get_short_help_str(formatter.width - width - 6))
                for name, command in commands
                if command is not None and not command.hidden
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> Any:
        """As ever, but for Ctrl-C and a reader that has gone away."""
        with quiet_ways_out(ctx):
            return super().invoke(ctx)


@contextmanager
def quiet_ways_out(ctx: Any) -> Iterator[None]:
    """Ctrl-C, and a pipe that is closed at the other end, are no errors of ours."""
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        ended = ctx.invoked_subcommand in FOLLOWED
        raise SystemExit(0 if ended else INTERRUPTED) from None
    except OSError:
        forget_the_rest()
        raise


def forget_the_rest() -> None:
    """What is left in the buffer would be written, and complained of, at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
