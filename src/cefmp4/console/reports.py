"""What the other commands print: answers to wishes, findings, uploads and plans."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from cefmp4.console import terminal
from cefmp4.console.terminal import mib, print_json, print_table, printable
from cefmp4.core.model import Checkpoint
from cefmp4.core.orphans import Fate
from cefmp4.foresight import Foresight
from cefmp4.metadata import readable, utc
from cefmp4.sweeping import Judged
from cefmp4.verification import Finding, Verdict


def print_answer(checkpoint: Checkpoint, told: str) -> None:
    """What became of a wish for one stream."""
    line = Text(f"{checkpoint.stream_id}  ").append(printable(checkpoint.path))
    terminal.out.print(line.append("  ").append(printable(told)), soft_wrap=True)


def finding_facts(finding: Finding) -> dict[str, Any]:
    """What a verification found, as JSON shows it."""
    return {**asdict(finding), "verdict": finding.verdict.value}


def print_finding(finding: Finding) -> None:
    """One line, as soon as it is known."""
    style = "green" if finding.verdict is Verdict.IDENTICAL else "red"
    line = Text(f"{finding.verdict:<12}", style=style if terminal.out.is_terminal else "")
    line.append(printable(finding.key)).append("  ").append(printable(finding.why))
    terminal.out.print(line, soft_wrap=True)


def judged_facts(judged: Judged) -> dict[str, Any]:
    """What an unfinished upload is to us, as JSON shows it."""
    return {
        "s3_key": judged.upload.key,
        "s3_upload_id": judged.upload.upload_id,
        "initiated_at_utc": utc(judged.upload.initiated_at),
        "fate": judged.verdict.fate.value,
        "why": judged.verdict.why,
        "size_bytes": judged.size_bytes,
    }


def print_judged(rows: Sequence[Judged]) -> None:
    """The uploads of this instance, and how many of others there are."""
    ours = [judged for judged in rows if judged.verdict.fate is not Fate.FOREIGN]
    table = Table(box=None, pad_edge=False)
    for heading in ("upload", "begun at", "is", "because"):
        table.add_column(heading, overflow="fold")
    table.add_column("MiB", justify="right")
    for judged in ours:
        table.add_row(
            printable(judged.upload.key),
            utc(judged.upload.initiated_at),
            judged.verdict.fate.replace("_", " "),
            judged.verdict.why,
            mib(judged.size_bytes),
        )
    if ours:
        print_table(table)
    else:
        terminal.out.print("No unfinished uploads of this instance.")
    if len(rows) > len(ours):
        terminal.out.print(
            f"{len(rows) - len(ours)} more, not begun by this instance: not touched."
        )


def print_foresight(seen: Sequence[Foresight], *, as_json: bool) -> None:
    """What would be done next about each recording."""
    if as_json:
        print_json([{**asdict(entry), "path": readable(entry.path)} for entry in seen])
        return
    if not seen:
        terminal.out.print("No recordings.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "next", "why"):
        table.add_column(heading, overflow="fold")
    table.add_column("MiB", justify="right")
    for entry in seen:
        steps = ", ".join(entry.next_actions) or "wait"
        why = f"{entry.why} ({entry.hint})" if entry.hint else entry.why
        table.add_row(printable(entry.path), steps, printable(why), mib(entry.size_bytes))
    print_table(table)
