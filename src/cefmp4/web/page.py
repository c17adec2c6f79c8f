"""The live page: a handful of files, read once at the start."""

import hashlib
import re
from importlib.resources import files

from aiohttp import web

CONTENT_TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\.(html|css|js|svg)")


class PageFiles:
    """What is served of them, by name; nothing else is."""

    def __init__(self) -> None:
        self._files = {
            file.name: file.read_bytes()
            for file in (files("cefmp4.web") / "page").iterdir()
            if _NAME.fullmatch(file.name)
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", self._index, allow_head=False)
        router.add_get("/page/{name}", self._file, allow_head=False)

    async def _index(self, request: web.Request) -> web.Response:
        return self._answer(request, "index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["name"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        """Asked for anew each time, but only sent when it is another: after an update."""
        content = self._files.get(name)
        if content is None:
            raise web.HTTPNotFound(text="no such page\n")
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        kind = CONTENT_TYPES[name.rpartition(".")[2]]
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=headers)
