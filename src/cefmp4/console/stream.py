"""`show`: all there is to know of one stream, what matters first."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.progress_bar import ProgressBar
from rich.table import Table

from cefmp4.console import terminal
from cefmp4.console.facts import part_facts
from cefmp4.console.streams import GOES_ON, at_risk_seconds, row_facts, staleness
from cefmp4.console.strip import blocks, legend, runs
from cefmp4.console.terminal import print_table, printable
from cefmp4.console.words import VERDICT_WORDS, VERDICTS, age, clock, percent, size
from cefmp4.core.model import Checkpoint, Wish
from cefmp4.core.objects import metadata_key
from cefmp4.core.safety import Safety
from cefmp4.elsewhere import View
from cefmp4.metadata import etag_of
from cefmp4.rows import Row, is_over

BAR_LETTERS = 40
WISHES = {
    Wish.RETRY.value: "uploads it after all",
    Wish.ABORT.value: "gives it up: nothing of it stays in the store, its file stays on disk",
}
LEFT = 12
"""Letters of the names on the left."""


def print_stream(view: View, row: Row, checkpoint: Checkpoint | None, *, parts: bool) -> None:
    """Whether it is safe and why not; then the rest. `parts`: every single one, too."""
    icon, style = VERDICTS[row.verdict]
    terminal.out.print(printable(f"{icon} {VERDICT_WORDS[row.verdict]}", style))
    facts = Table(box=None, pad_edge=False, show_header=False)
    facts.add_column(min_width=LEFT, style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(view, row, checkpoint):
        facts.add_row(name, value)
    print_table(facts)
    if checkpoint is None:
        return
    _print_strip(checkpoint, row)
    _print_history(checkpoint)
    if parts and checkpoint.parts:
        terminal.out.print()
        print_table(_parts(checkpoint))


def _facts(view: View, row: Row, cp: Checkpoint | None) -> Iterator[tuple[str, Any]]:
    """Name and value, those that say something."""
    told: list[tuple[str, str]] = [("why", row.why)]
    if row.trouble:
        times = f", {row.failures} times in a row" if row.failures > 1 else ""
        lasts = f"for {age(view.at - row.trouble.since)}{times}"
        error = "" if row.trouble.error == row.why else f"{row.trouble.error}, "
        told += [("trouble", f"{error}{lasts}")]
    told += [("hint", row.hint), ("since", f"{clock(row.since)} ({age(view.at - row.since)})")]
    old = "" if is_over(row) else staleness(view)
    if row.verdict is Safety.AT_RISK and not old:
        told += [("meanwhile", GOES_ON)]
    told += [
        ("you can", f"cefmp4 {wish} {row.stream_id}  # {WISHES[wish]}") for wish in row.can
    ]
    if view.holder and old:
        told += [("note", old)]
    yield from ((name, printable(value)) for name, value in told if value)
    yield "", ""
    told = [("stream", row.stream_id), ("file", row.path), ("status", row.status)]
    yield from ((name, printable(value)) for name, value in told)
    yield from _progress(view, row)
    if cp:
        yield from ((n, printable(value)) for n, value in _remembered(row, cp) if value)


def _progress(view: View, row: Row) -> Iterator[tuple[str, Any]]:
    sent, of = size(row.sent_bytes), size(row.disk_bytes)
    share = percent(row)
    if terminal.out.is_terminal and share is not None:
        bar = Table.grid(padding=(0, 1))
        total = max(row.disk_bytes or 0, 1)
        bar.add_row(
            ProgressBar(total, row.sent_bytes, width=BAR_LETTERS), f"{share}%  {sent} of {of}"
        )
        yield "sent", bar
    else:
        yield "sent", sent if share is None else f"{sent} of {of} ({share}%)"
    if (at_risk := at_risk_seconds(view, row)) >= 1:
        yield "unsent", f"{size(row.unsent_bytes)}, the oldest byte for {age(at_risk)}"


def _remembered(row: Row, cp: Checkpoint) -> Iterator[tuple[str, str]]:
    yield "object", f"s3://{cp.bucket}/{cp.key}"
    yield "upload", cp.upload_id or ""
    yield "metadata", metadata_key(cp.key) if cp.described else ""
    yield "etag", cp.stored.etag if cp.stored else ""
    if cp.stored and cp.stored.crc64nvme is not None:
        yield "checksum", f"CRC64NVME {cp.stored.crc64nvme:016x}"
    yield "begun", clock(cp.started_at)
    yield "ended", clock(cp.ended_at) if cp.ended_at else ""
    yield "closed by", cp.seal.reason.value if cp.seal else ""
    yield "media", _media(cp)
    yield "parts", f"{row.parts}" + (f", {row.resent} sent again" if row.resent else "")


def _media(cp: Checkpoint) -> str:
    """One line."""
    media = cp.media
    if media is None:
        return ""
    told = [f"{media.duration_seconds:.1f} s"] if media.duration_seconds is not None else []
    if video := media.video:
        told.append(_joined(video, "codec", "width", "height", "frame_rate"))
    if audio := media.audio:
        told.append(_joined(audio, "codec", "sample_rate", "channels"))
    told += ["not playable"] if media.playable is False else []
    told += [media.problem] if media.problem else []
    return ", ".join(told)


def _joined(told: Any, *names: str) -> str:
    units = {"height": " high", "width": " wide", "frame_rate": " fps", "sample_rate": " Hz"}
    units["channels"] = " channels"
    return " ".join(f"{told[n]}{units.get(n, '')}" for n in names if told.get(n) is not None)


def _print_strip(cp: Checkpoint, row: Row) -> None:
    """On a terminal blocks of colour; else the runs, on one line."""
    found = runs(cp, row.disk_bytes)
    if not found:
        return
    terminal.out.print()
    if terminal.out.is_terminal:
        terminal.out.print(blocks(found, min(terminal.out.width, 100)))
        terminal.out.print(legend(found))
    else:
        told = (
            f"{first} {kind}" if first == last else f"{first}-{last} {kind}"
            for kind, first, last in found
        )
        terminal.out.print(f"{'each part':<{LEFT}} {', '.join(told)}", soft_wrap=True)


def _print_history(cp: Checkpoint) -> None:
    if not cp.history:
        return
    terminal.out.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("time", "what", "why"):
        table.add_column(heading, overflow="fold")
    for entry in cp.history:
        table.add_row(clock(entry.at), printable(entry.what), printable(entry.why))
    print_table(table)


def _parts(cp: Checkpoint) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("part", "bytes", "etag", "sent at", ""):
        table.add_column(heading)
    for number, part in sorted(cp.parts.items()):
        again = "sent again" if number in cp.resent else ""
        etag = printable(etag_of(part, cp))
        table.add_row(str(number), str(part.size_bytes), etag, clock(part.uploaded_at), again)
    return table


def print_stream_json(view: View, row: Row, documents: Sequence[dict[str, Any]]) -> None:
    """All of it, and what more is told of it."""
    told = row_facts(view, row)
    for document in documents:
        told |= document
    terminal.print_json(told)


def everything(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """Every part, as JSON shows it."""
    return {"chunks": part_facts(checkpoint) if checkpoint else []}
