"""docs/events.md is true: its examples are events, and its receiver receives."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from cefmp4.adapters.webhook import open_webhook
from cefmp4.assembly import SystemClock
from cefmp4.core.happenings import Kind
from cefmp4.errors import DeliveryError
from cefmp4.ports import Event
from cefmp4.relaying import event_schema
from waiting import wait_until

DOCUMENT = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
SECRET = "change-me"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def test_there_is_an_example_of_each_event() -> None:
    """All four, as the schema has them."""
    events = [json.loads(block) for block in blocks("json")]
    assert [event["type"] for event in events] == list(Kind)
    for event in events:
        jsonschema.validate(event, event_schema())


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The one of the document, at work: its URL and what it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (code,) = blocks("python")
    assert len(code.splitlines()) == 10
    printed = tmp_path / "printed"
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", code.replace("8010", str(port))],
            env=os.environ | {"WEBHOOK_SECRET": SECRET},
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield f"http://127.0.0.1:{port}/", printed
    finally:
        process.kill()
        process.wait()


async def test_the_receiver_of_ten_lines(receiver: tuple[str, Path]) -> None:
    """It takes what is signed, each event once, and nothing else.

    Seen failing with `genuine` always true, and with doubles not looked for.
    """
    url, printed = receiver
    first, second = (
        Event((n, 0), f"id-{n}", "stream.started", "s", f'{{"n": {n}, "é": 1}}'.encode())
        for n in (1, 2)
    )
    async with open_webhook(url, SECRET, SystemClock.now) as webhook:

        async def is_there() -> bool:
            try:
                await webhook.deliver(first)
            except DeliveryError:
                return False
            return True

        await wait_until(is_there)
        await webhook.deliver(first)
    for secret in ("another", None):
        async with open_webhook(url, secret, SystemClock.now) as stranger:
            with pytest.raises(DeliveryError, match="401"):
                await stranger.deliver(second)
    async with open_webhook(url, SECRET, SystemClock.now) as webhook:
        await webhook.deliver(second)
    lines = [json.loads(line) for line in printed.read_text(encoding="utf-8").splitlines()]
    assert [line["n"] for line in lines] == [1, 2]
