"""What a stream does, told once: the line in the log, the figure, and the span of its trace.

Whoever has an effect says it here and nowhere else, so that the three cannot disagree. Each
line has the stream's id and path, what was done, why, and where they exist bytes and
seconds. What must stay true: told is what has happened, not what is tried; nothing is told
on every tick; of failures in a row the 1st, 2nd, 4th, 8th … and then, once, that it
goes on.
"""

import logging
from typing import Self

import structlog

from cefmp4.core.media import Poster
from cefmp4.core.model import PARKED, STORED, Checkpoint, StoredObject
from cefmp4.errors import CefMP4Error, S3OperationError, UploadGone
from cefmp4.metrics import Metrics
from cefmp4.metrics_work import CHANGED_ON_DISK, REFUSED, UPLOAD_LOST
from cefmp4.ports import Clock, NoPicture, Probe
from cefmp4.ports.tracing import Tracer
from cefmp4.retry import is_worth_a_line
from cefmp4.world import World

NAMED_PARTS = 20
"""So many part numbers fit into a line."""


class Telling:
    """Tells of one stream. Times are monotonic seconds, as `began` gives them."""

    def __init__(self, metrics: Metrics, tracer: Tracer, clock: Clock, path: str) -> None:
        self.stream_id = ""
        """Empty before it has begun."""
        self.why = ""
        """The reason of the decision that is being carried out."""
        self._refused = False
        self._metrics, self._tracer, self._clock = metrics, tracer, clock
        self._path = path
        self.log = structlog.get_logger(__name__).bind(file_path=path)

    @classmethod
    def of(cls, world: World, path: str, checkpoint: Checkpoint | None) -> Self:
        """Of a stream with, or yet without, a checkpoint."""
        telling = cls(world.metrics, world.tracer, world.clock, path)
        telling.bind(path, checkpoint)
        return telling

    def bind(self, path: str, checkpoint: Checkpoint | None) -> None:
        """Say from now on that this is where it is, and who."""
        self._path = path
        self.log = self.log.bind(file_path=path)
        if checkpoint is not None:
            self.stream_id = checkpoint.stream_id
            self.log = self.log.bind(stream_id=checkpoint.stream_id)

    def began(self) -> float:
        """Now: something begins."""
        return self._clock.monotonic()

    # --- the beginning, and the file ----------------------------------------------------

    def begun(self, cp: Checkpoint, size_bytes: int) -> None:
        self._tell("begun", key=cp.key, bytes=size_bytes)

    def not_begun(self, cp: Checkpoint) -> None:
        """It is only remembered, so that nobody asks again; with that it has ended, too."""
        self._refused = True
        self._tell("refused", level=logging.WARNING, why=cp.reason, hint=cp.hint)

    def renamed(self, path: str) -> None:
        self._tell("renamed", to=path)

    def sealed(self, reason: str, why: str, size_bytes: int) -> None:
        self._tell("sealed", why=why, reason=reason, bytes=size_bytes)

    def unsealed(self, why: str) -> None:
        self._tell("unsealed", why=why)

    # --- bytes --------------------------------------------------------------------------

    def upload_created(self, key: str, began: float) -> None:
        self._tell("upload created", began, key=key)

    def upload_adopted(self, key: str, aborted: int) -> None:
        self._tell("upload adopted", key=key, aborted=aborted)

    def uploads_aborted(self, key: str, aborted: int, why: str) -> None:
        self._tell("uploads under the key aborted", key=key, aborted=aborted, why=why)

    def late_upload_aborted(self) -> None:
        event = "a late upload was aborted: another process works here"
        self._tell(event, level=logging.WARNING)

    def part_sent(self, number: int, size_bytes: int, began: float, *, again: bool) -> None:
        self._landed(size_bytes, began)
        facts = {"resent": True} if again else {}
        self._tell("part sent", began, part=number, bytes=size_bytes, **facts)

    def put_whole(self, key: str, size_bytes: int, began: float) -> None:
        self._landed(size_bytes, began)
        self._tell("put whole", began, key=key, bytes=size_bytes)

    def _landed(self, size_bytes: int, began: float) -> None:
        self._metrics.streams.part_sent(self.stream_id, size_bytes)
        seconds = self._clock.monotonic() - began
        self._metrics.work.part_landed(size_bytes, seconds, self._clock.now())

    def compared(self, parts: int, size_bytes: int, began: float) -> None:
        """All of these agree."""
        self._tell("compared", began, level=logging.DEBUG, parts=parts, bytes=size_bytes)

    def changed_on_disk(self, wrong: frozenset[int], size_bytes: int, began: float) -> None:
        """Of those compared these differ, and are to be sent again."""
        work, count = self._metrics.work, len(wrong)
        work.mismatches.inc(count)
        work.parts_resent.labels(CHANGED_ON_DISK).inc(count)
        named = sorted(wrong)[:NAMED_PARTS]
        self._tell("parts changed on disk", began, parts=named, count=count, bytes=size_bytes)

    # --- the object ---------------------------------------------------------------------

    def completed(self, parts: int, size_bytes: int, began: float) -> None:
        """The store says so; it is asked next what stands there."""
        self._tell("completed", began, parts=parts, bytes=size_bytes)

    def unclear(self, error: S3OperationError) -> None:
        """Whether there is an object now, that answer does not say. Only counted: the failure
        itself is told by whoever meets it."""
        if error.unclear or isinstance(error, UploadGone):
            self._metrics.work.ambiguous.inc()

    def refused(self, error: S3OperationError, refusals: int, wrong: int) -> None:
        """The store would not complete with these parts: so many are sent again."""
        self._metrics.work.parts_resent.labels(REFUSED).inc(wrong)
        self._tell(
            "the store refused to complete",
            level=logging.WARNING,
            error=str(error),
            hint=error.hint,
            refusals=refusals,
            parts_to_send_again=wrong,
        )

    def unknown_upload(self) -> None:
        self._tell("the store does not know the upload any more: asking for the object")

    def wrong_object(self, key: str, why: str) -> None:
        self._tell("the object is not what was sent", level=logging.ERROR, key=key, why=why)

    def not_put(self, why: str) -> None:
        self._tell("not stored: it will be sent again", why=why)

    def not_completed(self, why: str) -> None:
        self._tell("not completed: the upload stands", why=why)

    def upload_lost(self, parts: int, why: str) -> None:
        self._metrics.work.parts_resent.labels(UPLOAD_LOST).inc(parts)
        self._tell(
            "the upload is gone: beginning again",
            level=logging.WARNING,
            why=why,
            parts=parts,
            hint="look whether a lifecycle rule of the bucket aborts unfinished uploads",
        )

    def stored(self, cp: Checkpoint, found: StoredObject, since_write_seconds: float) -> None:
        """The object was verified, so long after the last write to the recording."""
        work = self._metrics.work
        work.close_to_stored.observe(since_write_seconds)
        work.last_progress.set(self._clock.now())
        seconds = round(since_write_seconds, 3)
        self._tell("stored", key=cp.key, bytes=found.size_bytes, since_write_seconds=seconds)

    def described(self, probe: Probe, poster: Poster | NoPicture | None, began: float) -> None:
        """Its metadata stand; None for a poster that nobody wants."""
        if isinstance(poster, NoPicture):
            self._tell("no poster", why=poster.why)
        if probe.duration_seconds is not None:
            duration = self._metrics.streams.stream_duration
            duration.labels(self.stream_id).observe(probe.duration_seconds)
        self._tell(
            "described", began, duration_seconds=probe.duration_seconds, problem=probe.problem
        )

    def kept_without_object(self, why: str) -> None:
        self._tell(
            "the recording is kept: its object is not there", level=logging.ERROR, why=why
        )

    def kept_rewritten(self) -> None:
        self._tell(
            "the recording is kept: its bytes are not the stored ones", level=logging.WARNING
        )

    def disposed(self, done: str | None) -> None:
        self._tell("recording disposed of", done=done or "kept: it changed meanwhile")

    # --- the end ------------------------------------------------------------------------

    def abandoned(self, reason: str, parts: int, began: float) -> None:
        self._tell("stream abandoned", began, level=logging.WARNING, reason=reason, parts=parts)

    def revived(self, parts: int) -> None:
        self._tell("taken up again", parts=parts)

    def ended(self, cp: Checkpoint) -> None:
        """It has its final status, however it came to it."""
        ended = cp.ended_at or self._clock.now()
        seconds = max(0.0, ended - cp.started_at)
        event, level = "ended", logging.INFO
        if cp.status in STORED:
            event = "finished"
        elif cp.status in PARKED and cp.holds_path:
            event, level = "parked", logging.ERROR
        facts = {
            "status": cp.status.value,
            "why": cp.reason,
            "hint": cp.hint or None,
            "bytes": cp.stored.size_bytes if cp.stored else cp.bytes_sent,
            "parts": len(cp.parts),
            "resent": cp.parts_resent,
        }
        self._metrics.stream_ended(cp.stream_id, seconds, cp.status)
        if not self._refused:
            self._say(level, event, {**facts, "seconds": round(seconds, 3)})
        self._refused = False
        told = {"file_path": self._path, "key": cp.key, **facts}
        if cp.status in PARKED:
            told["error"] = cp.reason
        self._tracer.whole(cp.stream_id, cp.started_at, ended, told)

    # --- trouble ------------------------------------------------------------------------

    def retrying(self) -> None:
        """What failed is tried once more."""
        self._metrics.work.retries.inc()

    def failed(self, error: CefMP4Error, failures: int) -> None:
        """The so-manyeth in a row."""
        self._metrics.streams.operation_failed(self.stream_id, error.operation_type)
        if is_worth_a_line(failures):
            self._tell(
                "failed",
                level=logging.WARNING,
                error=str(error),
                hint=error.hint,
                failures=failures,
            )

    def crashed(self, error: Exception, hint: str, failures: int) -> None:
        """A bug of ours, or what nobody has thought of."""
        self._metrics.streams.operation_failed(self.stream_id, "other")
        if is_worth_a_line(failures):
            self.log.error(
                "turn failed", why=self.why, hint=hint, failures=failures, exc_info=error
            )

    def recovered(self, failures: int) -> None:
        self._tell("recovered", failures=failures)

    # --- how ----------------------------------------------------------------------------

    def _tell(
        self,
        event: str,
        began: float | None = None,
        *,
        level: int = logging.INFO,
        **facts: object,
    ) -> None:
        """One line, and one span where there is a stream already."""
        seconds = 0.0 if began is None else max(0.0, self._clock.monotonic() - began)
        facts = {"why": self.why} | facts
        if began is not None:
            facts["seconds"] = round(seconds, 3)
        self._say(level, event, facts)
        if self.stream_id:
            now = self._clock.now()
            self._tracer.effect(self.stream_id, event, now - seconds, now, facts)

    def _say(self, level: int, event: str, facts: dict[str, object]) -> None:
        known = {name: fact for name, fact in facts.items() if fact is not None}
        self.log.log(level, event, **known)
