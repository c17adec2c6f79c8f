"""The calls of S3 as the sink sees them: which one it is, its body, and what goes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote

from bench.wire import Head, Wire

TRUSTED_ABOVE_BYTES = 64 * 1024
CRC64NVME = "x-amz-checksum-crc64nvme"
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Request:
    """One S3 call, its body taken or thrown away."""

    head: Head
    bucket: str
    key: str
    query: Mapping[str, str]
    body: bytes | None
    """None when it was thrown away."""
    size_bytes: int

    @property
    def metadata(self) -> dict[str, str]:
        headers = self.head.headers.items()
        return {name: value for name, value in headers if name.startswith("x-amz-meta-")}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] | None = None
    length: int | None = None
    """What Content-Length says of a body that is not sent (HEAD)."""

    def packed(self) -> bytes:
        length = len(self.body) if self.length is None else self.length
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'OK')}"]
        lines += [f"{name}: {value}" for name, value in (self.headers or {}).items()]
        lines += [f"Date: {formatdate(usegmt=True)}", "x-amz-request-id: 1"]
        lines += [f"Content-Length: {length}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def operation_of(request: Request) -> str:
    """The name S3 has for this call."""
    query, method = request.query, request.head.method
    if not request.key:
        if method == "GET":
            listing = "ListMultipartUploads" if "uploads" in query else "ListObjects"
            return "GetBucketLocation" if "location" in query else listing
        return {"HEAD": "HeadBucket", "PUT": "CreateBucket"}.get(method, "Unknown")
    if "uploadId" in query:
        named = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload"}
        named |= {"DELETE": "AbortMultipartUpload", "GET": "ListParts"}
        return named.get(method, "Unknown")
    named = {"PUT": "PutObject", "HEAD": "HeadObject", "GET": "GetObject"}
    named |= {"DELETE": "DeleteObject"}
    return named.get(method, "CreateMultipartUpload" if "uploads" in query else "Unknown")


def read_call(wire: Wire, head: Head) -> Request:
    """The request, its body taken when it is small or says something."""
    path, _, raw_query = head.target.partition("?")
    bucket, _, key = path.lstrip("/").partition("/")
    query = dict(parse_qsl(raw_query, keep_blank_values=True))
    body: bytes | None = None
    size_bytes = head.body_bytes
    if head.method == "POST" or size_bytes <= TRUSTED_ABOVE_BYTES:
        body = wire.take_body(head)
        size_bytes = len(body)
    else:
        wire.drop_body(head)
    return Request(head, bucket, unquote(key), query, body, size_bytes)
