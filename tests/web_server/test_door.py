"""Strangers who connect and stay: they cost few open files, and block nobody."""

import asyncio
import socket

import pytest

from cefmp4.errors import CefMP4Error
from cefmp4.web import door, server
from waiting import wait_until
from web_server.serving import Served, serving

ROOM = 8


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_CONNECTIONS", ROOM)


async def connect(served: Served, said: bytes) -> asyncio.StreamReader:
    """Somebody who says this, and no more."""
    port = int(served.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    served_by = asyncio.current_task()
    assert served_by is not None
    served_by.add_done_callback(lambda _: writer.transport.abort())
    return reader


async def is_over(reader: asyncio.StreamReader) -> bool:
    """The daemon has closed it."""
    try:
        return not await reader.read()
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET /heal", b"POST /api/scan HTTP/1.1\r\n"])
async def test_half_a_request_keeps_no_place(served: Served, said: bytes) -> None:
    """However many there are, the oldest make room, and health is told at once.

    Seen failing without a door: all of them stayed, as many as the process may open files.
    """
    strangers = [await connect(served, said) for _ in range(3 * ROOM)]
    assert (await served.get("/healthz"))["status"] == "ok"
    over = [asyncio.create_task(is_over(reader)) for reader in strangers]
    await wait_until(lambda: sum(task.done() for task in over) >= 2 * ROOM)
    assert all(task.done() for task in over[:ROOM])
    for task in over:
        task.cancel()


async def test_whoever_is_answered_is_not_cut_off(served: Served) -> None:
    """A page that looks stays connected while strangers come and go.

    Seen failing with the oldest cut off, whatever it does.
    """
    async with served.live() as line:
        await line.next("summary")
        for _ in range(3 * ROOM):
            await connect(served, b"GET /")
        await line.next("summary")
        assert (await served.get("/healthz"))["status"] == "ok"
        await line.next("summary")


async def test_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when nobody needs its place."""
    monkeypatch.setattr(server, "SILENT_SECONDS", 0.2)
    async with serving() as there, asyncio.timeout(10):
        assert await is_over(await connect(there, b"GET /heal"))


async def test_a_port_that_is_taken_is_told_in_plain_words() -> None:
    """What, why, and what to do. Seen failing with asyncio's words of it, which repeat the
    address as Python writes it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CefMP4Error) as failure:
            async with serving(port=port):
                pass
    assert str(failure.value) == f"cannot listen on 127.0.0.1:{port}: address already in use"
    assert "does cefmp4 run here already?" in failure.value.hint
    assert "PROM_PORT" in failure.value.hint


async def test_an_address_of_another_machine_is_told_in_plain_words() -> None:
    """It is PROM_HOST then that is wrong. Seen failing with asyncio's words."""
    with pytest.raises(CefMP4Error) as failure:
        async with serving(host="192.0.2.1"):
            pass
    told = "cannot listen on 192.0.2.1:0: cannot assign requested address"
    assert str(failure.value) == told
    assert "PROM_HOST" in failure.value.hint
