"""Who may ask: attacks on a server that listens on loopback, each one refused."""

import asyncio

import pytest

from cefmp4.web import guard
from cefmp4.web.guard import POLICY, is_local, is_same
from waiting import wait_until
from web_server.serving import TOKEN, Served, serving

ID = "00000001-0000-8000-0000-a245ff332287"
RETRY = f"/api/streams/{ID}/retry"


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8000", "LocalHost:1", "cam.localhost", "127.0.0.1",
        "127.9.9.9:80", "[::1]", "[::1]:8000",
    ],
)  # fmt: skip
def test_names_of_this_machine_are_answered(host: str) -> None:
    """Whatever the port: a tunnel may have another one."""
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example",
        "10.0.0.1", "0.0.0.0", "[::]",  # noqa: S104 - nothing is bound to it
        "[::2]", "::1", "[127.0.0.1]", "user@localhost",
        "localhost:80:80", "localhost:x", "localhost/", "localhost evil", "127.1", "2130706433",
        "localhost\n", "[::1", "localhost.",
    ],
)  # fmt: skip
def test_other_names_are_not(host: str) -> None:
    """A name that was made to point here is somebody else's (DNS rebinding)."""
    assert not is_local(host)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("https://Cams.example", "cams.example", True),
        ("http://localhost:8001", "localhost:8000", False),
        ("http://evil.example", "localhost:8000", False),
        ("null", "localhost:8000", False),
        ("null", "null", False),
        ("", "", False),
        ("file://", "", False),
        ("http://[", "[", False),
        ("chrome-extension://localhost", "localhost", False),
        ("http://evil@localhost", "localhost", False),
    ],
)
def test_an_origin_is_held_against_the_host(origin: str, host: str, same: bool) -> None:
    assert is_same(origin, host) is same


