"""The settings of the webhook: what is taken, what is refused, and that nothing leaks."""

import base64

import pytest
from pydantic import SecretStr

from cefmp4.cli import hide_secrets
from cefmp4.config import load_settings
from cefmp4.config_webhook import is_loopback, secrets_in
from cefmp4.logging_config import Hidden, redact
from core.test_config import wrong

pytestmark = pytest.mark.usefixtures("empty_surroundings")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("WEBHOOK_URL", "hooks.example/x?t=s3cret", "http://host"),
        ("WEBHOOK_URL", "ftp://h/s3cret", "http://host"),
        ("WEBHOOK_URL", "http:///s3cret", "http://host"),
        ("WEBHOOK_URL", "http://h:99999/s3cret", "port"),
        ("WEBHOOK_URL", "http://h/s3cret#x", "'#'"),
        ("WEBHOOK_URL", "http://h/s3cret two", "spaces"),
        ("WEBHOOK_URL", "http://h_{}/s3cret", "letters"),
        ("WEBHOOK_SECRET", "whsec_s3cret", "base64"),
        ("WEBHOOK_SECRET", "whsec_", "base64"),
        ("EVENTS_KEPT", "-1", "at least 0"),
        ("EVENTS_KEPT", "many", "whole number"),
    ],
)
def test_what_is_refused(name: str, value: str, why: str) -> None:
    """In one line that names the setting, and never shows what may be a secret."""
    (line,) = wrong(**{name: value})
    assert line.startswith(f"{name}=")
    assert why in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8010/",
        "https://me:p%40ss@hooks.example/services/T0/B0?token=t",
        "http://[::1]:80/x",
        "http://my_service:8080",
    ],
)
def test_what_is_taken(url: str) -> None:
    """As it was written; a secret is any text, or base64 after whsec_."""
    settings = load_settings(needs_store=False, webhook_url=SecretStr(url))
    assert settings.webhook_url is not None
    assert settings.webhook_url.get_secret_value() == url
    for secret in ("any text", f"whsec_{base64.b64encode(b'k' * 24).decode()}"):
        load_settings(needs_store=False, webhook_secret=SecretStr(secret))
    assert load_settings(needs_store=False, events_kept=0).events_kept == 0


def test_which_webhooks_are_on_this_machine() -> None:
    """Only there may events go unsigned without a word."""
    for url in (
        "http://127.0.0.1:1/",
        "http://localhost/x",
        "http://[::1]/",
        "http://127.9.9.9",
    ):
        assert is_loopback(url), url
    for url in ("http://10.0.0.1/", "http://localhost.example/", "http://127.0.0.1.example/"):
        assert not is_loopback(url), url


def test_no_secret_of_a_webhook_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what signs, nor user, password, options and long names of the URL."""
    monkeypatch.setattr("cefmp4.logging_config._hidden", Hidden())
    url = "https://user-1:pass%2Fword@hooks.example/T0123456789XYZ/x?token=query-token"
    settings = load_settings(
        needs_store=False,
        webhook_url=SecretStr(url),
        webhook_secret=SecretStr("the signing secret"),
    )
    hide_secrets(settings)
    told = f"{settings!r} the signing secret {url} T0123456789XYZ query-token pass/word user-1"
    for secret in (
        "signing secret",
        "T0123456789XYZ",
        "query-token",
        "word@",
        "pass/",
        "user-1",
    ):
        assert secret not in redact(told), secret
    assert "/" not in secrets_in("https://hooks.example/")
