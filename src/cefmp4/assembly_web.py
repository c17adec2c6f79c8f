"""What the settings mean for the page, and for whoever asks whether all is well."""

import os
import socket

from cefmp4.adapters.checkpoints import RedisCheckpoints
from cefmp4.assembly import trial_key
from cefmp4.config import Settings
from cefmp4.errors import ChunkProcessingError
from cefmp4.lookout import Lookout
from cefmp4.readiness import Check, Lingering
from cefmp4.supervisor import Supervisor
from cefmp4.watcher import Watcher
from cefmp4.web.desk import Works
from cefmp4.web.showing import About
from cefmp4.world import World

AWAY_HINT = (
    "mount it, put back what was in it, or let the user of this process read it: "
    "what is known waits for it"
)


def make_about(settings: Settings) -> About:
    """What is told of this instance, and does not change."""
    return About(
        instance=settings.instance,
        host=socket.gethostname(),
        watch_dir=settings.watch_dir,
        bucket=settings.s3_bucket_name or "",
        part_bytes=settings.policy().part_bytes,
        can_steer=settings.web_token is not None,
    )


def first_checks(settings: Settings, checkpoints: RedisCheckpoints) -> dict[str, Check]:
    """What can be asked while the store is waited for."""
    return {"redis": checkpoints.is_whole, "watch_dir": _watch_dir(settings, None)}


def readiness_checks(settings: Settings, world: World, watcher: Watcher) -> dict[str, Check]:
    """How each component is asked. Nothing here needs a permission that streams do not."""
    return {
        "store": lambda: world.store.head(trial_key(settings)),
        "redis": world.checkpoints.is_whole,
        "watch_dir": _watch_dir(settings, watcher),
    }


def _watch_dir(settings: Settings, watcher: Watcher | None) -> Check:
    stat = Lingering(lambda: os.stat(settings.watch_dir))

    async def ask() -> None:
        if watcher is not None and watcher.away:
            raise ChunkProcessingError(
                f"it is away: {watcher.away}",
                hint=AWAY_HINT,
            )
        try:
            await stat()
        except OSError as error:
            raise ChunkProcessingError(
                f"it cannot be reached: {error.strerror}",
                hint=AWAY_HINT,
            ) from error

    return ask


def make_works(supervisor: Supervisor, lookout: Lookout, watcher: Watcher) -> Works:
    """What the page shows and steers."""
    return Works(
        world=supervisor.world,
        lookout=lookout,
        past=supervisor.past,
        streams=lambda: supervisor.roster,
        has_gone_through=supervisor.has_gone_through,
        hear=supervisor.hear,
        scan_now=watcher.scan_soon,
    )
