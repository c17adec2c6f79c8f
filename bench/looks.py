"""Whoever looks at a crowd: how soon the page and the figures are there, and what they weigh.

Thousands of recordings grow, and meanwhile one page listens, a browser opens the page anew,
and the lists and the figures are asked for again and again. Times include the machine that
all of this shares with the daemon.
"""

import dataclasses
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable

from playwright.sync_api import Page, sync_playwright

from bench.crowd import growing
from bench.measure import Numbers, percentiles
from bench.progress import say
from bench.scale import Bench

SETTLE_SECONDS = 3.0
PAUSE_SECONDS = 0.3
LISTS = ("/api/streams", "/api/streams?sort=name&per_page=200", "/api/streams?search=cam")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def run(bench: Bench) -> Numbers:
    """The largest crowd there is."""
    count, each = bench.scale.crowds[-1], bench.scale.looked_at_bytes_per_second
    seconds = bench.scale.crowd_seconds / 2
    scale = dataclasses.replace(bench.scale, crowd_bytes_per_second=each)
    bench = dataclasses.replace(bench, scale=scale)
    with growing(bench, count, 0.0) as crowd:
        crowd.begin()
        time.sleep(SETTLE_SECONDS)
        url = crowd.daemon.address
        line = Line(f"{url}/api/live?per_page=50")
        cpu, began = crowd.daemon.cpu_seconds(), time.monotonic()
        lists, figures = [], []
        while time.monotonic() - began < seconds:
            figures.append(_timed(f"{url}/metrics"))
            for path in LISTS:
                lists.append(_timed(url + path))
                time.sleep(PAUSE_SECONDS)
        took = time.monotonic() - began
        told = {
            "recordings": count,
            "bytes_per_second_each": each,
            "list_seconds": percentiles([took for took, _ in lists]),
            "list_bytes": max(size for _, size in lists),
            "metrics_seconds": percentiles([took for took, _ in figures]),
            "metrics_bytes": max(size for _, size in figures),
            "line_bytes_per_second": line.end() / took,
            "cpu_share": (crowd.daemon.cpu_seconds() - cpu) / took,
            "page_seconds": _in_a_browser(url),
        }
        longest = crowd.daemon.metric("cefmp4_event_loop_longest_block_seconds")
        return told | {"longest_block_seconds": longest}


def _timed(url: str) -> tuple[float, int]:
    """Seconds to the last byte, and how many there were."""
    began = time.monotonic()
    with urllib.request.urlopen(url, timeout=60) as answer:
        size = len(answer.read())
    return time.monotonic() - began, size


class Line:
    """A page that listens: only the bytes are counted."""

    def __init__(self, url: str) -> None:
        self._answer = urllib.request.urlopen(url, timeout=60)
        self._bytes = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while self._answer.fp is not None and (block := self._answer.read1(65_536)):
            self._bytes += len(block)

    def end(self) -> int:
        """What it was told so far."""
        return self._bytes


def _in_a_browser(url: str) -> Numbers | None:
    """Seconds until the first rows can be read, and until a filter has been applied."""
    chromium = shutil.which("chromium")
    if chromium is None:
        say("no Chromium: the page is not opened")
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page()
        opened = _seconds(lambda: _open(page, url))
        filtered = _seconds(lambda: _filter(page))
        browser.close()
    return {"opened": opened, "filtered": filtered}


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#rows tr")


def _filter(page: Page) -> None:
    page.get_by_label("Search").fill("no such recording")
    page.locator("#rows tr").nth(1).wait_for(state="hidden")


def _seconds(does: Callable[[], object]) -> float:
    began = time.monotonic()
    does()
    return time.monotonic() - began
