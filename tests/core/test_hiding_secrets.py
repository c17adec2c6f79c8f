"""Every secret of the settings is hidden, and the password of every URL among them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from cefmp4.adapters.s3.errors import translated
from cefmp4.assembly_telling import make_tracer
from cefmp4.cli import hide_secrets
from cefmp4.config import Settings
from cefmp4.errors import S3OperationError
from cefmp4.logging_config import hide, redact

pytestmark = pytest.mark.usefixtures("empty_surroundings")


class WithMore(Settings):
    """Settings that a later version may have."""

    webhook_secret: SecretStr = SecretStr("signs-the-webhooks")
    webhook_url: SecretStr = SecretStr("https://hooks.test/T00/B00/in-the-path")
    proxy_url: str = "http://me:proxy%2Fpass@proxy.test:3128"


def test_secrets_of_all_settings_are_hidden() -> None:
    """By their type, so that a new one cannot be forgotten.

    Seen failing with a list of names.
    """
    settings = WithMore(
        s3_access_key_id="AKIA-is-no-secret",
        s3_secret_access_key=SecretStr("the-secret-key"),
        s3_session_token=SecretStr("the-session-token"),
        web_token=SecretStr("the-web-token"),
        redis_url=SecretStr("redis://user:red%40is@state.test:6379/0"),
    )
    hide_secrets(settings)
    for secret in (
        *("signs-the-webhooks", "the-secret-key", "the-session-token", "the-web-token"),
        *(
            "red%40is",
            "red@is",
            "proxy%2Fpass",
            "proxy/pass",
            "https://hooks.test/T00/B00/in-the-path",
        ),
    ):
        assert secret not in redact(f"it failed with <{secret}> in it"), secret
    assert (
        redact("AKIA-is-no-secret at state.test:6379") == "AKIA-is-no-secret at state.test:6379"
    )
    assert redact("redis://state.test:6379/0") == "redis://state.test:6379/0"


def test_what_opens_a_collector_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter quotes its URL whenever nobody answers; a token may be in the path of it.

    Seen failing with only the headers hidden.
    """
    url = "http://me:otel-word@127.0.0.1:9/v2/token-in-a-path"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Api-Key=in%20a%20header")
    make_tracer(Settings(otel_traces=True)).close()
    for secret in ("otel-word", "token-in-a-path", "in%20a%20header", "in a header"):
        assert secret not in redact(f"Max retries exceeded with url: /{secret}/v1/traces")


@pytest.mark.parametrize("before", ["", "x" * 190])
def test_what_a_store_repeats_is_hidden_before_it_is_kept(before: str) -> None:
    """Its words become the reason of a failed stream, in the state server and in events; also
    where they are cut off in the middle of a secret.

    Seen failing with secrets hidden only where lines are logged.
    """
    hide("a-session-token-it-was-sent")
    answer: Any = {
        "Error": {"Code": "Odd", "Message": f"{before} a-session-token-it-was-sent"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    with pytest.raises(S3OperationError) as raised, translated("UploadPart"):
        raise ClientError(answer, "UploadPart")
    assert "a-sess" not in str(raised.value)
