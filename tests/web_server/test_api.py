"""`/api/streams`, of recordings on twins: what is told, and what a person may ask for."""

import asyncio
from dataclasses import replace

import pytest

from cefmp4.core.media import Poster
from cefmp4.core.model import Checkpoint, Status, Wish
from cefmp4.core.objects import poster_key
from cefmp4.errors import RedisOperationError, S3OperationError
from cefmp4.stream import Stream
from stream.faults import on
from stream.test_supervisor import finished, scan
from stream.twins import nth_id
from waiting import wait_until
from web_server.serving import Served, serving


async def failed(served: Served) -> str:
    """A recording for which the store would begin no upload; the id of its stream."""
    refused = S3OperationError(
        "CreateMultipartUpload", "AccessDenied", "no", hint="allow it", transient=False
    )
    served.twins.store.before = on("create_upload", refused, times=99)
    finished(served.twins, "/w/a.mp4")
    return await served.become("/w/a.mp4", Status.FAILED)


async def test_all_recordings_are_listed(served: Served) -> None:
    """Those at work and those that have ended, in one list that can be searched."""
    stored = await served.stored("/w/cam1/a.mp4")
    growing = await served.growing("/w/cam2/b.mp4")
    told = await served.get("/api/streams?sort=name")
    assert (told["total"], told["page"], told["per_page"]) == (2, 1, 50)
    assert [(r["name"], r["verdict"], r["can"]) for r in told["rows"]] == [
        ("cam1/a.mp4", "stored", []),
        ("cam2/b.mp4", "on_its_way", ["abort"]),
    ]
    assert [r["stream_id"] for r in told["rows"]] == [stored, growing]
    found = await served.get(
        f"/api/streams?search={stored[:8].upper()}&status=completed_with_meta"
    )
    assert [r["stream_id"] for r in found["rows"]] == [stored]
    second = await served.get("/api/streams?sort=name&per_page=1&page=2&order=desc")
    assert ([r["name"] for r in second["rows"]], second["total"]) == (["cam1/a.mp4"], 2)
    assert "sort" in await served.get("/api/streams?sort=colour", status=400)


async def test_the_detail_of_one_that_grows(served: Served) -> None:
    """Its parts as they are just now, and what happened to it."""
    stream_id = await served.growing()
    told = await served.get(f"/api/streams/{stream_id}")
    assert told["strip"] == [["stored", 1, 2], ["growing", 3, 3]]
    assert told["history"][0]["what"] == "begun"
    assert (told["row"]["sent_bytes"], told["part_bytes"]) == (16, 8)
    assert told["upload_id"] in served.twins.store.uploads
    assert told["etag"] is None


async def test_the_detail_of_one_that_has_ended_comes_from_the_state_server(
    served: Served,
) -> None:
    """With its parts, which memory does not keep; also when memory has forgotten it."""
    stream_id = await served.stored()
    told = await served.get(f"/api/streams/{stream_id}")
    assert told["strip"] == [["stored", 1, 3]]
    assert (told["media"]["prober"], told["seal_reason"]) == ("twin", "closed")
    assert told["checksum"]
    served.supervisor.past.drop(stream_id)
    assert (await served.get(f"/api/streams/{stream_id}"))["strip"] == told["strip"]


async def test_what_nobody_knows_is_not_found(served: Served) -> None:
    """Whether it looks like an id or not."""
    unknown = nth_id(99)
    for stream_id in (unknown, unknown[:-1], unknown.upper() + "x", "x" * 4_000, "%00", "*"):
        await served.get(f"/api/streams/{stream_id}", status=404)
    for wish in ("retry", "abort"):
        assert (await served.post(f"/api/streams/{unknown}/{wish}"))[0] == 404
        assert (await served.post(f"/api/streams/*/{wish}"))[0] == 404
    assert (await served.post(f"/api/streams/{unknown}/delete"))[0] == 404


async def test_a_recording_is_aborted_and_taken_up_again(served: Served) -> None:
    """At once, without waiting for the next second; it is answered as the command line does."""
    stream_id = await served.growing()
    told = await served.post(f"/api/streams/{stream_id}/abort")
    assert told == (202, {"told": "aborted; nothing of it is left in the store"})
    assert served.twins.store.uploads == {}
    row = (await served.get(f"/api/streams/{stream_id}"))["row"]
    assert (row["status"], row["verdict"], row["can"]) == ("aborted", "given_up", ["retry"])
    told = await served.post(f"/api/streams/{stream_id}/abort")
    assert told == (409, {"told": "nothing to abort: aborted (aborted by a person)"})
    status, answer = await served.post(f"/api/streams/{stream_id}/retry")
    assert (status, answer) == (202, {"told": "begins anew, as a new stream"})


async def test_what_asks_for_nothing_is_told_so(served: Served) -> None:
    """409, and no wish is left."""
    stored = await served.stored("/w/a.mp4")
    growing = await served.growing("/w/b.mp4")
    assert await served.post(f"/api/streams/{stored}/retry") == (
        409,
        {"told": "nothing to retry: it is stored"},
    )
    assert await served.post(f"/api/streams/{growing}/retry") == (
        409,
        {"told": "nothing to retry: it is being worked on"},
    )
    assert await served.twins.checkpoints.wishes() == {}


