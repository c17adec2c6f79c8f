"""`streams`, `show` and `plan`: what became of every recording, and what comes next."""

from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.adapters.disk import LocalDisk, prepare_process
from cefmp4.assembly import make_selection
from cefmp4.commands.asking import AsJson, Embedded, ask, the_only
from cefmp4.config import load_settings
from cefmp4.foresight import foresee
from cefmp4.selection import list_tree
from cefmp4.shelf import Shelf


def streams(as_json: AsJson = False, embedded: Embedded = False) -> None:
    """List the streams of this instance, with their status."""
    found = ask(embedded, lambda checkpoints: checkpoints.all_streams())
    if as_json:
        console.print_json([console.stream_facts(checkpoint) for checkpoint in found])
    else:
        console.print_streams(found, load_settings(needs_store=False).watch_dir)


def show(
    stream_id: Annotated[str, typer.Argument(help="A stream id, or the beginning of one.")],
    as_json: AsJson = False,
    embedded: Embedded = False,
) -> None:
    """Show one stream with all its parts."""
    found = ask(embedded, lambda checkpoints: checkpoints.find(stream_id))
    stream = the_only(found, stream_id, embedded)
    if as_json:
        console.print_json(console.stream_details(stream))
    else:
        console.print_stream(stream)


def plan(as_json: AsJson = False, embedded: Embedded = False) -> None:
    """Say what would be done next about every recording. Touches nothing."""
    settings = load_settings(needs_store=False)
    prepare_process()

    async def look(checkpoints: RedisCheckpoints) -> None:
        shelf = Shelf()
        shelf.restore(await checkpoints.fingerprints())
        unfinished = await checkpoints.load_unfinished()
        wishes = await checkpoints.wishes()
        selection = make_selection(settings)
        found = list_tree(selection).files
        disk = LocalDisk(selection)
        try:
            seen = await foresee(found, unfinished, wishes, shelf, disk, settings.policy())
        finally:
            disk.close()
        console.print_foresight(seen, as_json=as_json)

    ask(embedded, look)
