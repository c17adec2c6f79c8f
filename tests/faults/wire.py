"""What can go wrong between the daemon and its store: each fault of `proxy.Rule` by name.

Those called with `done=True` happen after the store has done what it was asked.
"""

import asyncio
from collections.abc import Callable

from faults.proxy import Exchange, Fault, passed_on

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def response(status: int, body: str = "", *, retry_after: str = "", length: int = -1) -> bytes:
    """A whole answer; with `length`, one that says it is so long."""
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status} Told",
        "Content-Type: application/xml",
        f"Content-Length: {len(content) if length < 0 else length}",
        "Connection: close",
        *([f"Retry-After: {retry_after}"] if retry_after else []),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + content


def error(code: str) -> str:
    return f"{XML}<Error><Code>{code}</Code><Message>on purpose</Message></Error>"


def refused(status: int, code: str, *, retry_after: str = "", done: bool = False) -> Fault:
    """An S3 error, after the whole body was taken."""

    async def fault(exchange: Exchange) -> None:
        await _let(exchange, done)
        body = "" if exchange.request.operation.startswith("Head") else error(code)
        await exchange.answer(response(status, body, retry_after=retry_after))

    return fault


async def refused_at_once(exchange: Exchange) -> None:
    """503 before any of the body was read, which then goes to nowhere."""
    await exchange.answer(response(503, error("SlowDown")))
    await exchange.take_body()


async def reset_before(exchange: Exchange) -> None:
    """The connection breaks before anything of the body was taken."""
    exchange.reset()


async def reset_during(exchange: Exchange) -> None:
    """It breaks in the middle of the body, on both sides."""
    _, writer = await asyncio.open_connection(*exchange.store)
    writer.write(exchange.request.head)
    await exchange.send_on(writer, exchange.request.length_bytes // 2)
    writer.transport.abort()
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    """It breaks after the whole body was taken; the store got nothing of it."""
    await exchange.take_body()
    exchange.reset()


async def swallowed(exchange: Exchange) -> None:
    """The store did it, but its answer is lost with the connection."""
    await exchange.ask()
    exchange.reset()


def silent(*, done: bool) -> Fault:
    """Not a byte comes back, and the connection stays."""

    async def fault(exchange: Exchange) -> None:
        await _let(exchange, done)
        await exchange.hold()

    return fault


async def silent_in_the_answer(exchange: Exchange) -> None:
    """The store did it; its answer stops in the middle."""
    answer = await exchange.ask()
    await exchange.answer(answer[: answer.index(b"\r\n\r\n")])
    await exchange.hold()


async def deaf(exchange: Exchange) -> None:
    """It takes no more bytes: the body cannot be sent to its end."""
    exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


def error_inside(code: str, *, done: bool) -> Fault:
    """200, with an error in the body."""

    async def fault(exchange: Exchange) -> None:
        await _let(exchange, done)
        await exchange.answer(response(200, error(code)))

    return fault


def empty(*, done: bool) -> Fault:
    """200, and nothing else."""

    async def fault(exchange: Exchange) -> None:
        await _let(exchange, done)
        await exchange.answer(response(200))

    return fault


async def torn(exchange: Exchange) -> None:
    """The store did it; its answer is a whole one by HTTP, but half of it by XML."""
    _, _, body = (await exchange.ask()).decode().partition("\r\n\r\n")
    await exchange.answer(response(200, body[: len(body) // 2]))


async def cut_off(exchange: Exchange) -> None:
    """The store did it; the connection closes in the middle of the answer's body."""
    _, _, body = (await exchange.ask()).decode().partition("\r\n\r\n")
    await exchange.answer(response(200, body[: len(body) // 2], length=len(body) + 1))


def rewritten(change: Callable[[str], str]) -> Fault:
    """The store's answer, with other words in its body."""

    async def fault(exchange: Exchange) -> None:
        _, _, body = (await exchange.ask()).decode().partition("\r\n\r\n")
        await exchange.answer(response(200, change(body)))

    return fault


def after(happens: Callable[[], None]) -> Fault:
    """Something happens to the store right before this request reaches it."""

    async def fault(exchange: Exchange) -> None:
        await asyncio.to_thread(happens)
        await passed_on(exchange)

    return fault


async def _let(exchange: Exchange, done: bool) -> None:
    """Let the store do it, or only take what was sent to it."""
    if done:
        await exchange.ask()
    else:
        await exchange.take_body()
