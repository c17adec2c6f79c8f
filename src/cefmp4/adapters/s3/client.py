"""One aiobotocore client for the life of the process, set up so that it does what we say.

Five things are not as the SDK would have them:
- it does not retry: back-off is done above, where it is endless, jittered and seen. The
  SDK's own retry quota runs dry in just the long outages it is there for;
- checksums only where we give them: the SDK's default ones, sent as trailers, are refused
  by MinIO's front end (411) and have made other stores keep the chunk framing;
- a streamed part says itself what stands for its payload in the signature, so that it need
  not be read a second time before it is sent; all other requests are signed in full;
- no `Expect: 100-continue`: the interim answer starts aiohttp's read timeout, which then
  cuts off every part that takes longer to send than that, and a proxy which swallows the
  header stalls the request;
- a socket takes only as much as it can send (`_connecting`).
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth
from botocore.handlers import add_expect_header

from cefmp4 import __version__
from cefmp4.adapters.s3.body import StreamedBody
from cefmp4.adapters.s3.sending import PIECE_BYTES, takes_ahead
from cefmp4.adapters.s3.settings import StoreSettings

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_STREAM_SIGNER = "cefmp4-s3v4"


class _StreamSigner(S3SigV4Auth):  # type: ignore[misc]
    """SigV4 that takes the payload's hash from the streamed body.

    Signing is botocore's own in Python: where awscrt is installed botocore signs with
    that, and it reads the body, or asks for its bytes, even when they are not signed.
    """

    def payload(self, request: Any) -> str:
        if isinstance(request.data, StreamedBody):
            return request.data.content_sha256
        return cast("str", super().payload(request))


AUTH_TYPE_MAPS[_STREAM_SIGNER] = _StreamSigner


def _choose_signer(signature_version: str, **_: object) -> str | None:
    return _STREAM_SIGNER if signature_version in ("v4", "s3v4") else None


@asynccontextmanager
async def open_client(settings: StoreSettings) -> "AsyncIterator[S3Client]":
    """The client, with its connections; all of them are closed at the end."""
    creating = get_session().create_client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        aws_session_token=settings.session_token,
        verify=settings.ca_bundle,
        config=_config(settings),
    )
    async with creating as client:
        client.meta.events.unregister("before-call.s3", add_expect_header)
        client.meta.events.register_first("choose-signer.s3", _choose_signer)
        yield client


def _connecting(address: tuple[Any, ...]) -> socket.socket:
    """A socket that takes little more than it can send."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    takes_ahead(made, PIECE_BYTES)
    return made


def _config(settings: StoreSettings) -> AioConfig:
    style = settings.addressing_style
    if style == "auto" and settings.endpoint_url is not None:
        style = "path"
    return AioConfig(
        s3={"addressing_style": style},
        connector_args={"socket_factory": _connecting},
        max_pool_connections=settings.max_connections,
        connect_timeout=settings.connect_seconds,
        read_timeout=settings.stall_seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent_extra=f"cefmp4/{__version__}",
    )
