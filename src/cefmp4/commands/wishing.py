"""`retry` and `abort`: a person asks, and the daemon does.

Only the process that holds the claim changes a stream. So a command leaves a wish in the
state server, wherever the daemon runs, and waits a little for what becomes of it. When no
daemon runs, the wish waits for the next start.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.commands.asking import Embedded, Instance, ask, command_line, the_only
from cefmp4.commands.completing import complete_streams
from cefmp4.core.model import PARKED, Checkpoint, Wish
from cefmp4.core.wishes import concerns, outcome, why_not
from cefmp4.errors import CefMP4Error

WAIT_SECONDS = 10.0
"""How long a person waits for a running daemon."""

IDS = typer.Argument(
    metavar="ID",
    help="Stream ids, or their beginnings.",
    autocompletion=complete_streams,
)
Failed = Annotated[bool, typer.Option("--failed", help="Everything that failed.")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one wish."""

    stream: Checkpoint | None
    """None when it is not known which one was meant."""
    told: str
    granted: bool
    """It was taken, or waits for the next start."""
    hint: str = ""


def retry(
    ids: Annotated[list[str] | None, IDS] = None,
    failed: Failed = False,
    embedded: Embedded = False,
    instance: Instance = "",
) -> None:
    """Have what failed or was aborted uploaded after all.

    What the store still has of it is not sent again; without an upload left, the recording
    begins anew as a new stream, with the settings of today. Mend the cause first:
    `cefmp4 show ID` names it. The daemon does it, or the next one to start.

    \b
      cefmp4 retry 3f2a          one stream, by the beginning of its id
      cefmp4 retry 3f2a 91c0     two of them
      cefmp4 retry --failed      everything that failed
    """
    _wish(Wish.RETRY, ids or [], instance, failed=failed, embedded=embedded)


def abort(
    ids: Annotated[list[str], IDS], embedded: Embedded = False, instance: Instance = ""
) -> None:
    """Stop uploading a recording, and leave nothing of it in the store.

    The recording itself is never touched, and not begun again until `cefmp4 retry ID`. What
    is stored already stays. The daemon does it, or the next one to start.

    \b
      cefmp4 abort 3f2a          one stream, by the beginning of its id
    """
    _wish(Wish.ABORT, ids, instance, failed=False, embedded=embedded)


def _wish(
    wish: Wish, ids: Sequence[str], instance: str, *, failed: bool, embedded: bool
) -> None:
    if failed == bool(ids):
        see = f"see: {command_line('cefmp4 streams', embedded)}"
        raise CefMP4Error("name streams, or say --failed", hint=see)
    answers = ask(
        embedded, lambda checkpoints: _asked(checkpoints, wish, ids, embedded), instance
    )
    if failed and not answers:
        console.out.print("There is nothing to retry.")
    for answer in answers:
        if answer.stream is not None:
            console.print_answer(answer.stream, answer.told)
        else:
            console.complain(answer.told, answer.hint)
    raise typer.Exit(0 if all(answer.granted for answer in answers) else 1)


async def _asked(
    checkpoints: RedisCheckpoints, wish: Wish, ids: Sequence[str], embedded: bool
) -> list[Answer]:
    """Leave the wishes, wait for the daemon, and tell what became of each."""
    answers: list[Answer] = []
    wanted: dict[str, Checkpoint] = {}
    for stream in await _meant(checkpoints, ids, embedded, answers):
        if concerns(wish, stream):
            wanted[stream.stream_id] = stream
        else:
            answers.append(Answer(stream, why_not(wish, stream), granted=False))
    for stream_id in wanted:
        await checkpoints.wish(stream_id, wish)
    if not await checkpoints.holder():
        noted = "noted: no daemon runs, the next start does it"
        return answers + [Answer(stream, noted, granted=True) for stream in wanted.values()]
    left = await _waited(checkpoints, wanted)
    for stream_id, stream in wanted.items():
        now = await checkpoints.load(stream_id) or stream
        answers.append(Answer(now, outcome(wish, now, left=stream_id in left), granted=True))
    return answers


async def _meant(
    checkpoints: RedisCheckpoints, ids: Sequence[str], embedded: bool, answers: list[Answer]
) -> list[Checkpoint]:
    """The streams of these ids, or without any those that failed; others are answered."""
    if not ids:
        kept = await checkpoints.load_set_aside()
        return [stream for stream in kept if stream.status in PARKED and stream.holds_path]
    found: dict[str, Checkpoint] = {}
    for stream_id in ids:
        try:
            stream = the_only(await checkpoints.find(stream_id), stream_id, embedded)
        except CefMP4Error as error:
            answers.append(Answer(None, str(error), granted=False, hint=error.hint))
        else:
            found[stream.stream_id] = stream
    return list(found.values())


async def _waited(
    checkpoints: RedisCheckpoints, wanted: Mapping[str, Checkpoint]
) -> frozenset[str]:
    """Wait until the daemon has done it all, not for long; what it has not done yet."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while left := wanted.keys() & (await checkpoints.wishes()).keys():
        if loop.time() > deadline:
            break
        await asyncio.sleep(0.2)
    return frozenset(left)
