"""Thin decorators around the ports: they write every effect down, and can end the process.

Nothing else is different from the real daemon: what is called is the real store, the real
state server and the real disk. SIGKILL leaves no time to tidy up anything.
"""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

from cefmp4.adapters.disk import has_writer
from cefmp4.adapters.disposal import LocalDisposal
from cefmp4.assembly import make_selection
from cefmp4.config import Settings
from cefmp4.core.geometry import Span
from cefmp4.core.model import Checkpoint, FileVersion, Part, StoredObject
from cefmp4.ports import Body, Checkpoints, Disk, FileSpan, ObjectStore, Probe, Prober
from cefmp4.world import World
from crash.effects import Effect, Line, Step, recorded, write_down


class Moment(StrEnum):
    """When, seen from the effect."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Doom:
    """Where a process is to end: right before or after the nth time it does something."""

    effect: Effect
    moment: Moment
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.moment}:{self.effect}:{self.nth}"

    @classmethod
    def told(cls, words: str) -> "Doom":
        moment, effect, nth = words.split(":")
        return cls(Effect(effect), Moment(moment), int(nth))


class Witness:
    """Sees every effect of one process, and ends the process where it is told to."""

    def __init__(self, path: str, doom: Doom | None) -> None:
        self._path, self._doom = path, doom
        self._seen: Counter[Effect] = Counter()

    def note(self, line: Line) -> None:
        write_down(self._path, line)

    @contextmanager
    def of(self, effect: Effect, key: str = "", *parts: int) -> Iterator[None]:
        """Around the call that has the effect."""
        self._seen[effect] += 1
        nth = self._seen[effect]
        line = Line(os.getpid(), effect, Step.BEGUN, key, parts)
        self._end_at(Doom(effect, Moment.BEFORE, nth))
        self.note(line)
        try:
            yield
        except BaseException:
            self.note(replace(line, step=Step.FAILED))
            raise
        self.note(replace(line, step=Step.DONE))
        self._end_at(Doom(effect, Moment.AFTER, nth))

    def _end_at(self, here: Doom) -> None:
        if here == self._doom:
            os.kill(os.getpid(), signal.SIGKILL)


class Through:
    """Whatever a decorator does not name goes straight to the port."""

    def __init__(self, port: Any, witness: Witness) -> None:
        self._port, self._witness = port, witness

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class CountedBody(Through):
    """Counts the bytes that are handed over to the network."""

    def __init__(self, body: Body, witness: Witness, line: Line) -> None:
        super().__init__(body, witness)
        self._line = line

    async def blocks(self) -> AsyncIterator[bytes]:
        async for block in self._port.blocks():
            self.note(len(block))
            yield block

    @property
    def file(self) -> "CountedFile | None":
        return CountedFile(self._port.file, self) if self._port.file else None

    def note(self, size_bytes: int) -> None:
        self._witness.note(replace(self._line, size_bytes=size_bytes))


@dataclass(frozen=True, slots=True)
class CountedFile:
    """Counts what the kernel hands over by itself."""

    file: FileSpan
    body: CountedBody

    def send_to(self, socket: int, start: int, count: int) -> int:
        sent = self.file.send_to(socket, start, count)
        self.body.note(sent)
        return sent


class DoomedStore(Through):
    async def create_upload(self, key: str, user_metadata: Mapping[str, str]) -> str:
        with self._witness.of(Effect.UPLOAD_CREATED, key):
            return str(await self._port.create_upload(key, user_metadata))

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body) -> str:
        with self._witness.of(Effect.PART_SENT, key, number):
            counted = self._counted(Effect.PART_SENT, key, number, body)
            return str(await self._port.upload_part(key, upload_id, number, counted))

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[Part], crc64nvme: int
    ) -> None:
        with self._witness.of(Effect.COMPLETED, key):
            await self._port.complete(key, upload_id, parts, crc64nvme)

    async def abort(self, key: str, upload_id: str) -> None:
        with self._witness.of(Effect.UPLOAD_ABORTED, key):
            await self._port.abort(key, upload_id)

    async def head(self, key: str) -> StoredObject | None:
        with self._witness.of(Effect.HEAD, key):
            return cast("StoredObject | None", await self._port.head(key))

    async def put(self, key: str, user_metadata: Mapping[str, str], body: Body) -> None:
        with self._witness.of(Effect.PUT, key, 1):
            counted = self._counted(Effect.PUT, key, 1, body)
            await self._port.put(key, user_metadata, counted)

    async def put_document(self, key: str, document: bytes, content_type: str) -> None:
        effect = Effect.POSTER_PUT if content_type == "image/jpeg" else Effect.JSON_PUT
        with self._witness.of(effect, key):
            await self._port.put_document(key, document, content_type)

    def _counted(self, effect: Effect, key: str, number: int, body: Body) -> CountedBody:
        line = Line(os.getpid(), effect, Step.BYTES, key, (number,))
        return CountedBody(body, self._witness, line)


class DoomedCheckpoints(Through):
    async def save(self, before: Checkpoint | None, after: Checkpoint) -> None:
        effect, parts = recorded(before, after)
        with self._witness.of(effect, after.key, *parts):
            await self._port.save(before, after)


class DoomedDisk(Through):
    async def crc64nvme(self, path: str, identity: tuple[int, int], span: Span) -> int:
        with self._witness.of(Effect.READ_AGAIN):
            return int(await self._port.crc64nvme(path, identity, span))


class DoomedProber(Through):
    async def probe(self, path: str) -> Probe:
        with self._witness.of(Effect.PROBED):
            return cast("Probe", await self._port.probe(path))


class DoomedDisposal:
    """The real disposal, which asks for a writer once more when the name is gone."""

    def __init__(self, settings: Settings, witness: Witness) -> None:
        self._witness = witness
        self._port = LocalDisposal(
            settings.after_upload,
            make_selection(settings),
            settings.archive_dir,
            self._has_writer,
        )

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        with self._witness.of(Effect.DISPOSED, stream_id):
            return await self._port.dispose(path, version, stream_id)

    async def reveal(self, hidden: str) -> str | None:
        return await self._port.reveal(hidden)

    def _has_writer(self, path: str) -> bool:
        if os.path.basename(path).startswith("."):
            with self._witness.of(Effect.HIDDEN):
                return has_writer(path)
        return has_writer(path)


def doomed(world: World, settings: Settings, witness: Witness) -> World:
    """The world with a witness at every port that has effects."""
    return replace(
        world,
        store=cast("ObjectStore", DoomedStore(world.store, witness)),
        checkpoints=cast("Checkpoints", DoomedCheckpoints(world.checkpoints, witness)),
        disk=cast("Disk", DoomedDisk(world.disk, witness)),
        prober=cast("Prober", DoomedProber(world.prober, witness)),
        disposal=DoomedDisposal(settings, witness),
    )
