"""Every failure of the S3 client as one of ours, decided here once and for all.

Transient is the rule: a store that is away, overloaded or broken comes back, and what is
wrong with bucket, clock or credentials a person mends while we wait (were it permanent,
every recording would be parked). Permanent is only what concerns one object and stays.

What must stay true: no secret, no signature and no query of a URL in a message.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ParamValidationError,
)
from botocore.parsers import ResponseParserError

from cefmp4.adapters.s3.hints import (
    AGAIN,
    BUSY,
    CREDENTIAL_HINTS,
    HINTS,
    OPEN_FILES,
    PERMISSION,
    UNTRUSTED,
)
from cefmp4.adapters.unreached import unreached, unreached_in_time
from cefmp4.core.congestion import Strain
from cefmp4.errors import (
    CefMP4Error,
    ContentRefused,
    PartsRefused,
    S3OperationError,
    StreamInitializationError,
    UploadGone,
)
from cefmp4.logging_config import redact

OPEN, CREATE_UPLOAD, UPLOAD_PART = "open", "CreateMultipartUpload", "UploadPart"
COMPLETE, PUT = "CompleteMultipartUpload", "PutObject"

_NO_MORE_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_SILENCE = MappingProxyType({"ReadTimeout": "no byte came or could be sent for too long"})
"""In words of ours: the SDK's say nothing to a person."""

_PERMANENT = frozenset(
    {"EntityTooLarge", "MetadataTooLarge", "ParamValidation", "InvalidBucketName"}
)
"""About this one object, and the same tomorrow; or seen at the start already."""

_SLOW_DOWN = frozenset(
    {
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "ServiceUnavailable",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "XMinioServerBusy",
    }
)
"""Also inside a 200, where the status does not tell."""

_TOO_LATE = frozenset({"RequestTimeout", "ReadTimeout", "ConnectTimeout", "Timeout"})

_CUT_SHORT = frozenset({"RequestTimeout", "IncompleteBody"})
"""400 like a refusal, but only the network failed."""

