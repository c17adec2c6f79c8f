"""`show` and `plan`: what became of one recording, and what comes next for all of them."""

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
from cefmp4.core.model import Checkpoint
from cefmp4.elsewhere import View
from cefmp4.foresight import foresee, with_troubles
from cefmp4.ports import Outline
from cefmp4.rows import Row
from cefmp4.selection import list_tree
from cefmp4.shelf import Shelf

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
        disk = LocalDisk(selection)
        try:
            seen = await foresee(listing, unfinished, wishes, shelf, disk, settings.policy())
        finally:
            disk.close()
        if holder is not None:
            seen = with_troubles(seen, (await checkpoints.shown()).figures.values())
        console.print_foresight(seen, as_json=as_json)

    ask(embedded, look, None)
