"""Pictures of the live page of a running daemon, for the documents.

    python -m web.shots http://127.0.0.1:9464 docs/images [stream id]

In the light, in the dark and on a phone; with a stream id, of that one in detail, too.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from web.conftest import ARGUMENTS, CHROMIUM

WIDE = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "light": {**WIDE, "color_scheme": "light"},
    "dark": {**WIDE, "color_scheme": "dark"},
    "phone": {**PHONE, "color_scheme": "light"},
}
CHART_MS = 3000
"""Until there is something to be seen of what is sent per second."""


def take(browser: Browser, url: str, look: Mapping[str, Any], to: Path) -> None:
    """One picture of what stands at this address, once it is live."""
    context = browser.new_context(**look)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#connection[data-state=live]")
    page.wait_for_selector("#rows tr")
    if "#stream=" in url:
        page.wait_for_selector("#detail .strip")
    page.wait_for_timeout(CHART_MS)
    page.screenshot(path=to)
    context.close()


def take_all(base_url: str, directory: Path, stream_id: str | None = None) -> None:
    """`page-light.png` and so on."""
    directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, look in LOOKS.items():
            take(browser, f"{base_url}/", look, directory / f"page-{name}.png")
        if stream_id is not None:
            detail = f"{base_url}/#stream={stream_id}"
            take(browser, detail, LOOKS["light"], directory / "page-detail.png")
        browser.close()


if __name__ == "__main__":
    take_all(sys.argv[1].rstrip("/"), Path(sys.argv[2]), *sys.argv[3:4])
