"""The line to the daemon: it breaks, and the page never passes old news off as new."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from web.conftest import Watch
from web.scenery import row
from web.stub import Serving, Stub

TURN = (
    "(hidden) => { Object.defineProperty(document, 'hidden', { get: () => hidden, "
    "configurable: true }); document.dispatchEvent(new Event('visibilitychange')) }"
)


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Let the browser go on until this holds."""
    give_up = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < give_up
        page.wait_for_timeout(20)


def test_the_connection_is_lost_and_found(
    page: Page, served: Serving, stub: Stub, watch: Watch
) -> None:
    """A banner says since when nothing is heard and all is greyed; both go when it is back."""
    watch.expect("net::ERR_")
    growing = row("a.mp4")
    stub.put(growing)
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#connection")).to_have_text("live")
    served.down()
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("Connection lost. It was heard last at 20")
    expect(page.locator("#connection")).to_have_text("connection lost")
    assert "grayscale" in page.evaluate(
        "getComputedStyle(document.querySelector('main')).filter"
    )
    stub.put({**growing, "sent_bytes": growing["disk_bytes"], "unsent_bytes": 0})
    served.up()
    expect(banner).to_be_hidden()
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("td.progress")).to_contain_text("all 20.0 MiB sent")
    assert page.evaluate("getComputedStyle(document.querySelector('main')).filter") == "none"


def test_silence_is_a_lost_connection(page: Page, stub: Stub) -> None:
    """A line that stands but on which nothing comes any more is told as lost."""
    stub.put(row("a.mp4"))
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(1)
    stub.silent = True
    expect(page.get_by_role("alert")).to_contain_text("Connection lost.")
    stub.silent = False
    expect(page.locator("#banner")).to_be_hidden()


def test_the_daemon_takes_no_more_pages(page: Page, stub: Stub, watch: Watch) -> None:
    """Refused, the page says so and tries again until it is let in."""
    watch.expect("503")
    stub.full = True
    page.goto("/")
    expect(page.get_by_role("alert")).to_have_text(
        "The daemon takes no more pages right now. It is tried again all the time."
    )
    stub.full = False
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("h1")).to_have_text("Everything is safe.")


def test_before_anything_is_heard(page: Page, stub: Stub) -> None:
    """Nothing is claimed before the daemon has said a word."""
    stub.silent = True
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Connecting to the daemon …")
    expect(page.locator("#tiles button").first).to_contain_text("–")
    expect(page.locator("#empty")).to_be_hidden()
    stub.silent = False
    expect(page.locator("h1")).to_have_text("Everything is safe.")


def test_a_hidden_page_holds_no_connection(page: Page, stub: Stub) -> None:
    """A tab in the background costs the daemon nothing; shown again, it is live at once."""
    stub.put(row("a.mp4"))
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.evaluate(TURN, arg=True)
    wait_until(page, lambda: stub.listeners == 0)
    stub.put(row("b.mp4"))
    page.evaluate(TURN, arg=False)
    expect(page.locator("#rows tr")).to_have_count(2)
    assert stub.listeners == 1


def test_another_view_leaves_no_connection_behind(page: Page, stub: Stub) -> None:
    """However often it is filtered, a page holds one connection."""
    stub.put(row("a.mp4"))
    page.goto("/")
    for verdict in ("Stored", "At risk", "All", "Not stored", "All"):
        page.get_by_label("Show").select_option(verdict)
    expect(page.locator("#rows tr")).to_have_count(1)
    wait_until(page, lambda: stub.listeners == 1)
