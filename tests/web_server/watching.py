"""A real daemon, asked over HTTP by whoever looks at it."""

import asyncio
import json
import socket
import urllib.error
import urllib.request
from typing import Any

from story.daemon import Daemon
from waiting import wait_until

TOKEN = "open sesame"
SECONDS = 60.0


def asked(url: str, method: str = "GET", token: str = "") -> tuple[int, Any]:
    """The status of an answer, and what it says; 0 when nobody answers."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    call = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(call, timeout=20) as answer:
            return int(answer.status), _read(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _read(error)
    except urllib.error.URLError:
        return 0, None


def _read(answer: Any) -> Any:
    text = answer.read().decode()
    is_json = answer.headers["Content-Type"].startswith("application/json")
    return json.loads(text) if is_json else text


def rows(daemon: Daemon, query: str = "") -> list[dict[str, Any]]:
    status, told = asked(f"{daemon.address}/api/streams{query}")
    assert status == 200, told
    found: list[dict[str, Any]] = told["rows"]
    return found


def with_a_port(daemon: Daemon) -> str:
    """The base URL of a daemon that is yet to start, and may never get ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    daemon.environment["PROM_PORT"] = str(port)
    return f"http://127.0.0.1:{port}"


async def not_ready(url: str, component: str) -> dict[str, str]:
    """Wait until this component, and no other, is told to be out; what is told of it."""

    async def out() -> dict[str, str] | None:
        status, told = await asyncio.to_thread(asked, f"{url}/readyz")
        if status != 503 or told[component]["ok"]:
            return None
        rest = [
            told[name]["ok"] for name in ("store", "redis", "watch_dir") if name != component
        ]
        return told[component] if all(rest) else None

    found = await wait_until(out, timeout_seconds=SECONDS, every_seconds=0.5)
    assert found is not None
    return found


async def ready(url: str) -> None:
    """Wait until all is well. The gate before a store may be in this process: it goes on."""

    async def well() -> bool:
        return (await asyncio.to_thread(asked, f"{url}/readyz"))[0] == 200

    await wait_until(well, timeout_seconds=SECONDS, every_seconds=0.5)