_CONTENT_REFUSED = frozenset(
    {
        "BadDigest",
        "InvalidDigest",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
_PARTS_REFUSED = _CONTENT_REFUSED | {
    "InvalidPart",
    "InvalidPartOrder",
    "EntityTooSmall",
    "MalformedXML",
    "InvalidRequest",
}
_KEY_REFUSED: frozenset[str] = frozenset(
    {
        "KeyTooLongError",
        "KeyTooLong",
        "InvalidObjectName",
        "XMinioInvalidObjectName",
        "XMinioInvalidResourceName",
        "InvalidURI",
    }
)
# At Create a general refusal is about the key too: the trials at the start sent the same
# request with another key, and it was taken (SeaweedFS, for a key with `..` in it).
_KEYS_REFUSED = MappingProxyType(
    {CREATE_UPLOAD: _KEY_REFUSED | {"InvalidRequest", "InvalidArgument"}, PUT: _KEY_REFUSED}
)
_KEY_HINT = "change S3_KEY_TEMPLATE, restart, then: cefmp4 retry ID; or rename the file"


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Let nothing but `cefmp4.errors` out of the block. Cancellation passes untouched."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StreamInitializationError(
            f"{operation}: the key is not valid Unicode", hint=_KEY_HINT
        ) from error
    except ClientError as error:
        raise _from_answer(operation, error) from error
    except (BotoCoreError, ResponseParserError, aiohttp.ClientError, OSError) as error:
        raise _without_answer(operation, error) from error
    except ValueError as error:
        raise _not_understood(operation) from error


def is_refusal(error: CefMP4Error) -> bool:
    """The store understood the request and will not do it, as opposed to an outage.

    Wrong credentials count as an outage: they say nothing about what the store can do.
    """
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    status, code = _status_and_code(cause)
    understood = status in (400, 405, 501) or status in range(411, 429)
    return understood and code not in CREDENTIAL_HINTS and code not in _CUT_SHORT


def is_denial(error: CefMP4Error) -> bool:
    """403, for whatever reason."""
    cause = error.__cause__
    return isinstance(cause, ClientError) and _status_and_code(cause)[0] == 403


def is_about_credentials(code: str) -> bool:
    """The store does not know who asks, as opposed to not letting them."""
    return not CREDENTIAL_HINTS.get(code, PERMISSION).startswith(PERMISSION)


def has_a_cause_of_its_own(code: str) -> bool:
    """It is known what to do about it, and that is not to allow something."""
    return code in HINTS


def empty_answer(operation: str) -> S3OperationError:
    """The store said 200 and nothing else; a crashing gateway does so."""
    message = "200 without what was asked for"
    return S3OperationError(operation, "EmptyAnswer", message, unclear=True)


def _status_and_code(error: ClientError) -> tuple[int, str]:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status, str(error.response.get("Error", {}).get("Code", status))


def _from_answer(operation: str, error: ClientError) -> CefMP4Error:
    status, code = _status_and_code(error)
    message = _message(code, str(error.response.get("Error", {}).get("Message", "")))
    # A 200 with an error inside comes as 500 from botocore: its outcome is unknown, so
    # that no refusal may be read out of it.
    if 400 <= status < 500:
        if code in _KEYS_REFUSED.get(operation, ()):
            return StreamInitializationError(f"{operation}: {code}: {message}", hint=_KEY_HINT)
        if code == "NoSuchUpload":
            return UploadGone(operation, code, message)
        if code in _PARTS_REFUSED and operation == COMPLETE:
            return PartsRefused(operation, code, message)
        if code in _CONTENT_REFUSED and operation in (UPLOAD_PART, PUT):
            return ContentRefused(operation, code, message)
    return S3OperationError(
        operation,
        code,
        message,
        hint=_hint(code),
        transient=code not in _PERMANENT,
        retry_after_seconds=_retry_after_seconds(error),
        strain=_strain(code, status),
        unclear=not 400 <= status < 500,
    )


def _without_answer(operation: str, error: Exception) -> CefMP4Error:
    code = re.sub("(Error|Exception)$", "", type(error).__name__)
    if isinstance(error, ParamValidationError) and operation in _KEYS_REFUSED:
        return StreamInitializationError(f"{operation}: {_scrubbed(error)}", hint=_KEY_HINT)
    inner = getattr(error, "kwargs", {}).get("error") or error
    text = _SILENCE.get(code) or _scrubbed(_in_words(error, inner)) or type(inner).__name__
    return S3OperationError(
        operation,
        code,
        text,
        hint=_hint_without_answer(code, inner),
        transient=code not in _PERMANENT,
        strain=_strain(code),
        unclear=code != "ParamValidation",
    )


def _in_words(error: Exception, inner: object) -> object:
    """Ours where the network failed: those of the HTTP client mislead."""
    if isinstance(error, ConnectTimeoutError):
        return unreached_in_time(error.kwargs["endpoint_url"])
    return unreached(inner) or inner


def _strain(code: str, status: int = 0) -> Strain | None:
    if code in _SLOW_DOWN or status in (429, 503):
        return Strain.REFUSED
    return Strain.SILENT if code in _TOO_LATE else None


def _hint_without_answer(code: str, inner: object) -> str:
    """By what lies below the SDK's own error, where that says more."""
    if getattr(inner, "errno", 0) in _NO_MORE_FILES:
        return OPEN_FILES
    if isinstance(inner, aiohttp.ClientConnectorCertificateError):
        return UNTRUSTED
    garbled = code == "HTTPClient" and not isinstance(inner, OSError)
    return "" if garbled else _hint(code)


def _not_understood(operation: str) -> S3OperationError:
    """A bare ValueError of the SDK: an endpoint that is none, or an answer it cannot read."""
    if operation != OPEN:
        return S3OperationError(
            operation, "UnreadableAnswer", "not what S3 answers", unclear=True
        )
    hint = "check S3_ENDPOINT_URL: it begins with http:// or https://"
    message = "this is not the address of a store"
    return S3OperationError(operation, "InvalidEndpoint", message, hint=hint, transient=False)


def _hint(code: str) -> str:
    busy = BUSY if code in _SLOW_DOWN else AGAIN
    return CREDENTIAL_HINTS.get(code) or HINTS.get(code, busy)


def _message(code: str, told: str) -> str:
    return "refused" if code in CREDENTIAL_HINTS else _scrubbed(told)


def _scrubbed(told: object) -> str:
    """One short line, without the query of any URL, nor a secret: it is kept as the reason why
    a stream failed, and told to others. Cut last, for half a secret is none that is known."""
    return re.sub(r"\?\S*", "?…", redact(" ".join(str(told).split())))[:200]


def _retry_after_seconds(error: ClientError) -> float:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told = str(headers.get("retry-after", ""))
    return float(told) if told.isdecimal() else 0.0
