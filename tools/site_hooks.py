"""What MkDocs is told of this repository: documents that are read there, too.

Documents link to source files, `deploy/` and tests; on the site these become links to the
repository, where REPOSITORY_URL says where that is, and else are named. Such a link must lead
to something that exists, or the build fails. What must stay true: nothing of the built site is
fetched from elsewhere when a page is opened.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

log = logging.getLogger("mkdocs.hooks.site")

HOUSE = Path(__file__).resolve().parents[1]
DOCS = HOUSE / "docs"
BRANCH = os.environ.get("REPOSITORY_BRANCH", "main")
LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>[^()\s]+)\)")
"""A link on the page itself: no picture, and no address in angle brackets."""
CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
FENCE = re.compile(r"^[ >]*(?P<fence>```+|~~~+)")
FOREIGN = re.compile(
    r"<(?:script|img|iframe|source|video|audio|object|embed)\b[^>]*?\b(?:src|data)=[\"']?(?:https?:)?//[^>]*>"
    r"|<link\b[^>]*?\brel=[\"']?(?:stylesheet|preconnect|preload|icon)[^>]*?\bhref=[\"']?(?:https?:)?//[^>]*>"
    r"|<[^>]*\bclass=[\"']?mermaid\b[^>]*>"
)
"""What a browser would fetch from elsewhere; a block of class mermaid fetches its library."""


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn links that lead out of docs/ into what a reader of the site can use."""
    folder = (DOCS / page.file.src_uri).parent

    def site_link(found: re.Match[str]) -> str:
        return _site_link(found, folder, page.file.src_uri)

    return "".join(_outside_of_code(markdown, site_link))


def on_page_content(html: str, **_: Any) -> str:
    """In a cell of a table an escaped bar is a bar, in code too, as in the repository."""
    return CELL.sub(lambda found: found.group().replace(r"\|", "|"), html)


def on_post_build(config: Any, **_: Any) -> None:
    """Look at every page for what a browser would fetch from elsewhere."""
    site = Path(config["site_dir"])
    for path in site.rglob("*.html"):
        for found in FOREIGN.finditer(path.read_text(encoding="utf-8")):
            log.warning("%s fetches from elsewhere: %s", path.relative_to(site), found.group())


def _outside_of_code(markdown: str, change: Callable[[re.Match[str]], str]) -> Iterator[str]:
    fence, prose = "", ""
    for line in markdown.splitlines(keepends=True):
        found = FENCE.match(line)
        if not fence and not found:
            prose += line  # a link may go over several lines
            continue
        yield LINK.sub(change, prose) + line
        prose = ""
        if not fence and found:
            fence = found["fence"]
        elif found and found["fence"].startswith(fence):
            fence = ""
    yield LINK.sub(change, prose)


def _site_link(found: re.Match[str], folder: Path, page: str) -> str:
    address, _, anchor = found["to"].partition("#")
    if not address or ":" in address:
        return found.group()
    target = (folder / address).resolve()
    if target.suffix == ".mmd" and target.with_suffix(".svg").exists():
        return f"[{found['text']}]({address[: -len('.mmd')]}.svg)"
    if target.is_relative_to(DOCS):
        return found.group()
    if not target.is_relative_to(HOUSE) or not target.exists():
        log.warning("%s links to %s, which is not there", page, address)
        return found.group()
    path = target.relative_to(HOUSE).as_posix()
    repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
    if repository:
        kind = "tree" if target.is_dir() else "blob"
        to = f"{repository}/{kind}/{BRANCH}/{quote(path)}{'#' + anchor if anchor else ''}"
        return f"[{found['text']}]({to})"
    named = target.name in found["text"] or path in found["text"].strip("`/")
    return found["text"] if named else f"{found['text']} (`{path}`)"
