"""The daemon as the command line runs it, but out of patience with a silent store sooner.

`STALL_SECONDS` in the environment says how soon.
"""

import asyncio
import os
from dataclasses import replace

from cefmp4.adapters.s3 import StoreSettings
from cefmp4.app import Daemon
from cefmp4.assembly import store_settings
from cefmp4.cli import greet, hide_secrets
from cefmp4.config import Settings, load_settings
from cefmp4.logging_config import configure_logging


def less_patient(settings: Settings) -> StoreSettings:
    return replace(store_settings(settings), stall_seconds=float(os.environ["STALL_SECONDS"]))


async def run() -> int:
    settings = load_settings()
    configure_logging(settings.app_env, settings.log_level)
    hide_secrets(settings)
    daemon = Daemon(
        settings, on_ready=lambda url: greet(settings, None, url), store_with=less_patient
    )
    return await daemon.run()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run()))
