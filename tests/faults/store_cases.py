"""Every kind of fault of a store, and what is to be seen of it: the tables of the tests."""

from collections.abc import Iterator
from dataclasses import dataclass

from faults import wire
from faults.proxy import Fault

CREATE, PART, COMPLETE = "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"
PUT, HEAD, ABORT = "PutObject", "HeadObject", "AbortMultipartUpload"
LIST_PARTS, LIST_UPLOADS = "ListParts", "ListMultipartUploads"

INSIDE = "inside the store"
NETWORK = "the store"
"""In every hint about connections."""


@dataclass(frozen=True)
class Case:
    """One fault at one operation, and what is to be seen of it."""

    operation: str
    name: str
    fault: Fault
    says: str
    """Stands in a log line about the recording."""
    hint: str = ""
    """Stands in a hint; empty where a person can do nothing, and is told so."""
    times: int = 1
    done: int = 1
    """How often the store did it in the end."""

    @property
    def recording(self) -> str:
        return f"{self.operation}-{self.name}"


def every_kind(operation: str) -> list[Case]:
    """All that can happen to an operation that sends or gets more than headers."""
    again = 2 if operation == PART else 1  # a part that may have landed is sent again
    kinds = [
        ("500", wire.refused(500, "InternalError"), "InternalError", INSIDE, 2, 1),
        ("503", wire.refused(503, "SlowDown"), "SlowDown", "", 2, 1),
        ("503-later", wire.refused(503, "SlowDown", retry_after="2"), "SlowDown", "", 1, 1),
        ("time-out", wire.refused(400, "RequestTimeout"), "RequestTimeout", "", 1, 1),
        (
            "inside",
            wire.error_inside("InternalError", done=False),
            "InternalError",
            INSIDE,
            1,
            1,
        ),
        ("inside-done", wire.error_inside("SlowDown", done=True), "SlowDown", "", 1, again),
        ("empty", wire.empty(done=False), "200 without", "", 1, 1),
        ("empty-done", wire.empty(done=True), "200 without", "", 1, again),
        ("torn-done", wire.torn, operation, "", 1, again),
        ("cut-off-done", wire.cut_off, "not completed", NETWORK, 1, again),
        ("expired", wire.refused(400, "ExpiredToken"), "ExpiredToken", "renew", 2, 1),
        ("no-key", wire.refused(403, "InvalidAccessKeyId"), "InvalidAccess", "S3_ACC", 1, 1),
        ("denied", wire.refused(403, "AccessDenied"), "AccessDenied", "permission", 1, 1),
        ("clock", wire.refused(403, "RequestTimeTooSkewed"), "TooSkewed", "clock", 1, 1),
        ("no-bucket", wire.refused(404, "NoSuchBucket"), "NoSuchBucket", "create it", 2, 1),
    ]
    return [Case(operation, *kind) for kind in kinds] + list(of_connections(operation))


def of_connections(operation: str) -> Iterator[Case]:
    """The HTTP client itself sends once more, and says nothing, what may be repeated."""
    times = 1 if operation in (CREATE, COMPLETE) else 2
    lost = times + 1 if operation == PART else times
    again = 2 if operation == PART else 1
    says = f"{operation}: "
    silence = "no byte came"
    yield Case(operation, "reset", wire.reset_before, says, NETWORK, times)
    yield Case(operation, "reset-late", wire.reset_after, says, NETWORK, times)
    yield Case(operation, "lost-done", wire.swallowed, says, NETWORK, times, lost)
    yield Case(operation, "silent", wire.silent(done=False), silence, NETWORK)
    yield Case(operation, "silent-done", wire.silent(done=True), silence, NETWORK, 1, again)
    yield Case(operation, "stops-done", wire.silent_in_the_answer, silence, NETWORK, 1, again)


OF_PARTS = [
    *every_kind(PART),
    Case(PART, "at-once", wire.refused_at_once, "SlowDown", "", 2),
    Case(PART, "reset-midway", wire.reset_during, "UploadPart: ", NETWORK, 2),
    Case(PART, "deaf", wire.deaf, "no byte came", NETWORK),
    Case(PART, "damaged", wire.refused(400, "BadDigest"), "BadDigest"),
]
OF_COMPLETE = [
    *every_kind(COMPLETE),
    Case(COMPLETE, "inside-part", wire.error_inside("InvalidPart", done=True), "InvalidPart"),
    Case(COMPLETE, "inside-gone", wire.error_inside("NoSuchUpload", done=True), "NoSuchUp"),
    Case(COMPLETE, "gone-done", wire.refused(404, "NoSuchUpload", done=True), "asking for"),
    Case(COMPLETE, "gone", wire.refused(404, "NoSuchUpload"), "denies", "abort the", 2),
]
OF_HEAD = [
    *of_connections(HEAD),
    Case(HEAD, "500", wire.refused(500, ""), "500", "", 2),
    Case(HEAD, "503", wire.refused(503, ""), "503", "", 2),
    Case(HEAD, "expired", wire.refused(403, ""), "refused", "have expired"),
    Case(HEAD, "empty", wire.empty(done=False), "200 without"),
]
OF_ABORT = [
    *of_connections(ABORT),
    Case(ABORT, "500", wire.refused(500, "InternalError"), "InternalError", INSIDE, 2),
    Case(ABORT, "503-done", wire.refused(503, "SlowDown", done=True), "SlowDown"),
    Case(ABORT, "expired", wire.refused(400, "ExpiredToken"), "ExpiredToken", "renew"),
    Case(ABORT, "ignored", wire.empty(done=False), "parts are listed", "", 3),
    Case(LIST_PARTS, "abort-503", wire.refused(503, "SlowDown"), "SlowDown"),
    Case(LIST_PARTS, "abort-empty", wire.empty(done=False), "200 without"),
]
BESIDE = {
    CREATE: every_kind(CREATE),
    LIST_UPLOADS: every_kind(LIST_UPLOADS),
    LIST_PARTS: every_kind(LIST_PARTS),
    PUT: every_kind(PUT),
    HEAD: OF_HEAD,
}
"""What goes on beside parts and Complete."""

SOME = ("503", "inside-done", "empty", "empty-done", "torn-done", "lost-done")
SOME_BESIDE = [case for cases in BESIDE.values() for case in cases if case.name in SOME]

NEEDS = {
    LIST_PARTS: (COMPLETE, wire.refused(500, "InternalError")),
    LIST_UPLOADS: (CREATE, wire.swallowed),
}
"""What must fail first, so that the operation is asked for at all."""
