"""`/api/live`: what changes is told as it changes, to many, and without a queue."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from cefmp4.core.model import Status
from cefmp4.errors import RedisOperationError
from cefmp4.web import live
from cefmp4.web.live import MOST_READERS
from stream.faults import on
from stream.test_supervisor import scan
from stream.twins import nth_id
from waiting import wait_until
from web_server.serving import Line, Served, serving


@pytest.fixture(autouse=True)
def _quick_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty looks a second instead of one: these tests have no time."""
    monkeypatch.setattr(live, "STEP", 0.05)
    monkeypatch.setattr("cefmp4.lookout.FRESH_SECONDS", 0.02)


async def test_whoever_comes_is_told_everything_once(served: Served) -> None:
    """The throughput, a summary, and all rows of the page."""
    await served.stored("/w/a.mp4")
    growing = await served.growing("/w/b.mp4")
    async with served.live("?sort=name") as line:
        assert line.answer.content_type == "text/event-stream"
        assert line.answer.headers["Cache-Control"] == "no-store"
        assert (await line.event())[0] == "throughput"
        name, summary = await line.event()
        assert (name, summary["active"], summary["stored_today"]) == ("summary", 1, 0)
        name, rows = await line.event()
        assert (name, rows["total"], rows["order"][1]) == ("rows", 2, growing)
        assert [row["name"] for row in rows["rows"]] == ["a.mp4", "b.mp4"]


async def test_only_rows_that_changed_are_sent_again(served: Served) -> None:
    """And while nothing changes there are summaries, and no rows at all.

    Seen failing with all rows of the page sent whenever one changed.
    """
    first = await served.growing("/w/a.mp4")
    second = await served.growing("/w/b.mp4")
    async with served.live() as line:
        assert {row["stream_id"] for row in (await line.next("rows"))["rows"]} == {
            first,
            second,
        }
        await wait_until_quiet(line)
        await served.growing("/w/b.mp4", 40)
        changed = await line.next("rows")
        assert (changed["total"], len(changed["order"])) == (2, 2)
        assert [row["stream_id"] for row in changed["rows"]] == [second]


async def wait_until_quiet(line: Line) -> None:
    """Ten summaries, and nothing else."""
    quiet = 0
    while quiet < 10:
        name, _ = await line.event()
        quiet = quiet + 1 if name == "summary" else 0


async def test_what_left_the_page_is_told_by_its_order(served: Served) -> None:
    """A filter leaves out what does not fit any more, without a row to send."""
    stream_id = await served.growing()
    async with served.live("?status=active") as line:
        assert (await line.next("rows"))["order"] == [stream_id]
        await served.post(f"/api/streams/{stream_id}/abort")
        while (told := await line.next("rows"))["order"]:
            pass
        assert told == {"total": 0, "order": [], "rows": []}


async def test_the_opened_recording_is_told_until_it_ends_and_after(served: Served) -> None:
    """Each time it changes: its parts as they land, its end, and nothing in between."""
    stream_id = await served.growing()
    async with served.live(f"?detail={stream_id}") as line:
        assert (await line.next("detail"))["strip"] == [["stored", 1, 2], ["growing", 3, 3]]
        await wait_until_quiet(line)
        await served.post(f"/api/streams/{stream_id}/abort")
        while (told := await line.next("detail"))["row"]["status"] != "aborted":
            pass
        assert told["history"][-1]["what"] == "aborted"
        await wait_until_quiet(line)


