"""`show` and `plan`: what became of one recording, and what comes next for all of them."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.adapters.disk import LocalDisk, prepare_process
from cefmp4.assembly import make_selection
from cefmp4.commands.asking import AsJson, Embedded, Instance, ask, the_only
from cefmp4.commands.completing import complete_streams
from cefmp4.commands.seeing import Onlooker
from cefmp4.config import load_settings
from cefmp4.console.facts import detail_facts
from cefmp4.console.stream import everything, print_stream, print_stream_json
from cefmp4.core.actions import Begin
from cefmp4.core.model import Checkpoint
from cefmp4.elsewhere import View
from cefmp4.foresight import foresee, horizon_of, passed_over, with_troubles
from cefmp4.ports import Outline
from cefmp4.rows import Row
from cefmp4.selection import list_tree
from cefmp4.shelf import Shelf

NAMED = 3
"""Files that are passed over: the others are only counted."""
ASKS_FIRST = (
    "the state server is new, or has lost its data: before anything begins, the start asks the "
    "store; what it recognises there is not sent again"
)
Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="A stream id, or the beginning of one.",
        autocompletion=complete_streams,
    ),
]


def show(
    stream_id: Id,
    parts: Annotated[bool, typer.Option("--parts", help="List every single part.")] = False,
    as_json: AsJson = False,
    embedded: Embedded = False,
    instance: Instance = "",
) -> None:
    """Show one recording: is it safe, and all there is to know of it.

    Why it stands as it does, what is in its way and what can be done; its parts, what
    happened to it, and what its media tell.

    \b
      cefmp4 show 3f2a              by the beginning of its id
      cefmp4 show 3f2a --parts      every part, with its ETag
      cefmp4 show 3f2a --json       for programs, with everything
    """

    async def look(checkpoints: RedisCheckpoints) -> tuple[View, Row, Checkpoint | None]:
        async def found() -> list[Outline]:
            return [outline_of(cp) for cp in await checkpoints.find(stream_id)]

        view = await Onlooker(checkpoints, found).look_once()
        row = _the_only(view, stream_id, embedded)
        outline = view.outlines.get(row.stream_id)
        return view, row, outline.checkpoint if outline else None

    view, row, checkpoint = ask(embedded, look, instance)
    if as_json:
        details = [detail_facts(checkpoint)] if checkpoint else []
        print_stream_json(view, row, [*details, everything(checkpoint)])
    else:
        print_stream(view, row, checkpoint, parts=parts)


def outline_of(checkpoint: Checkpoint) -> Outline:
    """Here with its parts."""
    cp = checkpoint
    return Outline(cp, len(cp.parts), cp.bytes_sent, cp.next_part_number)


def _the_only(view: View, stream_id: str, embedded: bool) -> Row:
    """The one stream that was meant. Raises CefMP4Error for none, and for several."""
    found = [row for row in view.rows if row.stream_id == stream_id]
    found = found or [row for row in view.rows if row.stream_id.startswith(stream_id)]
    return the_only(found, stream_id, embedded)


def plan(as_json: AsJson = False, embedded: Embedded = False) -> None:
    """Say what would be done next about every recording. Touches nothing.

    It looks at WATCH_DIR itself, so it has to run where the daemon runs, with its settings.

    \b
      cefmp4 plan                   before the first start: what would be uploaded?
                                    Standard error tells which files are passed over.
      cefmp4 plan --json            for programs
    """
    settings = load_settings(needs_store=False, to_start=False)
    prepare_process()

    async def look(checkpoints: RedisCheckpoints) -> None:
        shelf = Shelf()
        shelf.restore(await checkpoints.fingerprints())
        unfinished = await checkpoints.load_unfinished()
        wishes = await checkpoints.wishes()
        selection = make_selection(settings)
        listing, holder = list_tree(selection), await checkpoints.holder()
        horizon, away = horizon_of(selection.watch_dir, listing, unfinished)
        disk = LocalDisk(selection)
        try:
            policy = settings.policy()
            seen = await foresee(listing, unfinished, wishes, shelf, disk, policy, horizon)
        finally:
            disk.close()
        if holder is not None:
            seen = with_troubles(seen, (await checkpoints.shown()).figures.values())
        console.print_foresight(seen, as_json=as_json)
        if away:
            console.note(f"the watched directory {selection.watch_dir} is away: {away}")
        begins = any(Begin.__name__ in entry.next_actions for entry in seen)
        if begins and not await checkpoints.is_whole():
            console.note(ASKS_FIRST)
        if files := passed_over(selection):
            console.note(_told_of(files))

    ask(embedded, look, None)


def _told_of(files: Sequence[tuple[str, str]]) -> str:
    """How many are passed over, the first by name with the reason."""
    count = "1 file is" if len(files) == 1 else f"{len(files)} files are"
    named = ", ".join(f"{path} ({why})" for path, why in files[:NAMED])
    return f"{count} passed over: {named}{', …' if len(files) > NAMED else ''}"
