"""Every secret of the settings is hidden, and the password of every URL among them."""

import pytest
from pydantic import SecretStr

from cefmp4.cli import hide_secrets
from cefmp4.config import Settings
from cefmp4.logging_config import redact

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
