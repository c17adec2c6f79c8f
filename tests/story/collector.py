"""A small OTLP receiver on HTTP: it keeps every span it is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True, slots=True)
class Span:
    """What was told of one."""

    trace: str
    span: str
    parent: str
    name: str
    began: float
    ended: float
    facts: dict[str, Any]
    failed: bool
    service: str


@dataclass
class Collector:
    """Where it listens, and what it was sent."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def take_in(self, raw: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(raw)
        for resource in request.resource_spans:
            about = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(_told(span, about["service.name"]))

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


def _told(span: Any, service: str) -> Span:
    facts = {}
    for attribute in span.attributes:
        kind = attribute.value.WhichOneof("value")
        facts[attribute.key] = getattr(attribute.value, kind)
    return Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
        facts,
        span.status.code == 2,
        service,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """It has ended when the block has."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.headers.append(self.headers.get("api-key", ""))
            collector.take_in(self.rfile.read(int(self.headers["Content-Length"])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield collector
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
