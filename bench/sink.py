"""An S3 store that throws bodies away: so that only the client is measured.

    python -m bench.sink [--certificate FILE --private-key FILE]

It prints its port and serves until it is ended. A thread for each connection, and no
more work for a request than must be. Bodies up to 64 KiB are held against their
CRC64NVME, as the probe at CefMP4's start wants to see it done; larger ones are taken on
trust. Signatures are not looked at. Beside S3 it answers `/__sink__/`: `stats`, `clear`,
and `uploads`, by which uploads of an earlier life are planted.
"""

import argparse
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import TypeVar
from xml.sax.saxutils import escape

from bench.calls import CRC64NVME, Answer, Request, operation_of, read_call
from bench.sink_store import Refused, SinkStore, require_right_checksum
from bench.wire import Closed, Wire

PAGE_ROWS = 1000
_PART_NUMBER = re.compile(rb"<PartNumber>(\d+)</PartNumber>")
Row = TypeVar("Row")


class Sink:
    """Answers every call from what the store remembers."""

    def __init__(self) -> None:
        self.store = SinkStore()
        self._answers: dict[str, Callable[[Request], Answer]] = {
            "HeadBucket": lambda _: Answer(),
            "CreateBucket": lambda _: Answer(),
            "GetBucketLocation": lambda _: _xml("<LocationConstraint/>"),
            "CreateMultipartUpload": self._create,
            "UploadPart": self._upload_part,
            "CompleteMultipartUpload": self._complete,
            "AbortMultipartUpload": self._abort,
            "PutObject": self._put,
            "DeleteObject": self._delete,
            "HeadObject": self._get,
            "GetObject": self._get,
            "ListParts": self._list_parts,
            "ListMultipartUploads": self._list_uploads,
            "ListObjects": self._list_objects,
        }

    def serve(self, connection: socket.socket) -> None:
        """One connection to its end."""
        with suppress(Closed, OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(connection)
            while True:
                head = wire.head()
                if head.headers.get("expect", "").lower() == "100-continue":
                    wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                wire.send(self.answer(read_call(wire, head)).packed())

    def answer(self, request: Request) -> Answer:
        if request.bucket == "__sink__":
            return self._ours(request)
        operation = operation_of(request)
        with self.store.lock:
            self.store.calls[operation] += 1
        try:
            if request.body is not None and request.head.method == "PUT":
                require_right_checksum(request.head.headers.get(CRC64NVME), request.body)
            return self._answers.get(operation, _unknown)(request)
        except Refused as why:
            told = f"<Error><Code>{why.code}</Code><Message>{why.code}</Message></Error>"
            body = b"" if request.head.method == "HEAD" else _xml(told).body
            return Answer(body, why.status)

    def _ours(self, request: Request) -> Answer:
        store = self.store
        if request.key == "stats":
            begin = int(request.query.get("from", "0"))
            told = {
                "calls": dict(store.calls),
                "received_bytes": store.received_bytes,
                "uploads": len(store.uploads),
                "objects": len(store.objects),
                "arrivals": store.arrivals[begin:],
            }
            return Answer(json.dumps(told).encode())
        if request.key == "uploads":
            store.plant(json.loads(request.body or b"[]"))
        elif request.key == "clear":
            store.clear()
        return Answer()

    def _create(self, request: Request) -> Answer:
        upload_id = self.store.create(request.key, request.metadata)
        return _xml(
            f"<InitiateMultipartUploadResult><Bucket>{request.bucket}</Bucket>"
            f"<Key>{escape(request.key)}</Key><UploadId>{upload_id}</UploadId>"
            "</InitiateMultipartUploadResult>"
        )

    def _upload_part(self, request: Request) -> Answer:
        number = int(request.query["partNumber"])
        etag = self.store.take_part(request.query["uploadId"], number, request.size_bytes)
        return Answer(headers=_accepted(etag, request))

    def _complete(self, request: Request) -> Answer:
        numbers = [int(number) for number in _PART_NUMBER.findall(request.body or b"")]
        told = request.head.headers.get(CRC64NVME, "")
        stored = self.store.complete(request.query["uploadId"], numbers, told)
        return _xml(
            f"<CompleteMultipartUploadResult><Bucket>{request.bucket}</Bucket>"
            f"<Key>{escape(request.key)}</Key><ETag>&quot;{stored.etag}&quot;</ETag>"
            "</CompleteMultipartUploadResult>"
        )

    def _abort(self, request: Request) -> Answer:
        self.store.abort(request.query["uploadId"])
        return Answer(status=204)

    def _put(self, request: Request) -> Answer:
        etag = self.store.put(request.key, request.metadata, request.size_bytes, request.body)
        return Answer(headers=_accepted(etag, request))

    def _delete(self, request: Request) -> Answer:
        with self.store.lock:
            self.store.objects.pop(request.key, None)
        return Answer(status=204)

    def _get(self, request: Request) -> Answer:
        """HeadObject, and GetObject of what was small enough to be kept."""
        found = self.store.object(request.key)
        headers = {
            "ETag": f'"{found.etag}"',
            "Last-Modified": formatdate(found.modified_at, usegmt=True),
            **found.metadata,
        }
        if found.crc64nvme:
            headers[CRC64NVME] = found.crc64nvme
        if request.head.method == "HEAD":
            return Answer(headers=headers, length=found.size_bytes)
        if found.content is None:
            raise Refused(400, "NotKept")
        return Answer(found.content, headers=headers)

    def _list_parts(self, request: Request) -> Answer:
        after = int(request.query.get("part-number-marker") or 0)
        rows = [r for r in self.store.parts_of(request.query["uploadId"]) if r[0] > after]
        page, more = _page(rows, request, "max-parts")
        told = "".join(
            f"<Part><PartNumber>{number}</PartNumber><Size>{part.size_bytes}</Size>"
            f"<ETag>&quot;{part.etag}&quot;</ETag></Part>"
            for number, part in page
        )
        if more:
            told += f"<NextPartNumberMarker>{page[-1][0]}</NextPartNumberMarker>"
        return _listing("ListPartsResult", request, told, more)

    def _list_uploads(self, request: Request) -> Answer:
        query = request.query
        after = query.get("key-marker", ""), query.get("upload-id-marker", "")
        rows = [r for r in self.store.uploads_below(query.get("prefix", "")) if r[:2] > after]
        page, more = _page(rows, request, "max-uploads")
        told = "".join(
            f"<Upload><Key>{escape(key)}</Key><UploadId>{upload_id}</UploadId>"
            f"<Initiated>{_iso(at)}</Initiated></Upload>"
            for key, upload_id, at in page
        )
        if more:
            told += f"<NextKeyMarker>{escape(page[-1][0])}</NextKeyMarker>"
            told += f"<NextUploadIdMarker>{page[-1][1]}</NextUploadIdMarker>"
        return _listing("ListMultipartUploadsResult", request, told, more)

    def _list_objects(self, request: Request) -> Answer:
        """Both versions of it; no delimiter, so a folder shows all that lies below it."""
        query = request.query
        after = query.get("continuation-token") or query.get("marker") or ""
        rows = [r for r in self.store.objects_below(query.get("prefix", "")) if r[0] > after]
        page, more = _page(rows, request, "max-keys")
        told = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{found.size_bytes}</Size>"
            f"<ETag>&quot;{found.etag}&quot;</ETag>"
            f"<LastModified>{_iso(found.modified_at)}</LastModified></Contents>"
            for key, found in page
        )
        if more:
            last = escape(page[-1][0])
            told += f"<NextContinuationToken>{last}</NextContinuationToken>"
            told += f"<NextMarker>{last}</NextMarker>"
        return _listing("ListBucketResult", request, told, more)


