"""`limit`: how fast recordings are uploaded, shown and changed while the daemon runs.

What a person sets stands in the state server, in place of the setting, until it is taken
back there; the daemon hears of it within a second. It needs no claim.
"""

import time
from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.commands.asking import Embedded, Instance, ask
from cefmp4.config import load_settings
from cefmp4.core.timetable import DAY_MINUTES, DAYS, Change, Timetable, rate_text

DEFAULT = "default"
Value = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="VALUE",
        help="off, a rate as 500K or 2M, a time table, or default: the setting.",
    ),
]


def limit(value: Value = None, embedded: Embedded = False, instance: Instance = "") -> None:
    """Show or change how fast recordings are uploaded.

    In bytes per second, or with K, M, G (of 1024). It holds in place of the setting
    UPLOAD_RATE_LIMIT_BYTES_PER_SECOND, over restarts too, until `cefmp4 limit default`, or
    until the state server has lost its data.

    \b
      cefmp4 limit                        what holds now, why, and what comes next
      cefmp4 limit 2M                     two mebibytes per second
      cefmp4 limit "08:00,2M 19:00,off"   by the clock on the wall, every day
      cefmp4 limit off                    as fast as it goes
      cefmp4 limit default                as the setting says
    """
    wanted = " ".join(value or [])
    if wanted not in ("", DEFAULT):
        wanted = _checked(wanted)
    setting = load_settings(needs_store=False, to_start=False).upload_rate_limit
    told, runs = ask(
        embedded,
        lambda checkpoints: _changed(checkpoints, wanted),
        instance,
        may_be_new=True,
    )
    lines = _lines(told, setting)
    if wanted and not runs:
        lines["noted"] = "no daemon runs, the next start does it"
    for name, line in lines.items():
        console.out.print(f"{name:<8} {line}", soft_wrap=True, markup=False)


def _checked(text: str) -> str:
    try:
        return Timetable.parse(text).text
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="VALUE") from error


async def _changed(checkpoints: RedisCheckpoints, wanted: str) -> tuple[str | None, bool]:
    """Do what is wanted, if anything; what a person has set, and whether a daemon runs."""
    if wanted:
        await checkpoints.limit_upload(None if wanted == DEFAULT else wanted)
    told = (await checkpoints.asked()).upload_limit
    return told, await checkpoints.holder() is not None


def _lines(told: str | None, setting: Timetable) -> dict[str, str]:
    """What holds now, why, and what comes next."""
    because = f"the setting: {setting.text}"
    table = setting
    if told is not None:
        try:
            table = Timetable.parse(told)
            because = f"set by a person: {table.text}"
        except ValueError:
            because = f"the setting: {setting.text} (what a person has set is not understood)"
    local = time.localtime()
    now = local.tm_wday, local.tm_hour * 60 + local.tm_min
    rate = table.rate_at(*now)
    exactly = "" if rate is None else f" ({rate} bytes per second)"
    lines = {"now": f"{rate_text(rate)}{exactly}", "because": because}
    if coming := table.next_change(*now):
        lines["next"] = _moment(coming, local.tm_wday)
    return lines


def _moment(change: Change, today: int) -> str:
    """When it comes, and what then."""
    day, minute = divmod(change.minute_of_week, DAY_MINUTES)
    named = "" if day == today else f"{DAYS[day][:3].capitalize()}-"
    rate = rate_text(change.bytes_per_second)
    return f"{rate} from {named}{minute // 60:02}:{minute % 60:02} on"
