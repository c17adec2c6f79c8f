"""Links among the documents, and to the sources: where they lead, and what can be led to."""

import os
import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote

from docs.texts import Text, all_texts, files_of_the_house

_LINK = re.compile(
    r"\]\(<?([^)\s>]+)|(?:href|src)=\"([^\"]+)\"|^\[[^\]]+\]: +(\S+)", re.MULTILINE
)
_SPAN = re.compile(r"`[^`]*`")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|<")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"|\{[^}\n]*#([\w-]+)[^}\n]*\}")


def links(text: Text) -> Iterator[str]:
    """Those that lead to nothing: no such file, or no such heading in it."""
    for found in _LINK.findall(_SPAN.sub("", text.prose)):
        link = next(filter(None, found))
        if _ELSEWHERE.match(link):
            continue
        place, _, anchor = link.partition("#")
        folder = os.path.dirname(text.path)
        path = os.path.normpath(os.path.join(folder, unquote(place))) if place else text.path
        if path not in files_of_the_house() or (anchor and not _leads(path, anchor)):
            yield link


def _leads(path: str, anchor: str) -> bool:
    return not path.endswith(".md") or anchor in anchors().get(path, ())


@cache
def anchors() -> dict[str, frozenset[str]]:
    """What of every document can be led to, as GitHub names headings."""
    return {text.path: frozenset(_anchors(text)) for text in all_texts() if text.is_prose}


def _anchors(text: Text) -> Iterator[str]:
    seen: dict[str, int] = {}
    for heading in _HEADING.findall(text.prose):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|<[^>]*>", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain).strip().lower().replace(" ", "-")
        times = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{times}" if times else slug
    for found in _ANCHOR.findall(text.prose):
        yield next(filter(None, found))