async def test_what_nobody_knows_is_gone_until_it_is_known(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said once; also of what is no id. A state server that hangs holds up no summary."""
    monkeypatch.setattr(live, "LOOK_AGAIN_STEPS", 1)
    for opened in (nth_id(99), "nothing", "x" * 2_000):
        async with served.live(f"?detail={opened}") as line:
            assert await line.next("detail") == {"gone": True}
            await wait_until_quiet(line)
    stored = await served.stored()
    away = RedisOperationError("load: no answer")
    served.twins.checkpoints.before = on("load", away, times=3)
    async with served.live(f"?detail={stored}") as line:
        assert (await line.next("detail"))["row"]["stream_id"] == stored
        assert line.heard.count("summary") >= 3


async def test_a_wrong_query_is_no_line() -> None:
    """400, in one line."""
    async with serving() as there:
        assert "sort" in await there.get("/api/live?sort=colour", status=400)


async def test_many_look_with_one_look_and_when_nobody_does_there_is_none(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 32 at a time; the next one is asked to come later, and gets in when one left.

    Seen failing with a look for each reader, with one that goes on, and without a limit.
    """
    looks: list[float] = []
    look = served.server._desk.look

    async def counted() -> object:
        looks.append(1)
        return await look()

    monkeypatch.setattr(served.server._desk, "look", counted)
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(served.live()) for _ in range(MOST_READERS)]
        async with served.session.get(f"{served.url}/api/live") as refused:
            assert (refused.status, "Retry-After" in refused.headers) == (503, True)
        looks.clear()
        for line in lines:
            for _ in range(5):
                await line.next("summary")
        seen = max(line.heard.count("summary") for line in lines)
        assert len(looks) < 10 * seen
        await stack.aclose()

    async def nobody_looks() -> bool:
        looks.clear()
        await asyncio.sleep(0.2)
        return not looks and not served.server._live._readers

    await wait_until(nobody_looks)
    async with served.live() as line:
        assert (await line.next("summary"))["active"] == 0


async def test_a_reader_that_takes_nothing_is_let_go_and_costs_no_memory(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never told of more than the newest state, and others see every step meanwhile.

    Seen failing without a limit to the writing.
    """
    monkeypatch.setattr(live, "DRAIN_SECONDS", 0.3)
    monkeypatch.setattr(live, "STEP", 0.001)
    served.problems.tell("store", "x" * 200_000)
    host, _, port = served.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with served.live() as line:
        await wait_until(lambda: served.server._live._readers == 2)

        async def let_go() -> bool:
            await line.next("summary")
            return served.server._live._readers == 1

        await wait_until(let_go, timeout_seconds=30, every_seconds=0)
    writer.close()


async def test_the_end_of_the_daemon_waits_for_no_browser() -> None:
    """Every line ends at once, also one on which nothing is taken.

    Seen failing, by its time limit, without the lines being closed.
    """
    async with asyncio.timeout(10):
        async with AsyncExitStack() as stack:
            there = await stack.enter_async_context(serving())
            line = Line(await there.session.get(f"{there.url}/api/live"))
            stuck = await asyncio.open_connection(
                "127.0.0.1", int(there.url.rpartition(":")[2])
            )
            stuck[1].write(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await line.next("summary")
        with pytest.raises(EOFError):
            await line.next("the end")
        line.answer.close()
        stuck[1].close()


async def test_while_the_daemon_starts_the_page_says_what_it_waits_for() -> None:
    """On the same line the streams are told of, as soon as there are any."""
    async with serving(begun=False) as there:
        there.problems.tell("redis", "starting: claim the instance: refused", "start it")
        async with there.live() as line:
            (problem,) = (await line.next("summary"))["problems"]
            assert (problem["what"], problem["hint"]) == ("redis", "start it")
            assert await line.next("rows") == {"total": 0, "order": [], "rows": []}
            there.problems.over("redis")
            there.begin()
            await there.growing()
            while not (told := await line.next("rows"))["rows"]:
                pass
            assert told["rows"][0]["name"] == "a.mp4"
            summary = await line.next("summary")
            assert (summary["problems"], summary["starting"]) == ([], False)
            assert not summary["gone_through"], "there may be more than this recording"
            await there.supervisor.handle_scan(scan(there.twins))
            assert (await line.next("summary"))["gone_through"]


async def test_the_tiles_count_what_was_stored_today_and_what_waits(served: Served) -> None:
    """Counted anew only when something has ended."""
    stored = await served.stored("/w/a.mp4")
    there = served.supervisor.past.get(stored)
    assert there is not None
    async with served.live() as line:
        summary = await line.next("summary")
        now, ended = summary["now"], there.ended_at or 0.0
        assert summary["stored_today"] == int(now - ended < 3600)
        assert summary["slots_limit"] == 4
    assert there.status == Status.COMPLETED_WITH_META
