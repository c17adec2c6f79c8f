"""The Receiver port over real HTTP: what is sent, and what each answer means."""

import base64
import ssl
from collections.abc import Iterator, Mapping

import pytest
import trustme

from cefmp4.adapters.webhook import open_webhook
from cefmp4.core.signing import key_of, signature
from cefmp4.errors import DeliveryError
from cefmp4.ports import Event
from receiving import Receiver, receiving

NOW = 1_700_000_000.7
EVENT = Event((1, 0), "an-id", "stream.started", "a stream", '{"é": 1}'.encode())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as listening:
        yield listening


async def deliver(url: str, secret: str | None = None) -> None:
    async with open_webhook(url, secret, lambda: NOW) as webhook:
        await webhook.deliver(EVENT)


async def refused(url: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        await deliver(url)
    return raised.value


def test_a_signature_is_that_of_the_standard() -> None:
    """The example of the specification: https://www.standardwebhooks.com."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert key_of("plain text, ä") == "plain text, ä".encode()


@pytest.mark.parametrize("secret", ["plain", f"whsec_{base64.b64encode(b'k' * 32).decode()}"])
async def test_an_event_is_posted_and_signed(receiver: Receiver, secret: str) -> None:
    """The very bytes, with id, time and signature in the headers of the standard."""
    await deliver(f"{receiver.url}?token=t", secret)
    (post,) = receiver.posts
    assert post.body == EVENT.body
    assert post.headers["content-type"] == "application/cloudevents+json"
    assert (post.headers["webhook-id"], post.headers["webhook-timestamp"]) == (
        "an-id",
        "1700000000",
    )
    assert post.is_signed_with(secret)


async def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    """There is no header that could be taken for a signature."""
    await deliver(receiver.url)
    assert "webhook-signature" not in receiver.posts[0].headers


async def test_user_and_password_of_the_url_are_basic_auth(receiver: Receiver) -> None:
    """They travel in the header that is made for them."""
    await deliver(receiver.url.replace("//", "//me:p%40ss@", 1))
    expected = base64.b64encode(b"me:p@ss").decode()
    assert receiver.posts[0].headers["authorization"] == f"Basic {expected}"


@pytest.mark.parametrize(
    ("answer", "transient", "asked_seconds"),
    [
        ((500, {}), True, 0),
        ((400, {}), True, 0),
        ((410, {}), False, 0),
        ((429, {"Retry-After": "120"}), True, 120),
        ((503, {"Retry-After": "Tue, 14 Nov 2023 22:14:00 GMT"}), True, 39.3),
        ((503, {"Retry-After": "Tue, 14 Nov 2023 22:00:00 GMT"}), True, 0),
        ((503, {"Retry-After": "soon"}), True, 0),
        ((503, {"Retry-After": "²"}), True, 0),
        ((503, {"Retry-After": "Tue, 99999999999999999999 Nov 2023 22:00:00 GMT"}), True, 0),
    ],
)
async def test_what_an_answer_means(
    receiver: Receiver,
    answer: tuple[int, Mapping[str, str]],
    transient: bool,
    asked_seconds: float,
) -> None:
    """Anything but 2xx is tried again, when the receiver says; only 410 is the end of it."""
    receiver.answer = lambda _: answer
    error = await refused(receiver.url)
    assert (error.transient, error.unanswered) == (transient, False)
    assert error.retry_after_seconds == pytest.approx(asked_seconds)
    assert str(answer[0]) in str(error)


async def test_no_redirect_is_followed(receiver: Receiver) -> None:
    """The signed event is for the one who was named, and nobody it passes it on to."""
    receiver.answer = lambda _: (307, {"Location": receiver.url})
    error = await refused(receiver.url)
    assert "redirects are not followed" in error.hint
    assert len(receiver.posts) == 1


async def test_nobody_there_is_told_from_a_refusal(receiver: Receiver) -> None:
    """A closed port is nobody; a connection that is closed without an answer is somebody."""
    with receiving() as gone:
        pass
    error = await refused(gone.url)
    assert error.unanswered
    assert str(error).endswith(" cannot be reached: connection refused")
    receiver.answer = lambda _: None
    assert not (await refused(receiver.url)).unanswered


async def test_a_certificate_that_is_not_trusted() -> None:
    """The hint says how to trust it; nothing was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with receiving(tls=context) as receiver:
        error = await refused(receiver.url.replace("http:", "https:"))
    assert "SSL_CERT_FILE" in error.hint
    assert error.transient
    assert receiver.posts == []


async def test_no_secret_of_the_url_is_in_a_message(receiver: Receiver) -> None:
    """Whatever fails: a token may be anywhere behind the host."""
    with receiving() as gone:
        pass
    receiver.answer = lambda _: (500, {"X": "tell-none"})
    for url in (gone.url, receiver.url):
        secret = url.replace("//", "//tell-none:tell-none@", 1) + "/tell-none?t=tell-none"
        error = await refused(secret)
        assert "tell-none" not in f"{error!r}{error}{error.hint}"
        assert "127.0.0.1" in str(error)
