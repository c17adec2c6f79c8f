"""What is going on, for whoever waits: one line each, on standard error."""

import time

from rich.console import Console

console = Console(stderr=True, highlight=False)
_BEGAN = time.monotonic()


def say(what: str) -> None:
    console.print(f"[dim]{time.monotonic() - _BEGAN:6.0f} s[/dim]  {what}")
