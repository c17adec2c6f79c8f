"""AFTER_UPLOAD as the stream sees it: when a recording may go, and what holds it back."""

from dataclasses import dataclass, field, replace

import pytest

from cefmp4.adapters.memory import disk as memory_disk
from cefmp4.adapters.memory.disk import MemoryDisk
from cefmp4.core.model import AfterUpload, FileVersion, SealReason, Status
from cefmp4.core.mp4 import Boxes
from cefmp4.core.policy import Policy
from cefmp4.errors import ChunkProcessingError
from cefmp4.stream import Stream
from stream.faults import Lost, on, recorded
from stream.twins import PATH, POLICY, Twins, with_policy


@dataclass
class ScriptedDisposal:
    """Hides the file as the real one does, and fails at the end as often as it is told to."""

    disk: MemoryDisk
    failures: list[BaseException]
    hidden: list[FileVersion] = field(default_factory=list)
    disposed: list[FileVersion] = field(default_factory=list)

    async def dispose(self, path: str, version: FileVersion, stream_id: str) -> str | None:
        if not self.hidden:
            self.hidden.append(self.disk.files.pop(path).version)
        if self.failures:
            raise self.failures.pop(0)
        self.disposed.append(version)
        return "moved"

    async def reveal(self, hidden: str) -> str | None:
        return None


@dataclass
class Archive(Twins):
    """Twins on which recordings are moved, after so many failures."""

    policy: Policy = field(
        default_factory=lambda: replace(POLICY, after_upload=AfterUpload.MOVE)
    )
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.disposal = ScriptedDisposal(self.disk, self.failures)
        super().__post_init__()

    def new_process(self) -> None:
        super().new_process()
        self.world = replace(self.world, disposal=self.disposal)


async def live_on(twins: Twins, stream: Stream, seconds: float) -> None:
    """Let this much time pass, or less when the stream ends before."""
    end = twins.clock.monotonic() + seconds
    while twins.clock.monotonic() < end and not stream.ended:
        twins.clock.advance(await twins.rest(stream) or 1.0)


async def test_a_move_the_process_died_in_is_carried_on() -> None:
    """Also when a new file has taken the name by then; that one is left alone."""
    twins = Archive(failures=[Lost()])
    stream = await recorded(twins)
    with pytest.raises(Lost):
        await twins.finish(stream)
    twins.disk.write(PATH, b"a new one")
    (again,) = await twins.restart()
    checkpoint = await twins.finish(again)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert checkpoint.seal
    assert twins.disposal.disposed == [checkpoint.seal.version]
    assert twins.content() == b"a new one"


async def test_an_archive_that_is_away_is_waited_for() -> None:
    """The object stands; only its recording is still to be moved."""
    error = ChunkProcessingError("AFTER_UPLOAD=move: permission denied", hint="mend it")
    twins = Archive(failures=[error] * 4)
    stream = await recorded(twins)
    checkpoint = await twins.finish(stream)
    assert checkpoint.status is Status.COMPLETED_WITH_META
    assert len(twins.disposal.disposed) == 1


async def test_a_new_device_number_does_not_keep_a_stored_recording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Disks are numbered anew at every start of the machine."""
    twins = Archive()
    stream = await recorded(twins)
    twins.store.before = on("put_document", Lost())
    with pytest.raises(Lost):
        await twins.finish(stream)
    monkeypatch.setattr(memory_disk, "DEVICE", memory_disk.DEVICE + 1)
    (again,) = await twins.restart()
    await twins.finish(again)
    assert len(twins.disposal.disposed) == 1


async def test_an_object_that_was_taken_away_keeps_its_recording() -> None:
    """One more HEAD comes before the deletion."""
    twins = with_policy(after_upload=AfterUpload.DELETE)
    stream = await recorded(twins)

    def take_away(name: str) -> None:
        if name == "put_document":
            twins.store.objects.clear()

    twins.store.before = take_away
    await twins.finish(stream)
    assert PATH in twins.disk.files


async def test_a_paused_recorders_file_is_stored_but_not_deleted() -> None:
    """OPEN_WRITER_TIMEOUT takes it as ended; what is written next must not be lost."""
    twins = with_policy(after_upload=AfterUpload.DELETE, open_writer_timeout_seconds=60.0)
    await twins.start()
    twins.disk.open_writer(PATH)
    twins.disk.write(PATH, bytes(30))
    twins.disk.files[PATH].boxes = Boxes(is_mp4=True, complete=False)
    stream = twins.stream()
    await live_on(twins, stream, 1000.0)
    assert stream.checkpoint
    assert stream.checkpoint.seal
    assert stream.checkpoint.seal.reason is SealReason.OPEN_WRITER_TIMEOUT
    assert stream.checkpoint.status is Status.S3_COMPLETED
    assert PATH in twins.disk.files
    twins.disk.close_writer(PATH)
    await twins.finish(stream)
    assert PATH not in twins.disk.files


@pytest.mark.parametrize("written", [b"", b"more"], ids=["closed again", "written to"])
async def test_a_file_that_is_opened_again_after_it_was_stored_is_not_deleted(
    written: bytes,
) -> None:
    """Not before it is closed; and not at all when it was written to."""
    twins = with_policy(after_upload=AfterUpload.DELETE)
    stream = await recorded(twins)

    def reopen(name: str) -> None:
        if name == "put_document":
            twins.disk.open_writer(PATH)

    twins.store.before = reopen
    await live_on(twins, stream, 200.0)
    assert PATH in twins.disk.files
    if written:
        twins.disk.write(PATH, written)
    twins.disk.close_writer(PATH)
    await twins.finish(stream)
    assert (PATH in twins.disk.files) == bool(written)


@pytest.mark.parametrize("rewritten", [True, False], ids=["rewritten", "only touched"])
async def test_bytes_written_under_the_old_time_are_not_taken_away(rewritten: bool) -> None:
    """Where only the change time moved since it was stored, the bytes are read once more.

    Seen failing with the recording known by its size and modification time alone.
    """
    twins = Archive()
    stream = await recorded(twins)

    def change(name: str) -> None:
        if name == "put_document":
            file = twins.disk.files[PATH]
            written_at = file.mtime_ns
            twins.disk.patch(PATH, 3, b"!" if rewritten else twins.content()[3:4])
            file.mtime_ns = written_at

    twins.store.before = change
    await twins.finish(stream)
    assert len(twins.disposal.disposed) == (0 if rewritten else 1)
    assert (PATH in twins.disk.files) == rewritten
