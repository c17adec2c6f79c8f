"""A real Chromium, and a page of it in which nothing may go wrong unseen."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from web.stub import Serving, Stub, serving

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PATIENCE_MS = 20_000
"""Enough for a machine that has much else to do."""
expect.set_options(timeout=PATIENCE_MS)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, per module: its event loop must not reach into the async tests of others."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def stub(served: Serving) -> Stub:
    return served.stub


@dataclass(slots=True)
class Watch:
    """What went wrong in a page, and what a test expects to."""

    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def expect(self, text: str) -> None:
        """A message with this text in it is what the test is about."""
        self.expected.append(text)

    def unexpected(self) -> list[str]:
        known = tuple(self.expected)
        return [each for each in self.wrong if not any(text in each for text in known)]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def site(stub: Stub) -> str:
    """Where the page is."""
    return stub.url


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=site)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: str, watch: Watch) -> Iterator[Page]:
    """A page that fails its test for any error, refused content or request to elsewhere."""
    page = context.new_page()
    page.on("pageerror", lambda error: watch.wrong.append(str(error)))
    page.on(
        "console",
        lambda said: (
            watch.wrong.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(site) else watch.elsewhere.append(asked.url),
    )
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) =>"
        " console.error('refused: ' + event.violatedDirective + ' ' + event.blockedURI))"
    )
    yield page
    assert not watch.unexpected()
    assert not watch.elsewhere
