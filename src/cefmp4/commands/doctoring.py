"""`doctor`: is everything there that the daemon needs, and what is to be mended?"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cefmp4 import console
from cefmp4.assembly import store_settings, trial_key
from cefmp4.commands.asking import AsJson, settings_for
from cefmp4.config import Settings, WrongSettings, load_settings, settings_warnings
from cefmp4.doctor.disk import examine_disk, examine_embedded
from cefmp4.doctor.media import examine_media
from cefmp4.doctor.report import (
    Health,
    Row,
    failed,
    failure,
    fine,
    not_asked,
    nothing_failed,
    warning,
)
from cefmp4.doctor.state import examine_state
from cefmp4.doctor.store import examine_store
from cefmp4.errors import CefMP4Error

OUTSIDE = ("directories", "media", "state server", "store")
Embedded = Annotated[
    bool, typer.Option("--embedded", help="Examine the servers of `run --embedded`.")
]


def doctor(as_json: AsJson = False, embedded: Embedded = False) -> None:
    """Say what is missing or wrong, and how to mend it.

    Settings, directories, state server and store are examined.
    The store is tried with an upload that is aborted again; nothing is left behind. It can
    be run beside a daemon. Exit code 0 when nothing failed, warnings or not; else 1.

    \b
      cefmp4 doctor                  with the settings of the environment and .env
      cefmp4 doctor --json           for programs
    """
    rows = _examined(embedded)
    _print(rows, as_json=as_json)
    raise typer.Exit(0 if nothing_failed(rows) else 1)


def _examined(embedded: bool) -> list[Row]:
    rows, can_start = _settings(embedded)
    try:
        settings = settings_for(embedded)
    except WrongSettings:
        return [*rows, *_unasked("the settings")]
    except CefMP4Error as error:
        rows.append(failure("embedded servers", error, "cefmp4 run --embedded"))
        return [*rows, *_unasked("the embedded servers")]
    outside, holder = asyncio.run(_outside(settings))
    rows += examine_disk(settings, holder, can_start=can_start)
    if embedded:
        rows.append(examine_embedded(settings.embedded_data_dir))
    return [*rows, *outside]


def _unasked(first: str) -> list[Row]:
    mend = f"mend {first} first, and run this again"
    return [not_asked(what, f"it depends on {first}", mend) for what in OUTSIDE]


def _settings(embedded: bool) -> tuple[list[Row], bool]:
    """What is to be said of them, and whether a start would take them."""
    what = "settings"
    try:
        load_settings(needs_store=not embedded)
    except WrongSettings as error:
        mend = "correct it in the environment or in .env; example.env explains every setting"
        return [*(failed(what, line, mend) for line in error.lines), *_misspelt()], False
    return _misspelt() or [fine(what, "each one can be used")], True


def _misspelt() -> list[Row]:
    """What is in .env or the environment and is no setting."""
    return [warning("settings", line, "correct it there") for line in settings_warnings()]


async def _outside(settings: Settings) -> tuple[list[Row], str]:
    """What has to be waited for, all at once; and who works on this instance, if anybody."""
    media, (state, holder), store = await asyncio.gather(
        examine_media(settings),
        examine_state(settings),
        examine_store(store_settings(settings), trial_key(settings)),
    )
    return [*media, *state, *store], holder


def _print(rows: Sequence[Row], *, as_json: bool) -> None:
    """What an examination found; what is well takes no more than a line."""
    if as_json:
        console.print_json([{**asdict(row), "health": row.health.value} for row in rows])
        return
    styles = {Health.WARNING: "yellow", Health.FAILED: "red", Health.NOT_ASKED: "dim"}
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "how", "found", "how to mend it"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        health = Text(row.health.value, style=styles.get(row.health, "green"))
        table.add_row(
            row.what, health, console.printable(row.found), console.printable(row.mend)
        )
    console.print_table(table)
