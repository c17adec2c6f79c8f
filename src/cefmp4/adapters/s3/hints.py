"""What a person can do about each failure of the S3 client, by its code."""

from types import MappingProxyType

_CREDENTIALS = "check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or the SDK's own chain"
PERMISSION = "the credentials lack a permission on this bucket"
_NOT_THEIRS = "S3_BUCKET_NAME is not the bucket they are for"
_NETWORK = "if this goes on, look at the store and at the network to it"
BUSY = "nothing yet: fewer parts are sent at a time; if it goes on, is the store too busy?"
AGAIN = "nothing yet: it is tried again; if it goes on, see the log of the store"
_REGION = "check S3_REGION_NAME: the bucket is in another region"

CREDENTIAL_HINTS = MappingProxyType(
    {
        "AccessDenied": f"{PERMISSION}, or {_NOT_THEIRS}",
        "AllAccessDisabled": f"{PERMISSION}, or {_NOT_THEIRS}",
        "AccountProblem": "the store has a problem with the account; ask its operator",
        "403": f"{PERMISSION} or have expired, {_NOT_THEIRS}, or the clock is wrong",
        "401": _CREDENTIALS,
        "InvalidAccessKeyId": _CREDENTIALS,
        "SignatureDoesNotMatch": _CREDENTIALS,
        "AuthorizationHeaderMalformed": f"{_CREDENTIALS}, and S3_REGION_NAME",
        "ExpiredToken": "the session token has expired; renew it",
        "InvalidToken": "the session token is not valid; renew it",
        "TokenRefreshRequired": "the session token has expired; renew it",
        "NoCredentials": _CREDENTIALS,
        "PartialCredentials": _CREDENTIALS,
        "CredentialRetrieval": _CREDENTIALS,
        "TokenRetrieval": _CREDENTIALS,
    }
)
"""Here the store's own words are left out: some repeat what was sent to them."""

HINTS = MappingProxyType(
    {
        "RequestTimeTooSkewed": "the clock of this machine or of the store is wrong",
        "NoSuchBucket": "the bucket of S3_BUCKET_NAME is not there; create it",
        "InvalidBucketName": "S3_BUCKET_NAME is not a name for a bucket",
        "PermanentRedirect": _REGION,
        "IllegalLocationConstraintException": _REGION,
        "301": _REGION,
        "SSL": "no TLS with it: check S3_ENDPOINT_URL (http or https?) and S3_CA_BUNDLE",
        "InvalidStorageClass": "the store does not know this storage class",
        "NotImplemented": "the store cannot do this; check storage class, encryption, tags",
        "InternalError": "something is wrong inside the store: see its log; is its disk full?",
        "QuotaExceeded": "the store is full; make room",
        "InsufficientStorage": "the store is full; make room",
        "XMinioStorageFull": "the store is full; make room",
        "HTTPClient": "where a CA bundle is set, check that the file is there",
        "EndpointConnection": "check S3_ENDPOINT_URL, and that the store runs",
        "ProxyConnection": "check HTTP_PROXY and HTTPS_PROXY in the environment",
        "ConnectionClosed": _NETWORK,
        "ReadTimeout": _NETWORK,
        "ConnectTimeout": "check S3_ENDPOINT_URL, and that the store can be reached",
        "EntityTooLarge": "the store does not take an object this large",
        "MetadataTooLarge": "the store does not take this much user metadata",
        "ParamValidation": "the SDK does not send this; check the settings of the store",
    }
)

UNTRUSTED = "check the certificate of the store, and S3_CA_BUNDLE"
OPEN_FILES = "raise the limit of open files (LimitNOFILE, ulimit -n)"
