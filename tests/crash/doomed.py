"""`cefmp4 run` with a witness: the same daemon, told by the same environment.

Two variables are its own: CRASH_EFFECTS is the file in which every effect is written
down, CRASH_AT says where the process is to end, if anywhere.
"""

import asyncio
import os
import threading
from collections.abc import Mapping
from multiprocessing import parent_process

from cefmp4.app import Daemon
from cefmp4.config import load_settings
from cefmp4.logging_config import configure_logging
from crash.doom import Doom, Witness, doomed


def live(environment: Mapping[str, str], folder: str, log_path: str, once: bool) -> None:
    """The whole life of a process that has just been forked; it never returns."""
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    raise SystemExit(run(once))


def _end_with_the_tests() -> None:
    """However they ended: nobody else would end this process."""
    tests = parent_process()
    if tests is not None:
        tests.join()
        os._exit(1)


def run(once: bool) -> int:
    """`cefmp4 run [--once]`; its exit code."""
    settings = load_settings()
    configure_logging(settings.app_env, settings.log_level)
    at = os.environ["CRASH_AT"]
    witness = Witness(os.environ["CRASH_EFFECTS"], Doom.told(at) if at else None)
    daemon = Daemon(
        settings,
        once=once,
        on_ready=lambda url: print(f"metrics {url}/metrics", flush=True),  # noqa: T201
        around=lambda world: doomed(world, settings, witness),
    )
    return asyncio.run(daemon.run())
