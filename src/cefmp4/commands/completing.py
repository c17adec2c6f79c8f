"""What a shell completes: stream ids and instances, as far as the state server is there.

A person waits for it with a half-typed line: it takes a second at most, and says nothing
when it fails.
"""

import asyncio
from collections.abc import Awaitable, Callable

import typer

from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.embedded import running_redis_url
from cefmp4.config import WrongSettings, load_settings
from cefmp4.errors import CefMP4Error
from cefmp4.logging_config import configure_logging

LIMIT_SECONDS = 1.0
MOST = 200
Suggestion = tuple[str, str]
"""What can be typed, and what is said of it."""


def complete_streams(ctx: typer.Context, incomplete: str) -> list[Suggestion]:
    """Stream ids that begin like this, the latest first, with their file names."""
    taken = ctx.params.get("ids") or ctx.params.get("names") or ()

    async def look(checkpoints: RedisCheckpoints) -> list[Suggestion]:
        outlines = await checkpoints.outlines(MOST)
        return [
            (cp.stream_id, f"{cp.status.value} {plain(cp.path.rpartition('/')[2])}")
            for cp in (outline.checkpoint for outline in outlines)
            if cp.stream_id.startswith(incomplete) and cp.stream_id not in taken
        ][:MOST]

    return _asked(ctx, look)


def complete_instances(ctx: typer.Context, incomplete: str) -> list[Suggestion]:
    """The instances the state server knows."""

    async def look(checkpoints: RedisCheckpoints) -> list[Suggestion]:
        known = await checkpoints.instances()
        return [(name, "") for name in known if name.startswith(incomplete)]

    return _asked(ctx, look)


def plain(text: str) -> str:
    """A name as a shell may print it: nothing that acts, and on one line."""
    return "".join(c if c.isprintable() and c not in "\"'`$\\:" else "?" for c in text)


def _asked(
    ctx: typer.Context, look: Callable[[RedisCheckpoints], Awaitable[list[Suggestion]]]
) -> list[Suggestion]:
    try:
        settings = load_settings(needs_store=False, to_start=False)
        configure_logging(settings.app_env, "CRITICAL")
        url = settings.redis_url.get_secret_value()
        if ctx.params.get("embedded"):
            url = running_redis_url(settings.embedded_data_dir)
        named = ctx.params.get("instance") or settings.instance_id

        async def asking() -> list[Suggestion]:
            async with asyncio.timeout(LIMIT_SECONDS):
                name = named or await _likely(url, settings.instance, settings.redis_ca_bundle)
                async with open_checkpoints(
                    url, name, ca_bundle=settings.redis_ca_bundle
                ) as checkpoints:
                    return await look(checkpoints)

        return asyncio.run(asking())
    except (CefMP4Error, WrongSettings, TimeoutError):
        return []


async def _likely(url: str, own: str, ca_bundle: str | None) -> str:
    """The instance of this host, or the one that was heard of last."""
    async with open_checkpoints(url, own, ca_bundle=ca_bundle) as checkpoints:
        known = await checkpoints.instances()
    return own if own in known or not known else known[0]
