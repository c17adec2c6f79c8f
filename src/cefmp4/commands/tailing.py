"""`tail`: what happens, as it happens, from the stream `cefmp4:events` of the state server.

What must stay true: nothing is told twice and nothing is left out, as long as the state
server keeps it; an outage is waited out.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import Event, RedisCheckpoints
from cefmp4.commands.asking import AsJson, Embedded, Instance, ask
from cefmp4.console.events import print_event, print_event_json
from cefmp4.errors import RedisOperationError

ASK_SECONDS = 0.5


def tail(
    count: Annotated[
        int, typer.Option("-n", "--lines", min=0, help="How many of the past ones first.")
    ] = 10,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C.")
    ] = True,
    everybody: Annotated[bool, typer.Option("--all", help="Those of every instance.")] = False,
    as_json: AsJson = False,
    embedded: Embedded = False,
    instance: Instance = "",
) -> None:
    """Tell what happens, as it happens.

    A recording has begun, is stored, failed, or is stalled: one line each, the latest last.
    With --json one CloudEvent a line, as it is told to others too.

    \b
      cefmp4 tail                       the last ten, then what comes, until Ctrl-C
      cefmp4 tail -n 100 --no-follow    the last hundred
      cefmp4 tail --all --json | jq .   every instance, for programs
    """

    async def told(checkpoints: RedisCheckpoints) -> None:
        await _tell(checkpoints, count, follow=follow, everybody=everybody, as_json=as_json)

    ask(embedded, told, None if everybody else instance)


async def _tell(
    checkpoints: RedisCheckpoints, count: int, *, follow: bool, everybody: bool, as_json: bool
) -> None:
    def tell(events: Sequence[Event]) -> None:
        for event in events:
            if not everybody and event.instance != checkpoints.instance:
                continue
            if as_json:
                print_event_json(event.text)
            else:
                print_event(event.text, event.instance if everybody else None)

    last = await checkpoints.last_event()
    past = await checkpoints.latest_events(count, last, everybody=everybody)
    tell(past)
    waiting = False
    while follow:
        try:
            events = await checkpoints.events_after(last)
            if waiting:
                console.note("the state server answers again")
            waiting = False
        except RedisOperationError as error:
            if not waiting:
                console.note(f"waiting: {error}. {error.hint}".rstrip())
            waiting, events = True, []
        tell(events)
        if events:
            last = events[-1].entry_id
        else:
            await asyncio.sleep(ASK_SECONDS)