async def test_the_same_wish_heard_twice_at_once_is_granted_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page brings it at the moment the daemon asks by itself, and reads more slowly.

    Seen failing, with a second stream of what was known before, without a turn for each.
    """
    stream_id = await failed(served)
    taken_up: list[Stream] = []
    add, load = served.supervisor.roster.add, served.twins.checkpoints.load
    delays = [0.3, 0.0]

    def note(stream: Stream) -> None:
        taken_up.append(stream)
        add(stream)

    async def load_slowly(asked: str) -> Checkpoint | None:
        found = await load(asked)
        await asyncio.sleep(delays.pop() if delays else 0.0)
        return found

    monkeypatch.setattr(served.supervisor.roster, "add", note)
    monkeypatch.setattr(served.twins.checkpoints, "load", load_slowly)
    await served.twins.checkpoints.wish(stream_id, Wish.ABORT)
    hear = served.supervisor.hear
    await asyncio.gather(*(hear({stream_id: Wish.ABORT}) for _ in range(2)))
    await served.become("/w/a.mp4", Status.ABORTED)
    assert len(taken_up) == 1


async def test_while_the_state_server_is_away_the_answer_says_so(served: Served) -> None:
    """503 with what is wrong, in one line; what is at work is still told."""
    stored = await served.stored("/w/a.mp4")
    growing = await served.growing("/w/b.mp4")
    away = RedisOperationError("load: no\nanswer", hint="start it")
    served.twins.checkpoints.before = on("load", away, times=99)
    told = await served.get(f"/api/streams/{stored}", status=503)
    assert told == "load: no answer; start it\n"
    assert (await served.get(f"/api/streams/{growing}"))["row"]["name"] == "b.mp4"
    assert (await served.get("/api/streams"))["total"] == 2
    served.twins.checkpoints.before = on("wish", away, times=99)
    assert (await served.post(f"/api/streams/{growing}/abort"))[0] == 503


async def test_while_the_daemon_starts_the_page_is_there_and_the_streams_are_not() -> None:
    """What it waits for is told at /readyz, and changing calls wait for the token first."""
    async with serving(begun=False) as there:
        there.problems.tell("redis", "starting: claim the instance: refused", "start it")
        assert "starting" in await there.get("/api/streams", status=503)
        assert "starting" in str((await there.post(f"/api/streams/{nth_id(1)}/retry"))[1])
        assert (await there.post("/api/scan", token="wrong"))[0] == 401
        assert (await there.get("/healthz"))["status"] == "ok"
        ready = await there.get("/readyz", status=503)
        assert ready["redis"]["why"] == "starting: claim the instance: refused"
        assert not ready["ready"]
        assert "CefMP4" in await there.get("/")
        there.begin()
        assert (await there.get("/api/streams"))["total"] == 0


async def test_a_failed_recording_waits_for_a_person(served: Served) -> None:
    """Its row says why and what to do; the process itself is well."""
    stream_id = await failed(served)
    (row,) = (await served.get("/api/streams?verdict=not_stored"))["rows"]
    assert (row["stream_id"], row["can"]) == (stream_id, ["retry", "abort"])
    assert ("AccessDenied" in row["why"], row["hint"]) == (True, "allow it")
    assert (await served.get("/healthz"))["status"] == "ok"
    served.twins.store.before = None
    told = await served.post(f"/api/streams/{stream_id}/retry")
    assert told in [
        (202, {"told": "taken up where it was"}),
        (202, {"told": "begins anew, as a new stream"}),
        (202, {"told": "stored"}),
    ]


async def test_a_scan_can_be_asked_for(served: Served) -> None:
    """It is begun at once."""
    assert await served.post("/api/scan") == (202, {"told": "scanning"})
    assert served.scans == [True]


async def test_a_stalled_recording_is_told_but_is_no_failure_of_the_process(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever restarts what is not healthy would cure no outage by it.

    Seen failing with 503.
    """
    monkeypatch.setattr(served.lookout, "_stalled_after_seconds", 0.0)
    away = S3OperationError("UploadPart", "ServiceUnavailable", "away", hint="wait")
    served.twins.store.before = on("upload_part", away, times=999)
    served.twins.disk.open_writer("/w/a.mp4")
    served.twins.disk.write("/w/a.mp4", bytes(21))
    await served.supervisor.handle_scan(scan(served.twins))

    async def stalled() -> dict[str, object] | None:
        told = await served.get("/healthz")
        return told if "ServiceUnavailable" in told["reason"] else None

    told = await wait_until(stalled, timeout_seconds=20, every_seconds=0.3)
    assert told is not None
    assert (told["status"], told["stalled"]) == ("stalled", 1)
    assert "/w/a.mp4" in str(told["reason"])


async def test_a_poster_is_handed_on_from_the_store(served: Served) -> None:
    """As a picture whatever it says it is, kept for a minute, and never more than 1 MiB.

    Seen failing with a key that is always None.
    """
    stream_id = await served.stored()
    await served.get(f"/api/streams/{stream_id}/poster", status=404)
    stored = await served.twins.checkpoints.load(stream_id)
    assert stored is not None
    poster = Poster(poster_key(stored.key), 640, 360, 6)
    await served.twins.store.put_document(poster.key, b"a JPEG", "text/html")
    await served.twins.checkpoints.save(stored, replace(stored, poster=poster))
    told = await served.get(f"/api/streams/{stream_id}")
    assert told["poster"] == f"/api/streams/{stream_id}/poster"
    async with served.session.get(f"{served.url}{told['poster']}") as answer:
        assert await answer.read() == b"a JPEG"
        assert answer.content_type == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, max-age=60"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    await served.twins.store.put_document(poster.key, bytes(1024**2 + 1), "image/jpeg")
    refused = await served.get(told["poster"], status=502)
    assert refused == "its poster is too large\n"
