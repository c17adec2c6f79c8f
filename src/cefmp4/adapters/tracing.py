"""The `Tracer` port on OpenTelemetry: one trace per stream, sent by OTLP over HTTP.

Where to, the standard `OTEL_EXPORTER_OTLP_*` variables of the environment say. The id of a
trace is the stream's own UUID, and that of its outermost span follows from it, so that a
process that takes a stream up later adds to the same trace. What must stay true: no stream
waits for a span, and no more than a few thousand of them are kept while nobody takes them;
a thread of the SDK's own sends them. Of the names and keys in them nothing breaks a batch,
and they hold no secret.
"""

import os
import threading
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import unquote
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from cefmp4 import __version__
from cefmp4.logging_config import hide, one_line
from cefmp4.ports.tracing import Tracer

CLOSING_SECONDS = 2.0
LONGEST_TEXT = 4_096
NANOSECONDS = 1_000_000_000
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")


def open_tracer(instance: str) -> Tracer:
    """Raises ValueError when a variable of the environment cannot be understood."""
    for name in _HEADERS:
        for header in os.environ.get(name, "").split(","):
            secret = header.partition("=")[2].strip()
            hide(secret)
            hide(unquote(secret))  # as it is sent
    name = os.environ.get("OTEL_SERVICE_NAME") or "cefmp4"
    resource = Resource.create(
        {SERVICE_NAME: name, SERVICE_INSTANCE_ID: instance, "service.version": __version__}
    )
    return OtlpTracer(resource, BatchSpanProcessor(OTLPSpanExporter()))


class OtlpTracer:
    """See Tracer. Used on one thread only."""

    def __init__(self, resource: Resource, processor: BatchSpanProcessor) -> None:
        self._ids = _Ids()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # a part of a trace would tell nothing
            resource=resource,
            shutdown_on_exit=False,
            id_generator=self._ids,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("cefmp4", __version__)

    def effect(
        self, stream_id: str, what: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        """See Tracer."""
        parent = SpanContext(
            trace_id_of(stream_id), root_id_of(stream_id), True, TraceFlags(TraceFlags.SAMPLED)
        )
        inside = set_span_in_context(NonRecordingSpan(parent), Context())
        self._span(what, inside, began, ended, facts)

    def whole(
        self, stream_id: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        """See Tracer."""
        self._ids.next_root = trace_id_of(stream_id), root_id_of(stream_id)
        try:
            self._span("stream", Context(), began, ended, {"stream_id": stream_id, **facts})
        finally:
            self._ids.next_root = None

    def _span(
        self,
        name: str,
        context: Context,
        began: float,
        ended: float,
        facts: Mapping[str, object],
    ) -> None:
        span = self._tracer.start_span(
            name,
            context,
            attributes={key: _value(fact) for key, fact in facts.items() if fact is not None},
            start_time=int(began * NANOSECONDS),
        )
        if error := facts.get("error"):
            span.set_status(StatusCode.ERROR, one_line(error)[:LONGEST_TEXT])
        span.end(int(ended * NANOSECONDS))

    def close(self) -> None:
        """See Tracer. A thread that nobody waits for any longer does it."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)


class _Ids(IdGenerator):
    """Random ids, but for the outermost span of a stream."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.next_root: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        """See IdGenerator."""
        return self.next_root[0] if self.next_root else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """See IdGenerator."""
        return self.next_root[1] if self.next_root else self._random.generate_span_id()


def trace_id_of(stream_id: str) -> int:
    """The 128 bits of the UUID."""
    try:
        return UUID(stream_id).int or 1
    except ValueError:  # found in a store, where anybody may have written it
        return int.from_bytes(sha256(stream_id.encode("utf-8", "replace")).digest()[:16]) or 1


def root_id_of(stream_id: str) -> int:
    """The same in every process."""
    digest = sha256(b"root span of " + stream_id.encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8]) or 1


def _value(fact: object) -> AttributeValue:
    if isinstance(fact, bool | float):
        return fact
    if isinstance(fact, int) and abs(fact) < 2**63:
        return fact
    return one_line(fact)[:LONGEST_TEXT]
