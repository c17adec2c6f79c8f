"""`tail`: one line for each thing that happened."""

import json
import sys
from datetime import datetime
from typing import Any

from rich.text import Text

from cefmp4.console import terminal
from cefmp4.console.terminal import json_line, printable
from cefmp4.console.words import clock, size

STYLES = {"stored": "green", "failed": "bold red", "stalled": "yellow", "started": "cyan"}
TYPE_LETTERS = 16
MOST_BYTES = 2**63


def print_event_json(text: str) -> None:
    """The CloudEvent as it is, on one line; at once, for whoever reads on."""
    sys.stdout.write(json_line(text) + "\n")
    sys.stdout.flush()


def print_event(text: str, instance: str | None) -> None:
    """Time, what, file, and size or reason; `instance` where several are told of."""
    event = _object(_parsed(text))
    data = _object(event.get("data"))
    kind = str(event.get("type", "?"))
    style = STYLES.get(kind.rpartition(".")[2], "")
    line = Text(_time(event.get("time")) + "  ", "dim")
    line.append(printable(f"{kind:<{TYPE_LETTERS}}  ", style))
    if instance is not None:
        line.append(printable(f"{instance}  ", "dim"))
    line.append(printable(str(data.get("original_file_path") or event.get("subject") or "?")))
    if detail := _detail(data):
        line.append("  ").append(printable(detail, "dim"))
    terminal.out.print(line, soft_wrap=True)
    terminal.out.file.flush()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(told: object) -> str:
    try:
        return clock(datetime.fromisoformat(str(told)).timestamp())
    except (ValueError, OverflowError, OSError):
        return "-"


def _detail(data: dict[str, Any]) -> str:
    total = data.get("total_size_bytes")
    told = [size(total)] if isinstance(total, int) and 0 <= total < MOST_BYTES else []
    told += [str(data[name]) for name in ("reason", "hint", "seal_reason") if data.get(name)]
    return ": ".join(told)