def _unknown(_: Request) -> Answer:
    raise Refused(400, "NotImplemented")


def _accepted(etag: str, request: Request) -> dict[str, str]:
    """The ETag, and the checksum that came, as S3 echoes it."""
    told = request.head.headers.get(CRC64NVME)
    return {"ETag": f'"{etag}"'} | ({CRC64NVME: told} if told else {})


def _page(rows: list[Row], request: Request, limit: str) -> tuple[list[Row], bool]:
    count = min(int(request.query.get(limit) or PAGE_ROWS), PAGE_ROWS)
    return rows[:count], len(rows) > count


def _listing(root: str, request: Request, told: str, more: bool) -> Answer:
    flag = "true" if more else "false"
    named = f"<Name>{request.bucket}</Name><Bucket>{request.bucket}</Bucket>"
    return _xml(f"<{root}>{named}<IsTruncated>{flag}</IsTruncated>{told}</{root}>")


def _xml(content: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>{content}'.encode()
    return Answer(body, headers={"Content-Type": "application/xml"})


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--certificate")
    arguments.add_argument("--private-key")
    told = arguments.parse_args()
    context = None
    if told.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(told.certificate, told.private_key)
    sink, listener = Sink(), socket.create_server(("127.0.0.1", 0), backlog=256)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_greet, args=(sink, connection, context), daemon=True).start()


def _greet(sink: Sink, connection: socket.socket, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        sink.serve(context.wrap_socket(connection, server_side=True) if context else connection)


if __name__ == "__main__":
    main()
