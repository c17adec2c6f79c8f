"""How a command asks the state server, and what all of them can be told.

REDIS_URL is enough: which instance is meant is found out there, when nothing else says it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.embedded import running_redis_url, running_servers
from cefmp4.assembly import EMBEDDED_BUCKET, with_servers
from cefmp4.commands.completing import complete_instances
from cefmp4.config import Settings, load_settings
from cefmp4.errors import CefMP4Error, RedisOperationError
from cefmp4.logging_config import configure_logging

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Embedded = Annotated[
    bool, typer.Option("--embedded", help="Ask the daemon that runs with --embedded.")
]
Instance = Annotated[
    str,
    typer.Option(
        "--instance",
        metavar="NAME",
        help="Which daemon is meant, where the state server knows several.",
        autocompletion=complete_instances,
    ),
]


def ask(
    embedded: bool,
    question: Callable[[RedisCheckpoints], Awaitable[T]],
    instance: str | None = "",
    *,
    may_be_new: bool = False,
) -> T:
    """Ask the state server, without taking the claim; the store is not needed.

    `instance` as a person named it, "" when nobody did, None for the one of the settings.
    One that nobody ever worked on is an error, unless it `may_be_new`.
    """
    settings = load_settings(needs_store=False, to_start=False)
    configure_logging(settings.app_env, "ERROR")
    url, own = state_url(settings, embedded), settings.instance

    async def asking() -> T:
        name = own
        if instance is not None:
            named = instance or settings.instance_id or ""
            async with open_checkpoints(
                url, own, ca_bundle=settings.redis_ca_bundle
            ) as checkpoints:
                name = await meant_instance(
                    checkpoints, named, given=bool(instance), may_be_new=may_be_new
                )
        async with open_checkpoints(
            url, name, ca_bundle=settings.redis_ca_bundle
        ) as checkpoints:
            return await question(checkpoints)

    try:
        return asyncio.run(asking())
    except RedisOperationError as error:
        if embedded or not _runs_embedded(settings):
            raise
        hint = "beside `make run` and `cefmp4 run --embedded`, add --embedded"
        raise CefMP4Error(str(error), hint=hint) from error


def _runs_embedded(settings: Settings) -> bool:
    """A daemon with servers of its own runs here: it may be the one that is meant."""
    try:
        running_redis_url(settings.embedded_data_dir)
    except CefMP4Error:
        return False
    return True


async def meant_instance(
    checkpoints: RedisCheckpoints, named: str, *, given: bool, may_be_new: bool
) -> str:
    """Which instance is meant: the named one, that of this host, or the only one there is.

    `given`: it was named for this command alone, so it has to be known.
    Raises CefMP4Error when it is none, or may be several.
    """
    if named and not given:
        return named
    known, own = await checkpoints.instances(), checkpoints.instance
    if named:
        if named in known or may_be_new:
            return named
        told = f"known are: {', '.join(known)}" if known else "none is known"
        raise CefMP4Error(f"no daemon has worked as instance {named!r}", hint=told)
    if own in known or (may_be_new and not known):
        return own
    if not known:
        raise CefMP4Error(
            "no daemon has ever worked with this state server",
            hint="check REDIS_URL, or start one: cefmp4 run",
        )
    if len(known) > 1:
        raise CefMP4Error(
            f"several instances work with this state server: {', '.join(known)}",
            hint="say which one is meant: --instance NAME, or INSTANCE_ID",
        )
    console.note(f"asking instance {known[0]}")
    return known[0]


def settings_for(embedded: bool) -> Settings:
    """What a command needs to reach the store too; that of a daemon with --embedded."""
    settings = load_settings(needs_store=not embedded, to_start=False)
    if not embedded:
        return settings
    bucket = settings.s3_bucket_name or EMBEDDED_BUCKET
    return with_servers(settings, running_servers(settings.embedded_data_dir, bucket))


def state_url(settings: Settings, embedded: bool) -> str:
    """Where the state server answers, with its password."""
    if embedded:
        return running_redis_url(settings.embedded_data_dir)
    return settings.redis_url.get_secret_value()


def the_only(found: Sequence[T], stream_id: str, embedded: bool) -> T:
    """The one stream that was meant. Raises CefMP4Error for none, and for several."""
    if len(found) != 1:
        problem = "several streams begin" if found else "no stream begins"
        see = command_line("cefmp4 streams", embedded)
        raise CefMP4Error(f"{problem} with {stream_id!r}", hint=f"see: {see}")
    return found[0]


def command_line(command: str, embedded: bool) -> str:
    """A command as a person has to type it who typed this one."""
    return f"{command} --embedded" if embedded else command