async def raw(served: Served, request: str) -> str:
    """An answer to bytes that no client would send."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request.replace("\n", "\r\n").encode())
        async with asyncio.timeout(10):
            return (await reader.read(65536)).decode()
    finally:
        writer.close()


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/api/streams", "/api/live"])
async def test_another_host_gets_nothing(served: Served, path: str) -> None:
    """Not the page, not a figure."""
    answer = await raw(served, f"GET {path} HTTP/1.1\nHost: evil.example\n\n")
    assert answer.startswith("HTTP/1.1 421 ")
    assert "gauge" not in answer
    assert (await raw(served, f"GET {path} HTTP/1.0\n\n")).startswith("HTTP/1.0 421 ")


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("cams.example", 200), ("CAMS.example:443", 200), ("localhost:8000", 200),
        ("10.0.0.1:8000", 200), ("[fe80::1]:8000", 200), ("evil.example", 421),
        ("cams.example.evil.example", 421), ("cams.example@evil.example", 421), ("", 421),
    ],
)  # fmt: skip
async def test_names_that_were_given_are_answered_and_no_others(
    bound: str, host: str, status: int
) -> None:
    """Behind a proxy or a published port only whoever runs it knows what it is called.

    Seen failing with the names left out, and with any name let through.
    """
    async with serving(host=bound, hosts=("cams.example",)) as there:
        there.url = f"http://127.0.0.1:{there.url.rpartition(':')[2]}"
        answer = await raw(there, f"GET /healthz HTTP/1.1\nHost: {host}\n\n")
        assert answer.startswith(f"HTTP/1.1 {status} ")


async def test_on_an_address_of_the_network_any_name_is_answered() -> None:
    """Only whoever runs it knows what it is called there."""
    async with serving(host="0.0.0.0") as there:  # noqa: S104 - the test is about it
        port = there.url.rpartition(":")[2]
        there.url = f"http://127.0.0.1:{port}"
        answer = await raw(there, "GET /healthz HTTP/1.1\nHost: cams.example\n\n")
        assert answer.startswith("HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/api/scan", RETRY])
async def test_another_site_makes_nothing_happen(
    served: Served, path: str, headers: dict[str, str]
) -> None:
    """Not even with the right token."""
    status, told = await served.post(path, **headers)
    assert (status, told, served.scans) == (403, "not from another site\n", [])


async def test_another_site_does_not_scrape(served: Served) -> None:
    """A scrape has seen the last figures of ended streams: they may then go.

    Seen failing with only the API guarded.
    """
    for site, status in (("cross-site", 403), ("none", 200)):
        headers = {"Sec-Fetch-Site": site}
        async with served.session.get(f"{served.url}/metrics", headers=headers) as answer:
            assert answer.status == status


async def test_the_page_itself_may(served: Served) -> None:
    """As a browser sends it; and so may a script, which sends neither."""
    status, _ = await served.post("/api/scan", Origin=served.url, Sec_Fetch_Site="same-origin")
    assert status == 202
    assert (await served.post("/api/scan"))[0] == 202
    assert len(served.scans) == 2


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", f"bearer {TOKEN}", f"Basic {TOKEN}", TOKEN,
        f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer  {TOKEN}", "Bearer é",
    ],
)  # fmt: skip
async def test_only_the_token_opens(served: Served, authorization: str | None) -> None:
    """401, whatever else is brought; and it says how."""
    headers = {} if authorization is None else {"Authorization": authorization}
    async with served.session.post(f"{served.url}/api/scan", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert served.scans == []


async def test_a_token_in_the_address_is_none(served: Served) -> None:
    """It would stand in logs and histories."""
    for query in (
        f"?token={TOKEN}",
        f"?access_token={TOKEN}",
        f"?authorization=Bearer {TOKEN}",
    ):
        assert (await served.post(f"/api/scan{query}", token=""))[0] == 401


async def test_without_a_token_set_nobody_changes_anything() -> None:
    """Not with an empty one either."""
    async with serving(token=None) as there:
        for token in ("", "None", "anything"):
            assert (await there.post("/api/scan", token=token))[0] == 403


async def test_guessing_gets_slow_but_locks_nobody_out(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some wrong tokens each waits, some of them at a time; the right one never does.

    Seen failing with every wrong one answered at once.
    """
    monkeypatch.setattr(guard, "MOST_WAITING", 3)
    waits: list[float] = []
    let_go = asyncio.Event()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await let_go.wait()

    monkeypatch.setattr(served.server._guard, "_sleep", wait)
    for _ in range(guard.FORGIVEN):
        assert (await served.post("/api/scan", token="wrong"))[0] == 401
    waiting = [asyncio.create_task(served.post("/api/scan", token="wrong")) for _ in range(3)]
    await wait_until(lambda: len(waits) == 3)
    assert 0 < waits[0] < waits[2] <= guard.LONGEST_WAIT_SECONDS
    assert (await served.post("/api/scan", token="wrong"))[0] == 429
    assert (await served.post("/api/scan"))[0] == 202
    let_go.set()
    assert [status for status, _ in await asyncio.gather(*waiting)] == [401, 401, 401]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/scan"), ("GET", RETRY), ("PUT", RETRY), ("DELETE", f"/api/streams/{ID}"),
        ("POST", "/"), ("POST", "/metrics"), ("HEAD", "/metrics"), ("HEAD", "/"),
        ("OPTIONS", "/api/scan"), ("TRACE", "/"), ("POST", "/api/live"), ("PATCH", "/readyz"),
    ],
)  # fmt: skip
async def test_other_methods_are_none(served: Served, method: str, path: str) -> None:
    """405, and nothing happens; a preflight is answered with no permission either."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with served.session.request(method, served.url + path, headers=headers) as answer:
        assert answer.status == 405
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert served.scans == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200), ("/page/nothing.js", 404), ("/page/..%2fserver.py", 404), ("/nothing", 404),
        ("/page/%2e%2e/guard.py", 404), ("/api/streams", 200), ("/api/streams?page=x", 400),
        ("/api/streams/nothing", 404), (f"/api/streams/{ID}", 404), ("/metrics", 200),
        ("/healthz", 200), ("/readyz", 503), ("/api/streams/%2e%2e%2fx", 404),
        ("/page/__init__.py", 404), (f"/api/streams/{ID}/poster", 404),
    ],
)  # fmt: skip
async def test_every_answer_is_dressed(served: Served, path: str, status: int) -> None:
    """With what browsers need to be told; a failure is one line of text.

    Seen failing with a policy that only the page has.
    """
    async with served.session.get(served.url + path) as answer:
        text = await answer.text()
        assert answer.status == status, text
        headers = answer.headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == ("no-cache" if path == "/" else "no-store")
        assert "aiohttp" not in headers["Server"]
        if status >= 400 and path != "/readyz":
            assert (answer.content_type, text.count("\n")) == ("text/plain", 1)


async def test_a_page_that_is_known_is_not_sent_again(served: Served) -> None:
    """Asked for each time, so that an update is seen at once."""
    async with served.session.get(f"{served.url}/") as answer:
        assert "<title>CefMP4" in await answer.text()
        tag = answer.headers["ETag"]
    async with served.session.get(f"{served.url}/", headers={"If-None-Match": tag}) as again:
        assert (again.status, await again.text()) == (304, "")


async def test_a_body_nobody_asked_for_is_not_read(served: Served) -> None:
    """Neither one that is announced nor one without an end."""
    head = f"POST /api/scan HTTP/1.1\nHost: localhost\nAuthorization: Bearer {TOKEN}\n"
    announced = await raw(served, f"{head}Content-Length: 99999999\n\n")
    assert announced.startswith("HTTP/1.1 413 ")
    endless = f"{head}Transfer-Encoding: chunked\n\n" + f"400\n{'x' * 1024}\n" * 3
    assert (await raw(served, endless)).startswith("HTTP/1.1 413 ")
    assert served.scans == []


async def test_what_is_no_http_is_refused_without_a_word_in_the_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """A scan of ports must not fill a disk."""
    for nonsense in ("\x16\x03\x01 hello\n\n", "GET / HTTP/9.9\n\n", "GET /\x00 HTTP/1.1\n\n"):
        assert "Traceback" not in await raw(served, nonsense)
    assert not caplog.records
    assert await served.get("/healthz")


async def test_a_bug_is_told_in_one_line(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of our inside is shown, and the daemon goes on."""

    async def broken() -> None:
        raise KeyError("inside")

    monkeypatch.setattr(served.server._desk, "look", broken)
    told = await served.get("/api/streams", status=500)
    assert (told.count("\n"), "inside" in told) == (1, False)
