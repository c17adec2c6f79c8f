"""Recordings that were hidden to be deleted or moved: whose work they are, and who gives
them back when they are nobody's.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.core.hiding import hidden_path, names_behind
from cefmp4.core.model import AfterUpload, Checkpoint, FileVersion, Status
from cefmp4.events import Scan
from cefmp4.supervisor import Supervisor
from stream.faults import Lost, recorded
from stream.test_supervisor import created, finished, quick, supervised
from stream.twins import PATH, Twins
from waiting import wait_until

ID = "7f9c24e5-2f31-4a0e-9d3c-0b1f6a4d8e21"
HIDDEN = hidden_path(PATH, ID)


@dataclass
class HidingDisposal:
    """Deletes in two steps, and stops or dies between them when told to."""

    disk: MemoryDisk
    between: Callable[[], object] = lambda: None
    revealed: Callable[[str], object] = lambda path: None
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        hidden = hidden_path(path, stream_id)
        if path in self.disk.files:
            self.disk.rename(path, hidden)
        self.between()
        await self.go_on.wait()
        if hidden not in self.disk.files:
            return None
        self.disk.delete(hidden)
        return "deleted"

    async def reveal(self, hidden: str) -> str | None:
        names = names_behind(hidden)
        if names is None or hidden not in self.disk.files:
            return None
        self.disk.rename(hidden, names[0])
        self.revealed(names[0])
        return names[0]


def with_disposal(**policy: object) -> tuple[Twins, HidingDisposal]:
    """Twins whose disposal takes two steps, and stream ids as they really are."""
    twins = quick(after_upload=AfterUpload.DELETE, missing_grace_seconds=0.1, **policy)
    disposal = HidingDisposal(twins.disk)
    twins.world = replace(twins.world, disposal=disposal, new_stream_id=new_ids().__next__)
    return twins, disposal


def new_ids() -> Iterator[str]:
    """The first one is known."""
    yield ID
    while True:
        yield str(uuid.uuid4())


def die() -> None:
    raise Lost


async def watched_to_the_end(supervisor: Supervisor, twins: Twins) -> None:
    """Scan as the watcher does, hidden files too, until nothing is left to do."""

    async def done() -> bool:
        files = {path: file.version for path, file in twins.disk.files.items()}
        hidden = tuple(path for path in files if names_behind(path))
        for path in hidden:
            del files[path]
        await supervisor.handle_scan(Scan(files, hidden=hidden))
        return supervisor.all_done.is_set()

    await wait_until(done)
    await supervisor.stop(1.0)


async def killed_while_hidden(twins: Twins, disposal: HidingDisposal) -> Checkpoint:
    """A process stored a recording, hid it, and died; the next one has not begun."""
    stream = await recorded(twins)
    disposal.between = die
    try:
        while not stream.ended:
            await stream.turn()
            await asyncio.sleep(0.01)
    except Lost:
        assert list(twins.disk.files) == [HIDDEN]
    disposal.between = lambda: None
    disposal.go_on.set()
    await twins.restart()
    (checkpoint,) = await twins.checkpoints.load_unfinished()
    return checkpoint


async def test_a_hidden_recording_nobody_remembers_gets_its_name_back() -> None:
    """The state was lost in the middle of a disposal: it is stored again, then it goes.

    Its name is told by a notification as well. Seen failing with hidden files not looked
    for, which the product did, and with a second stream begun for that name.
    """
    twins, disposal = with_disposal()
    disposal.go_on.set()
    supervisor = await supervised(twins)
    disposal.revealed = lambda path: supervisor.handle(created(path))
    finished(twins, HIDDEN)
    content = twins.content(HIDDEN)
    await watched_to_the_end(supervisor, twins)
    assert list(twins.videos.values()) == [content]
    assert twins.disk.files == {}


async def test_what_a_stream_is_about_to_dispose_of_stays_hidden() -> None:
    """A scan in the middle of a long move is no reason to give it back.

    Seen failing with every hidden file given back.
    """
    twins, disposal = with_disposal()
    supervisor = await supervised(twins)
    finished(twins, PATH)
    await supervisor.handle_scan(Scan({PATH: twins.disk.files[PATH].version}))
    await wait_until(lambda: HIDDEN in twins.disk.files)
    for _ in range(3):
        await supervisor.handle_scan(Scan({}, hidden=(HIDDEN,)))
        await asyncio.sleep(0.05)
    assert list(twins.disk.files) == [HIDDEN]
    disposal.go_on.set()
    await watched_to_the_end(supervisor, twins)
    assert twins.disk.files == {}


async def test_a_hidden_recording_that_is_to_be_kept_now_gets_its_name_back() -> None:
    """AFTER_UPLOAD was changed while the process was down.

    Seen failing with what a live stream hid always left to it.
    """
    twins, disposal = with_disposal()
    await killed_while_hidden(twins, disposal)
    kept = replace(twins.policy, after_upload=AfterUpload.KEEP)
    twins.world = replace(twins.world, disposal=disposal, policy=kept)
    supervisor = Supervisor(twins.world)
    await supervisor.resume()
    await watched_to_the_end(supervisor, twins)
    assert list(twins.disk.files) == [PATH]
    assert len(twins.videos) == 1, "it is known again by its fingerprint"


async def test_a_hidden_recording_whose_object_is_gone_gets_its_name_back() -> None:
    """A person deleted the object while the process was down: now the file is all there is.

    At the latest at the next start, as its stream has ended by then. Seen failing with
    hidden files not looked for, which the product did.
    """
    twins, disposal = with_disposal()
    checkpoint = await killed_while_hidden(twins, disposal)
    del twins.store.objects[checkpoint.key]
    for _ in range(2):
        twins.world = replace(twins.world, disposal=disposal)
        supervisor = Supervisor(twins.world)
        await supervisor.resume()
        await watched_to_the_end(supervisor, twins)
        await twins.restart()
    assert list(twins.disk.files) == [PATH]


async def test_a_disposal_that_a_process_died_in_is_carried_on() -> None:
    """The hidden file is its stream's, which looks for it there."""
    twins, disposal = with_disposal()
    await killed_while_hidden(twins, disposal)
    twins.world = replace(twins.world, disposal=disposal)
    supervisor = Supervisor(twins.world)
    await supervisor.resume()
    await watched_to_the_end(supervisor, twins)
    assert twins.disk.files == {}
    assert len(twins.videos) == 1
    assert await twins.checkpoints.load_unfinished() == []
    last = await twins.checkpoints.load(ID)
    assert last is not None
    assert last.status is Status.COMPLETED_WITH_META
