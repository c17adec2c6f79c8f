"""Real answers of every operation have the published shape: of every kind, in every state."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cefmp4.core import safety
from cefmp4.errors import RedisOperationError
from docs.known import openapi
from stream.faults import on
from waiting import wait_until
from web_server.every_kind import Kinds, recordings
from web_server.serving import TOKEN, Served, serving

STEER = {"Authorization": f"Bearer {TOKEN}"}


def shaped(schema: dict[str, Any], told: Any) -> None:
    """Raises where it does not have this shape."""
    Draft202012Validator({**schema, "components": openapi()["components"]}).validate(told)


def of(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


async def asked(served: Served, method: str, path: str, of: str = "", **call: Any) -> int:
    """Ask, and hold the answer to what is said of it; its status.

    `of` is the path as it is published, where that is another one.
    """
    async with served.session.request(method, served.url + path, **call) as answer:
        operation = openapi()["paths"][of or path.partition("?")[0]][method.lower()]
        told = operation["responses"][str(answer.status)]
        if "$ref" in told:
            told = openapi()["components"]["responses"][told["$ref"].rpartition("/")[2]]
        assert set(told.get("headers", ())) <= set(answer.headers)
        body = await answer.read()
        if answer.status == 304:
            return answer.status
        schema = told["content"][answer.content_type].get("schema", {})
        if answer.content_type == "application/json":
            shaped(schema, json.loads(body))
        elif answer.content_type != "image/jpeg":
            shaped(schema, body.decode())
        return answer.status


ONE = "/api/streams/{stream_id}"


@pytest.fixture
async def kinds(served: Served, monkeypatch: pytest.MonkeyPatch) -> Kinds:
    """Recordings of every kind, on the server; what is in trouble is at risk at once."""
    monkeypatch.setattr(safety, "TROUBLE_SECONDS", 0.0)
    return await recordings(served)


async def test_recordings_of_every_kind_are_shaped_as_published(
    served: Served, kinds: Kinds
) -> None:
    """In the list, and each of them in detail. Seen failing with a field too many."""
    told = await served.get("/api/streams")
    assert {row["stream_id"] for row in told["rows"]} == set(kinds.all)
    assert {row["verdict"] for row in told["rows"]} == {
        "stored", "not_stored", "given_up", "on_its_way", "at_risk",
    }  # fmt: skip
    assert await asked(served, "GET", "/api/streams") == 200
    assert await asked(served, "GET", "/api/streams?sort=colour") == 400
    for stream_id in kinds.all:
        assert await asked(served, "GET", f"/api/streams/{stream_id}", ONE) == 200
    assert await asked(served, "GET", "/api/streams/x", ONE) == 404
    poster = f"{ONE}/poster"
    assert await asked(served, "GET", f"/api/streams/{kinds.pictured}/poster", poster) == 200
    assert await asked(served, "GET", f"/api/streams/{kinds.stored}/poster", poster) == 404


async def test_what_changes_is_told_in_the_published_shape(
    served: Served, kinds: Kinds
) -> None:
    """Every event of a live line. Seen failing with a figure left out of the summary."""
    served.problems.tell("store", "it is away", "see the line")
    published = {"throughput": "LiveThroughput", "summary": "Summary", "rows": "LiveRows"}
    for stream_id in (*kinds.all, "nobody"):
        left = {*published, "detail"}
        async with served.live(f"?detail={stream_id}") as line:
            while left:
                name, told = await line.event()
                shaped(of(published.get(name, "LiveDetail")), told)
                left.discard(name)


async def test_what_is_steered_is_answered_as_published(served: Served, kinds: Kinds) -> None:
    """What is done, what is not, and who may not. Seen failing with 200 in place of 202."""

    async def steer(wish: str, **call: Any) -> int:
        path = f"/api/streams/{kinds.growing}/{wish}"
        return await asked(served, "POST", path, f"{ONE}/{wish}", **call)

    assert await steer("retry", headers=STEER) == 409
    assert await steer("abort", headers=STEER) == 202
    assert await steer("retry", headers=STEER) == 202
    assert await steer("retry") == 401
    assert await steer("retry", headers={**STEER, "Origin": "http://x.example"}) == 403
    assert await steer("retry", headers=STEER, data=bytes(2_000)) == 413
    assert await asked(served, "POST", "/api/scan", headers=STEER) == 202
    away = RedisOperationError("load: no answer", hint="start it")
    served.twins.checkpoints.before = on("load", away, times=99)
    gone = f"/api/streams/{kinds.stored}/retry"
    assert await asked(served, "POST", gone, f"{ONE}/retry", headers=STEER) == 503


async def test_health_and_page_are_answered_as_published(
    served: Served, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Well and not well. Seen failing with a component of another name."""
    assert await asked(served, "GET", "/readyz") == 503
    for path in ("/healthz", "/metrics", "/"):
        assert await asked(served, "GET", path) == 200
    monkeypatch.setattr(served.lookout, "_stalled_after_seconds", 0.0)

    async def stalled() -> bool:
        return bool((await served.get("/healthz"))["stalled"])

    await wait_until(stalled)
    assert await asked(served, "GET", "/healthz") == 200
    served.readiness.begin(dict.fromkeys(("store", "redis", "watch_dir"), _answers))
    assert await asked(served, "GET", "/readyz") == 200
    async with served.session.get(served.url + "/") as page:
        tag = {"If-None-Match": page.headers["ETag"]}
    assert await asked(served, "GET", "/", headers=tag) == 304
    for name, status in (("app.js", 200), ("style.css", 200), ("icon.svg", 200), ("x.js", 404)):
        assert await asked(served, "GET", f"/page/{name}", "/page/{name}") == status


async def _answers() -> None:
    """A component that is there."""


async def test_strangers_are_turned_away_as_published(served: Served) -> None:
    """By another name or another site, on every path that is read."""
    for path, item in openapi()["paths"].items():
        if "get" in item and "{" not in path:
            name = {"Host": "evil.example"}
            assert await asked(served, "GET", path, headers=name) == 421
            site = {"Sec-Fetch-Site": "cross-site"}
            if path.startswith(("/api/", "/metrics")):
                assert await asked(served, "GET", path, headers=site) == 403


async def test_a_daemon_that_starts_answers_as_published() -> None:
    """Also who must not steer at all."""
    async with serving(begun=False, token=None) as there:
        assert await asked(there, "GET", "/api/streams") == 503
        assert await asked(there, "GET", "/readyz") == 503
        assert await asked(there, "POST", "/api/scan") == 403
        async with there.live() as line:
            for name, shape in (("throughput", "LiveThroughput"), ("summary", "Summary")):
                shaped(of(shape), await line.next(name))
