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
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

log = logging.getLogger("mkdocs.hooks.site")

HOUSE = Path(__file__).resolve().parents[1]
DOCS = HOUSE / "docs"
BRANCH = os.environ.get("REPOSITORY_BRANCH", "main")
LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<to>[^()\s]+)\)")
"""A link on the page itself: no picture, and no address in angle brackets."""
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
HEADING = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
CELL = re.compile(r"<td(?P<told>[^>]*)>(?P<text>.*?)</td>", re.DOTALL)
CODE = re.compile(r"<code>.*?</code>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
PROSE_CHARACTERS = 35
"""A table with more in a cell is text: a phone shows its columns one below the other. Figures
stay side by side, also where the first column says at length what they are of."""
LONG_WORD = re.compile(r"[^\s<>]{20,}")
JOINT = re.compile(r"(?<=\w)[_/{=,](?=[^\s<&])")
"""Where a long name in a narrow column may be broken."""
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
    """Give tables what `site.css` needs to show them on a phone, too."""
    return TABLE.sub(lambda found: _table(found.group()), html)


def on_post_build(config: Any, **_: Any) -> None:
    """Look at every page for what a browser would fetch from elsewhere."""
    site = Path(config["site_dir"])
    for path in site.rglob("*.html"):
        for found in FOREIGN.finditer(path.read_text(encoding="utf-8")):
            log.warning("%s fetches from elsewhere: %s", path.relative_to(site), found.group())


def _table(table: str) -> str:
    headings = [_plain(text) for text in HEADING.findall(table)]
    prose = any(
        len(_plain(cell["text"])) > PROSE_CHARACTERS
        for row in ROW.findall(table)
        for cell in list(CELL.finditer(row))[1:]
    )
    told = ROW.sub(lambda found: _row(found.group(), headings if prose else []), table)
    return told.replace("<table>", "<table data-prose>", 1) if prose else told


def _row(row: str, labels: list[str]) -> str:
    column = iter(labels)

    def cell(found: re.Match[str]) -> str:
        text = CODE.sub(lambda code: _breakable(code.group()), found["text"])
        text = text.replace(r"\|", "|")  # as the repository shows it, in code too
        label = escape(next(column, ""))
        named = f' data-label="{label}"' if label else ""
        return f"<td{found['told']}{named}>{text}</td>"

    return CELL.sub(cell, row)


def _breakable(code: str) -> str:
    return LONG_WORD.sub(lambda word: JOINT.sub(r"\g<0><wbr>", word.group()), code)


def _plain(text: str) -> str:
    return unescape(TAG.sub("", text)).strip()


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
