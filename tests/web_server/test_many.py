"""Five thousand recordings: what is sent, and what work it takes, does not grow with them."""

import pytest

from cefmp4.lookout import Lookout
from cefmp4.stream import Stream
from cefmp4.web import live
from waiting import wait_until
from web_server.serving import Line, Served, serving

MANY = 5_000
MOST_ROW_BYTES = 700
"""Of these recordings, whose names are short."""

pytestmark = pytest.mark.timeout(120)


async def crowd(served: Served) -> list[Stream]:
    """Recordings that grow, each a few bytes; nobody works on them."""
    twins, roster = served.twins, served.supervisor.roster
    for number in range(MANY):
        path = f"/w/cam{number % 50:02}/{number:04}.mp4"
        twins.disk.write(path, bytes(5))
        stream = Stream(twins.world, path)
        stream.glance()
        roster.add(stream)
    return list(roster)


async def test_the_answer_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five thousand as of fifty; and the same page of the same rows is made once."""
    async with serving() as there:
        await crowd(there)
        for per_page in (50, 200):
            url = f"{there.url}/api/streams?per_page={per_page}&sort=name"
            async with there.session.get(url) as answer:
                body = await answer.read()
                told = await answer.json()
            assert (told["total"], len(told["rows"])) == (MANY, per_page)
            assert len(body) < per_page * MOST_ROW_BYTES
        told = await there.get("/api/streams?search=cam07&sort=name&page=2")
        assert (told["total"], told["rows"][0]["name"]) == (100, "cam07/2507.mp4")
        monkeypatch.setattr("cefmp4.lookout.FRESH_SECONDS", 0.0)
        await there.get("/api/streams")
        sorted_rows = there.server._desk.pages.sorted_rows
        for _ in range(5):
            await there.get("/api/streams")
        assert there.server._desk.pages.sorted_rows == sorted_rows


async def test_a_line_tells_what_changed_among_five_thousand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first time a page, then single rows; nothing is sorted while nothing changes.

    Seen failing with every row a new one after each look.
    """
    monkeypatch.setattr(live, "STEP", 0.1)
    monkeypatch.setattr("cefmp4.lookout.FRESH_SECONDS", 0.0)
    async with serving() as there, there.live("?sort=name") as line:
        streams = await crowd(there)
        pages = there.server._desk.pages
        while len((first := await line.next("rows"))["rows"]) < 50:
            pass
        assert (first["total"], len(first["order"])) == (MANY, 50)
        sorted_rows = await quiet(line, there)
        assert pages.sorted_rows == sorted_rows
        there.twins.disk.write(streams[0].path, bytes(3))
        streams[0].glance()
        changed = await line.next("rows")
        assert [row["disk_bytes"] for row in changed["rows"]] == [8]
        assert pages.sorted_rows == sorted_rows + MANY


async def quiet(line: Line, there: Served) -> int:
    """How many rows were sorted when nothing changed any more; five summaries later."""
    pages = there.server._desk.pages
    while True:
        before = pages.sorted_rows
        for _ in range(5):
            name, _told = await line.event()
            if name == "rows":
                break
        else:
            return before


async def test_all_who_look_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look for all, and each view is sorted once for everybody who has it.

    Seen failing with pages of each reader's own.
    """
    monkeypatch.setattr("cefmp4.lookout.FRESH_SECONDS", 0.0)
    looks = 0
    look = Lookout.look

    async def counted(self: Lookout) -> object:
        nonlocal looks
        looks += 1
        return await look(self)

    monkeypatch.setattr(Lookout, "look", counted)
    async with serving() as there:
        await crowd(there)
        lines = [Line(await there.session.get(f"{there.url}/api/live")) for _ in range(20)]
        for line in lines:
            assert len((await line.next("rows"))["rows"]) == 50
        assert there.server._desk.pages.sorted_rows <= looks * MANY
        assert looks < 20
        for line in lines:
            line.answer.close()
        await wait_until(lambda: not there.server._live._readers)
