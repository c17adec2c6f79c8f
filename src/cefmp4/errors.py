"""What can go wrong, sorted by what must follow.

The adapters translate every outside error into one of these at their door; nothing
above them catches a class of botocore, redis or aiohttp. Two questions are answered
there once and for all: where it happened (the class below `CefMP4Error`) and whether
waiting can help (`transient`). An outage, of whatever length, is transient; only what
cannot succeed without a person is not.
"""

import re

from cefmp4.core.congestion import Strain


class CefMP4Error(Exception):
    """Something failed. `hint` says what a person can do about it."""

    transient = True
    operation_type = "other"
    """What failed, as a metrics label: few words, none from outside."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        transient: bool | None = None,
        retry_after_seconds: float = 0.0,
        strain: Strain | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after_seconds = retry_after_seconds
        """The least time the other side asked us to wait; 0 when it did not."""
        self.strain = strain
        """What says that too much was asked at once; None when nothing does."""
        if transient is not None:
            self.transient = transient


class StreamInitializationError(CefMP4Error):
    """A stream cannot begin, as when the store could never hold its key."""

    transient = False
    operation_type = "stream_init"


class ChunkProcessingError(CefMP4Error):
    """A part could not be read from the disk, or the file changed while it was."""

    operation_type = "disk_read"


class S3OperationError(CefMP4Error):
    """The store did not do what it was asked.

    `operation` is S3's name for what was asked, `code` the store's own word for why not.
    """

    def __init__(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        hint: str = "",
        transient: bool | None = None,
        retry_after_seconds: float = 0.0,
        strain: Strain | None = None,
        unclear: bool = False,
    ) -> None:
        super().__init__(
            f"{operation}: {code}: {message}",
            hint=hint,
            transient=transient,
            retry_after_seconds=retry_after_seconds,
            strain=strain,
        )
        self.operation = operation
        self.code = code
        self.unclear = unclear
        """There was no answer, or none that says whether it was carried out."""
        self.operation_type = "s3" + re.sub("([A-Z]+)", r"_\1", operation).lower()


class UploadGone(S3OperationError):
    """NoSuchUpload: completed, aborted, or never there. Which one, HEAD and ListParts tell."""


class PartsRefused(S3OperationError):
    """The store will not complete with the parts it was given: what we believe is wrong."""


class ContentRefused(S3OperationError):
    """The bytes did not match their checksum: they changed on the way or on the disk."""


class RedisOperationError(CefMP4Error):
    """The state server did not do what it was asked."""

    operation_type = "redis_update"
    code = ""
    """The client library's word for why not, where it gave one."""


class StateLost(RedisOperationError):
    """The state server has forgotten everything: what is known here is to be written again."""


class Fenced(RedisOperationError):
    """Another process holds our claim now: stop touching anything."""

    transient = False


class InstanceClaimed(RedisOperationError):
    """Another living process works under this INSTANCE_ID."""

    transient = False


class DeliveryError(CefMP4Error):
    """An event was not taken by the receiver of the webhook."""

    operation_type = "webhook"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        transient: bool | None = None,
        retry_after_seconds: float = 0.0,
        unanswered: bool = False,
    ) -> None:
        super().__init__(
            message, hint=hint, transient=transient, retry_after_seconds=retry_after_seconds
        )
        self.unanswered = unanswered
        """It is not this event: nobody is there who takes any."""


class Stopping(Exception):
    """No new work is taken up: the daemon is on its way out."""
