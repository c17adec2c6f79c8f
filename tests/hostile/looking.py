"""Looks at every file of a directory, as the daemon would, and tells what it found as JSON.

A process of its own, so that it can be traced, and measured: `ffprobe` and `pyav` ask the
prober, and past our own look at the boxes its child; `poster` has a picture made; `boxes`
is the walk alone, under an audit hook that tells what Python was asked to open, start or
connect to.
"""

import asyncio
import json
import os
import resource
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from cefmp4.adapters.disk import LocalDisk, prepare_process
from cefmp4.adapters.poster import PictureMaker
from cefmp4.adapters.probe import MediaProber
from cefmp4.adapters.probe_bounds import ProbeFailed, run_bounded
from cefmp4.ports import Picture

SECONDS = 30.0


async def ask(prober: MediaProber, path: str) -> dict[str, Any]:
    """What the prober says; its child is asked also where our own look was enough."""
    probe = await prober.probe(path)
    if probe.prober is None:
        with suppress(ProbeFailed):
            await run_bounded(prober._command(path), SECONDS)
    return asdict(probe)


async def show(path: str) -> dict[str, Any]:
    """What comes of a picture of it; its child is asked also where our own look was enough."""
    maker = PictureMaker(SECONDS)
    found = await maker.picture(path)
    if isinstance(found, Picture):
        return {"playable": True, "problem": None}
    with suppress(ProbeFailed):
        await run_bounded(maker.command(path), SECONDS)
    return {"problem": found.why}


async def look_at_all(paths: list[str], who: str, audited: list[list[str]]) -> dict[str, Any]:
    if who == "poster":
        return {path: await show(path) for path in paths}
    if who != "boxes":
        prober = MediaProber(None if who == "ffprobe" else "/nowhere/ffprobe", SECONDS)
        assert prober.name == who
        return {path: await ask(prober, path) for path in paths}
    disk = LocalDisk()
    await disk.inspect(paths[0])  # its threads have begun

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(("open", "os.exec", "os.posix_spawn", "socket.", "subprocess.")):
            audited.append([event, str(arguments[0])])

    sys.addaudithook(audit)
    found = {path: asdict((await disk.inspect(path)).boxes) for path in paths}
    disk.close()
    audited.append(["over", ""])
    return found


def own_bytes() -> int:
    """The most this process has had. (getrusage counts what stood there before exec, too.)"""
    with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    who, folder, told = sys.argv[1:]
    prepare_process()
    audited: list[list[str]] = []
    names = sorted(name for name in os.listdir(folder) if name.endswith(".mp4"))
    paths = [os.path.join(folder, name) for name in names]
    found = asyncio.run(look_at_all(paths, who, audited))
    usage = {
        "own_bytes": own_bytes(),
        "child_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }
    with open(told, "w", encoding="utf-8") as file:
        json.dump({"found": found, "audited": audited, **usage}, file)


if __name__ == "__main__":
    main()
