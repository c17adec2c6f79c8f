"""What labels may hold: few words, all known beforehand, so that nobody outside can make more.

A store may answer with any code it likes, and a broken one does.
"""

OTHER = "other"

STORE_OPERATIONS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CreateBucket",
        "CreateMultipartUpload",
        "GetObject",
        "HeadBucket",
        "HeadObject",
        "ListMultipartUploads",
        "ListObjectsV2",
        "ListParts",
        "PutObject",
        "UploadPart",
        "open",
    }
)
"""S3's names; `open` is the way to the first answer."""

STORE_CODES = frozenset(
    {
        # what a store says
        "AccessDenied",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "BadDigest",
        "EntityTooLarge",
        "EntityTooSmall",
        "ExpiredToken",
        "IllegalLocationConstraintException",
        "IncompleteBody",
        "InsufficientStorage",
        "InternalError",
        "InvalidAccessKeyId",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidDigest",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidRequest",
        "InvalidStorageClass",
        "InvalidToken",
        "KeyTooLongError",
        "MalformedXML",
        "MetadataTooLarge",
        "MissingContentLength",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchUpload",
        "NotImplemented",
        "PermanentRedirect",
        "PreconditionFailed",
        "QuotaExceeded",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
        "XMinioServerBusy",
        "XMinioStorageFull",
        # what is said where it gave no answer, or none that can be believed
        "BrokenPipe",
        "ClientConnector",
        "ClientOS",
        "ClientPayload",
        "ConnectTimeout",
        "ConnectionClosed",
        "ConnectionRefused",
        "ConnectionReset",
        "CredentialRetrieval",
        "ETagMismatch",
        "EarlyAnswer",
        "EmptyAnswer",
        "EndpointConnection",
        "HTTPClient",
        "InvalidEndpoint",
        "KeyTaken",
        "NoCredentials",
        "ParamValidation",
        "PartialCredentials",
        "ReadTimeout",
        "ResponseParser",
        "SSL",
        "ServerDisconnected",
        "StillThere",
        "Timeout",
        "TokenRetrieval",
        "UnreadableAnswer",
    }
)


STATE_CODES = frozenset(
    {
        "AuthenticationError",
        "BusyLoadingError",
        "ClusterDownError",
        "ConnectionError",
        "MaxConnectionsError",
        "NoPermissionError",
        "OutOfMemoryError",
        "ReadOnlyError",
        "RedisClusterException",
        "ResponseError",
        "TimeoutError",
    }
)
"""What redis-py calls it."""


def operation_label(operation: str) -> str:
    return operation if operation in STORE_OPERATIONS else OTHER


def code_label(code: str) -> str:
    """The code; of a bare HTTP status its class, as `5xx`; `other` for what is not known."""
    if code in STORE_CODES:
        return code
    if len(code) == 3 and code.isascii() and code.isdecimal() and code[0] in "345":
        return f"{code[0]}xx"
    return OTHER


def state_code_label(code: str) -> str:
    """What a question to the state server failed with; `other` for what is not known."""
    return code if code in STATE_CODES else OTHER
