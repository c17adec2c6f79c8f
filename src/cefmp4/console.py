"""What the command line prints: tables for people, JSON for programs."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cefmp4.core.model import LIVE, PARKED, Checkpoint
from cefmp4.core.orphans import Fate
from cefmp4.foresight import Foresight
from cefmp4.metadata import etag_of, readable, utc
from cefmp4.sweeping import Judged
from cefmp4.verification import Finding, Verdict

PIPE_WIDTH = 10_000
"""Into a pipe or a file nothing is wrapped: one row is one line."""

ID_LETTERS = 8
"""Of an id, on a terminal; more where that many do not tell two apart."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """One JSON document on standard output, never coloured or wrapped."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def printable(text: str) -> Text:
    """A name as it may stand in a terminal: no control character, no markup."""
    shown = readable(text)
    return Text("".join(c if c.isprintable() else repr(c)[1:-1] for c in shown))


def print_table(table: Table) -> None:
    """Into a pipe or a file without the spaces that would fill the last column."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().rstrip("\n").split("\n"):
        out.file.write(line.rstrip() + "\n")


def mib(size_bytes: int | None) -> str:
    """Mebibytes, or a dash."""
    return "-" if size_bytes is None else f"{size_bytes / 1024**2:,.1f}"


def stream_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What is remembered of a stream, as JSON shows it."""
    return {
        "stream_id": checkpoint.stream_id,
        "status": checkpoint.status.value,
        "original_file_path": readable(checkpoint.path),
        "s3_bucket": checkpoint.bucket,
        "s3_key": checkpoint.key,
        "s3_upload_id": checkpoint.upload_id,
        "parts": len(checkpoint.parts),
        "total_bytes_sent": checkpoint.bytes_sent,
        "next_part_number": checkpoint.next_part_number,
        "parts_resent": checkpoint.parts_resent,
        "stream_started_at_utc": utc(checkpoint.started_at),
        "last_activity_at_utc": utc(checkpoint.last_activity_at),
        "ended_at_utc": utc(checkpoint.ended_at) if checkpoint.ended_at else None,
        "seal_reason": checkpoint.seal.reason.value if checkpoint.seal else None,
        "reason": checkpoint.reason,
        "hint": checkpoint.hint,
    }


def stream_details(checkpoint: Checkpoint) -> dict[str, Any]:
    """The same, with every part."""
    chunks = [
        {
            "part_number": part.number,
            "size_bytes": part.size_bytes,
            "etag": etag_of(part, checkpoint),
            "uploaded_at_utc": utc(part.uploaded_at),
            "crc64nvme": f"{part.crc64nvme:016x}",
        }
        for _, part in sorted(checkpoint.parts.items())
    ]
    return {**stream_facts(checkpoint), "chunks": chunks}


def print_streams(checkpoints: Sequence[Checkpoint], watch_dir: str) -> None:
    """One row per stream, the latest last.

    A terminal is narrow: there an id is cut where it can still be told from the others, and
    what lies in the watched directory has its name in it. Programs get all of both.
    """
    if not checkpoints:
        out.print("No streams yet.")
        return
    ids, paths = [c.stream_id for c in checkpoints], [c.path for c in checkpoints]
    shorter = _shorter(ids, paths, watch_dir) if out.is_terminal else {}
    table = Table(box=None, pad_edge=False)
    for heading in ("stream", "status"):
        table.add_column(heading, no_wrap=True)
    table.add_column("file", overflow="fold")
    for heading in ("parts", "MiB sent"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for checkpoint in sorted(checkpoints, key=lambda c: c.started_at):
        table.add_row(
            shorter.get(checkpoint.stream_id, checkpoint.stream_id),
            Text(checkpoint.status.value, style=_style(checkpoint)),
            printable(shorter.get(checkpoint.path, checkpoint.path)),
            str(len(checkpoint.parts)),
            mib(checkpoint.bytes_sent),
            printable(checkpoint.reason),
        )
    print_table(table)


def print_stream(checkpoint: Checkpoint) -> None:
    """All there is to know of one stream."""
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in stream_facts(checkpoint).items():
        if value not in (None, ""):
            facts.add_row(name, printable(str(value)))
    print_table(facts)
    if checkpoint.parts:
        parts = Table(box=None, pad_edge=False)
        for heading in ("part", "bytes", "etag", "sent at"):
            parts.add_column(heading)
        for number, part in sorted(checkpoint.parts.items()):
            parts.add_row(
                str(number),
                str(part.size_bytes),
                Text(etag_of(part, checkpoint)),
                utc(part.uploaded_at),
            )
        out.print()
        print_table(parts)


def print_answer(checkpoint: Checkpoint, told: str) -> None:
    """What became of a wish for one stream."""
    line = Text(f"{checkpoint.stream_id}  ").append(printable(checkpoint.path))
    out.print(line.append("  ").append(printable(told)), soft_wrap=True)


def finding_facts(finding: Finding) -> dict[str, Any]:
    """What a verification found, as JSON shows it."""
    return {**asdict(finding), "verdict": finding.verdict.value}


def print_finding(finding: Finding) -> None:
    """One line, as soon as it is known."""
    style = "green" if finding.verdict is Verdict.IDENTICAL else "red"
    line = Text(f"{finding.verdict:<12}", style=style if out.is_terminal else "")
    line.append(printable(finding.key)).append("  ").append(printable(finding.why))
    out.print(line, soft_wrap=True)


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
        out.print("No unfinished uploads of this instance.")
    if len(rows) > len(ours):
        out.print(f"{len(rows) - len(ours)} more, not begun by this instance: not touched.")


def print_foresight(seen: Sequence[Foresight], *, as_json: bool) -> None:
    """What would be done next about each recording."""
    if as_json:
        print_json([{**asdict(entry), "path": readable(entry.path)} for entry in seen])
        return
    if not seen:
        out.print("No recordings.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("file", "next", "why"):
        table.add_column(heading, overflow="fold")
    table.add_column("MiB", justify="right")
    for entry in seen:
        steps = ", ".join(entry.next_actions) or "wait"
        table.add_row(printable(entry.path), steps, printable(entry.why), mib(entry.size_bytes))
    print_table(table)


def complain(message: str, hint: str = "") -> None:
    """One line on standard error, and a second one that says what to do."""
    err.print(Text(f"cefmp4: {message}", style="bold red" if err.is_terminal else ""))
    if hint:
        err.print(Text(f"  {hint}"))


def _shorter(ids: Sequence[str], paths: Sequence[str], watch_dir: str) -> dict[str, str]:
    """What stands for an id, and for a path, where there is little room."""
    length = ID_LETTERS
    while len({one[:length] for one in ids}) < len(ids):
        length += 1
    within = os.path.join(watch_dir, "")
    return {one: one[:length] for one in ids} | {p: p.removeprefix(within) for p in paths}


def _style(checkpoint: Checkpoint) -> str:
    if checkpoint.status in PARKED:
        return "red"
    return "yellow" if checkpoint.status in LIVE else "green"
