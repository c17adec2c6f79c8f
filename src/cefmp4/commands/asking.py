"""How a command asks the state server, and what all of them can be told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.embedded import running_redis_url, running_servers
from cefmp4.assembly import EMBEDDED_BUCKET, with_servers
from cefmp4.config import Settings, load_settings
from cefmp4.core.model import Checkpoint
from cefmp4.errors import CefMP4Error

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Embedded = Annotated[
    bool, typer.Option("--embedded", help="Ask the daemon that runs with --embedded.")
]


def ask(embedded: bool, question: Callable[[RedisCheckpoints], Awaitable[T]]) -> T:
    """Ask the state server, without taking the claim; the store is not needed."""
    settings = load_settings(needs_store=False)

    async def asking() -> T:
        async with open_checkpoints(
            state_url(settings, embedded),
            settings.instance,
            ca_bundle=settings.redis_ca_bundle,
        ) as checkpoints:
            return await question(checkpoints)

    return asyncio.run(asking())


def settings_for(embedded: bool) -> Settings:
    """What a command needs to reach the store too; that of a daemon with --embedded."""
    settings = load_settings(needs_store=not embedded)
    if not embedded:
        return settings
    bucket = settings.s3_bucket_name or EMBEDDED_BUCKET
    return with_servers(settings, running_servers(settings.embedded_data_dir, bucket))


def state_url(settings: Settings, embedded: bool) -> str:
    """Where the state server answers, with its password."""
    if embedded:
        return running_redis_url(settings.embedded_data_dir)
    return settings.redis_url.get_secret_value()


def the_only(found: list[Checkpoint], stream_id: str, embedded: bool) -> Checkpoint:
    """The one stream that was meant. Raises CefMP4Error for none, and for several."""
    if len(found) != 1:
        problem = "several streams begin" if found else "no stream begins"
        see = command_line("cefmp4 streams", embedded)
        raise CefMP4Error(f"{problem} with {stream_id!r}", hint=f"see: {see}")
    return found[0]


def command_line(command: str, embedded: bool) -> str:
    """A command as a person has to type it who typed this one."""
    return f"{command} --embedded" if embedded else command
