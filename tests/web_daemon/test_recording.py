"""What a person sees who records something, and keeps the page open."""

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from faults import wire
from faults.proxy import Proxy, Rule, running_proxy
from servers import S3Server
from story.daemon import Daemon, recorder
from web.conftest import Watch
from web.test_page_steering import give
from web_daemon.conftest import TOKEN, until

pytestmark = pytest.mark.timeout(240)
HOSTILE = "<img src=x onerror=alert(1)>\u202e4pm.mp4"


@pytest.fixture
def proxy(daemon: Daemon, s3_server: S3Server) -> Iterator[Proxy]:
    """The store, as far as this lets the daemon reach it. Ask for it before the page."""
    with running_proxy(s3_server.endpoint_url) as proxy:
        daemon.environment["S3_ENDPOINT_URL"] = proxy.endpoint_url
        yield proxy
        daemon.end()


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows tr").filter(has_text=name)


def test_a_recording_appears_grows_and_is_stored_without_a_reload(
    daemon: Daemon, page: Page
) -> None:
    """An MP4 is recorded in real time beside the open page; nobody touches the page."""
    page.goto("/")
    page.evaluate("() => { window.loadedOnce = true }")
    expect(page.locator("#empty")).to_be_visible()
    with recorder(daemon.path("hall.mp4"), seconds=300.0) as recording:
        line = row(page, "hall.mp4")
        expect(line).to_have_attribute("data-verdict", "on_its_way")
        expect(page.locator("#verdict")).not_to_contain_text("not safe")
        first = line.inner_text()
        until(lambda: line.inner_text() != first)
        second = line.inner_text()
        until(lambda: line.inner_text() not in (first, second))
        recording.send_signal(signal.SIGINT)
        assert recording.wait(timeout=30) == 0
    expect(line).to_have_attribute("data-verdict", "stored")
    stored = page.locator("#tiles").get_by_role("button", name="Stored today")
    expect(stored.locator(".number")).to_have_text("1")
    line.click()
    expect(page.locator("#detail")).to_contain_text("the object was verified")
    expect(page.locator("#detail")).to_contain_text("h264")
    assert page.evaluate("() => window.loadedOnce")


def test_a_person_is_told_what_is_not_safe_and_why(
    proxy: Proxy, daemon: Daemon, page: Page
) -> None:
    """While the store refuses, the first words name the recording and the reason."""
    proxy.rules.append(Rule("UploadPart", wire.refused(503, "SlowDown"), times=1_000))
    page.goto("/")
    with recorder(daemon.path(HOSTILE), seconds=300.0):
        answer = page.locator("#answer")
        expect(answer).to_contain_text("1 recording is not safe", timeout=60_000)
        expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
        expect(answer).to_contain_text("SlowDown")
        expect(answer.locator("#worst")).to_contain_text("What to do")
        proxy.rules.clear()
        expect(answer).not_to_contain_text("not safe", timeout=90_000)


def test_a_person_aborts_and_takes_it_up_again(
    daemon: Daemon, page: Page, watch: Watch
) -> None:
    """Both by the page, with the token; in the end it is stored."""
    watch.expect("401")
    page.goto("/")
    with recorder(daemon.path("hall.mp4"), seconds=300.0) as recording:
        line = row(page, "hall.mp4")
        expect(line).to_have_attribute("data-verdict", "on_its_way")
        line.click()
        abort = page.locator("#detail").get_by_role("button", name="Abort")
        abort.click()
        give(page, "guessed", "Abort the upload")
        expect(page.locator("#detail output")).to_contain_text("that is not the token")
        abort.click()
        give(page, TOKEN, "Abort the upload")
        expect(page.locator("#detail")).to_contain_text("aborted")
        recording.send_signal(signal.SIGINT)
        assert recording.wait(timeout=30) == 0
    page.locator("#detail").get_by_role("button", name="Retry").click()
    expect(row(page, "hall.mp4").filter(has_text="Stored")).to_be_visible(timeout=60_000)
