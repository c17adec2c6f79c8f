"""`gc`: unfinished uploads that nobody will ever finish."""

import asyncio
from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.adapters.s3 import view_store
from cefmp4.assembly import make_recollection, store_settings
from cefmp4.commands.asking import AsJson, Embedded, command_line, settings_for
from cefmp4.config import Settings
from cefmp4.core.orphans import Fate
from cefmp4.ports import Checkpoints, ObjectStore
from cefmp4.recollection import Recollection
from cefmp4.sweeping import Judged, abort_all, look_over


def gc(
    abort: Annotated[
        bool, typer.Option("--abort", help="Abort them; without it they are only listed.")
    ] = False,
    as_json: AsJson = False,
    embedded: Embedded = False,
) -> None:
    """List, or abort, unfinished uploads that no stream uses.

    The daemon does the same at its start and every hour. Uploads of others are never
    touched. While the state server has lost its data, those that a recording on the disk
    may yet claim are kept: start the daemon, and it goes on with what it can.

    \b
      cefmp4 gc              what would be aborted, and why
      cefmp4 gc --abort      abort it
    """
    rows, orphans, left = asyncio.run(_swept(settings_for(embedded), abort=abort))
    aborted = len(orphans) - len(left) if abort else 0
    if as_json:
        console.print_json([console.judged_facts(judged) for judged in rows])
    else:
        console.print_judged(rows)
        how = command_line("cefmp4 gc --abort", embedded)
        told = f"{aborted} aborted." if abort else f"{len(orphans)} to abort: {how}"
        console.out.print(told if orphans else "Nothing to abort.")
    for problem in left.values():
        console.complain(problem)
    raise typer.Exit(1 if left else 0)


async def _swept(
    settings: Settings, *, abort: bool
) -> tuple[list[Judged], list[Judged], dict[str, str]]:
    """All that stands below our prefix, what is of no use, and what could not be aborted."""
    async with (
        open_checkpoints(
            settings.redis_url.get_secret_value(),
            settings.instance,
            ca_bundle=settings.redis_ca_bundle,
        ) as checkpoints,
        view_store(store_settings(settings)) as store,
    ):
        rows, whole = await _looked_over(store, checkpoints, make_recollection(settings))
        unwanted = {Fate.ORPHAN, Fate.FORGOTTEN} if whole else {Fate.ORPHAN}
        orphans = [judged for judged in rows if judged.verdict.fate in unwanted]
        left = await abort_all(store, orphans, _no_claim) if abort else {}
        return rows, orphans, left


async def _looked_over(
    store: ObjectStore, checkpoints: Checkpoints, ours: Recollection
) -> tuple[list[Judged], bool]:
    """All that stands below our prefix; whether nothing was unknown for a loss of the state.

    Whole before, so that nothing is claimed any more that is listed; and still after, or the
    state was lost while it was asked.
    """
    whole = await checkpoints.is_whole()
    rows = await look_over(store, checkpoints, ours)
    return rows, whole and await checkpoints.is_whole()


async def _no_claim() -> None:
    """A person decides; and an orphan is nobody's work."""
