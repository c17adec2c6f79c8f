"""Draws docs/diagrams/*.svg from the mermaid sources beside them: `make diagrams`.

Mermaid's own code runs in the Chromium of this machine, and nothing comes from the network.
The pictures are for an `<img>` in any viewer: their text is text, their background is their
own, nothing in them is HTML or script, and each says what it was drawn from.

What must stay true: the same source gives the same picture, byte for byte, on one machine.
So ids follow from the name, and whatever mermaid rolls dice for is rolled with fixed dice.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

HOUSE = Path(__file__).parents[1]
FOLDER = HOUSE / "docs" / "diagrams"
LOCK = HOUSE / "tools" / "package-lock.json"
MERMAID = HOUSE / "tools" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
STAMP = re.compile(r"<!-- drawn from sha256:([0-9a-f]{64}) by mermaid (\S+) -->")

INK, LINE, PAPER, PALE = "#1b2a33", "#4f6573", "#ffffff", "#e3f2fd"
PALES = ["#cfe3f3", "#bbdefb", "#ffe0b2", "#c8e6c9", "#e1bee7", "#cfd8dc", "#fff0b3", "#f8c9d4"]
CONFIG: Mapping[str, Any] = {
    "startOnLoad": False,
    "securityLevel": "strict",
    "suppressErrorRendering": True,
    "deterministicIds": True,
    "deterministicIDSeed": "cefmp4",
    "handDrawnSeed": 1,
    "htmlLabels": False,
    "theme": "base",
    "look": "classic",
    "fontFamily": "DejaVu Sans, Verdana, sans-serif",
    "fontSize": 14,
    "themeCSS": ".messageText, .loopText, .labelText"
    " { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }",
    "themeVariables": {
        "fontFamily": "DejaVu Sans, Verdana, sans-serif",
        "fontSize": "14px",
        "background": PAPER,
        "primaryColor": PALE,
        "primaryTextColor": INK,
        "primaryBorderColor": "#1e6fb8",
        "secondaryColor": "#fff3e0",
        "tertiaryColor": "#f6f8f9",
        "lineColor": LINE,
        "textColor": INK,
        "edgeLabelBackground": PAPER,
        "clusterBkg": "#f6f8f9",
        "clusterBorder": "#b0bec5",
        "noteBkgColor": "#fff8e1",
        "noteBorderColor": "#c77700",
        "noteTextColor": INK,
        "actorLineColor": "#b0bec5",
        "labelBoxBkgColor": "#e8f5e9",
        "labelBoxBorderColor": "#2e7d32",
        **{f"cScale{number}": pale for number, pale in enumerate(PALES)},
        **{f"cScaleLabel{number}": INK for number in range(len(PALES))},
    },
    "flowchart": {"useMaxWidth": False, "htmlLabels": False, "wrappingWidth": 420},
    "sequence": {
        "useMaxWidth": False,
        "mirrorActors": False,
        "messageAlign": "left",
        "wrap": True,
        "width": 130,
        "actorMargin": 40,
        "diagramMarginX": 20,
    },
    "class": {"useMaxWidth": False, "htmlLabels": False, "hideEmptyMembersBox": True},
    "mindmap": {"useMaxWidth": False, "maxNodeWidth": 200},
}
"""What every diagram is drawn with. It is part of the stamp: another look, another picture."""

FIXED_DICE = """
window.rollAnew = () => {
  let state = 20261125;
  Math.random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
};
"""
DRAW = """async ([name, source, paper]) => {
  window.rollAnew();
  const { svg } = await mermaid.render(name, source);
  const there = document.createElement("div");
  there.innerHTML = svg;
  const picture = there.querySelector("svg");
  const foreign = picture.querySelectorAll("script, foreignObject, iframe, image, a");
  if (foreign.length) throw new Error(`not for an <img>: ${foreign[0].tagName}`);
  const [x, y, width, height] = picture.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  picture.setAttribute("width", Math.ceil(width));
  picture.setAttribute("height", Math.ceil(height));
  picture.removeAttribute("style");
  const shorter = (number) => +(+number).toFixed(1);
  for (const line of picture.querySelectorAll("[d]")) {
    line.setAttribute("d", line.getAttribute("d").replace(/-?\\d+\\.\\d+/g, shorter));
    line.removeAttribute("data-points");
  }
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [key, value] of Object.entries({ x, y, width, height, fill: paper }))
    sheet.setAttribute(key, value);
  picture.insertBefore(sheet, picture.querySelector(":scope > :not(title, desc)"));
  return new XMLSerializer().serializeToString(picture);
}"""


def sources() -> list[Path]:
    """Every diagram, by name."""
    return sorted(FOLDER.glob("*.mmd"))


def mermaid_version() -> str:
    """The one that is pinned, whether it is installed or not."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    return str(lock["packages"]["node_modules/mermaid"]["version"])


def digest(source: str) -> str:
    """What a picture is drawn from, in one number: source, look, and who draws."""
    look = json.dumps(CONFIG, sort_keys=True)
    drawn_from = "\0".join((mermaid_version(), look, DRAW, source))
    return hashlib.sha256(drawn_from.encode()).hexdigest()


def missing() -> str:
    """Why nothing can be drawn here; empty when it can."""
    if not MERMAID.exists():
        return "no mermaid: `make tools` installs it"
    return "" if CHROMIUM else "no Chromium on the PATH"


@contextmanager
def mermaid_page() -> Iterator[Page]:
    """A page in which `mermaid` is ready."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_context().new_page()
            page.route("**/*", lambda route: route.abort())
            page.set_content("<!doctype html><html><body></body></html>")
            page.add_script_tag(content=FIXED_DICE)
            page.add_script_tag(content=MERMAID.read_text(encoding="utf-8"))
            page.evaluate("config => mermaid.initialize(config)", CONFIG)
            yield page
        finally:
            browser.close()


def draw(page: Page, name: str, source: str) -> str:
    """The picture, as the text of an SVG file."""
    svg: str = page.evaluate(DRAW, [name, source, PAPER])
    stamp = f"<!-- drawn from sha256:{digest(source)} by mermaid {mermaid_version()} -->"
    return f"{stamp}\n{svg}\n"


def look_at(page: Page, svg: Path, folder: Path) -> None:
    """A PNG of the picture, as an `<img>` on a dark page shows it."""
    uri = "data:image/svg+xml;base64," + base64.b64encode(svg.read_bytes()).decode()
    page.set_content(f"<body style='margin:0;background:#0d1117'><img src='{uri}'></body>")
    page.locator("img").screenshot(path=folder / f"{svg.stem}.png")


def main() -> int:
    """Draw them all; with --look also PNGs, to be looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--look", type=Path, metavar="FOLDER", help="put PNGs there, too")
    asked = parser.parse_args()
    if why := missing():
        sys.stderr.write(f"{why}\n")
        return 1
    with mermaid_page() as page:
        for path in sources():
            svg = draw(page, path.stem, path.read_text(encoding="utf-8"))
            path.with_suffix(".svg").write_text(svg, encoding="utf-8")
        if asked.look:
            asked.look.mkdir(parents=True, exist_ok=True)
            showing = page.context.new_page()
            for path in sources():
                look_at(showing, path.with_suffix(".svg"), asked.look)
    sys.stdout.write(f"{len(sources())} diagrams drawn\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
