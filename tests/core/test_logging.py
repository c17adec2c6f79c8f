"""Logs: one event per line, whatever a name holds, and never a secret."""

import io
import json
import logging
import os
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Never
from urllib.parse import quote

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cefmp4.logging_config import configure_logging, hide, redact

SECRET = 'pa$$"w/ö\\rd'
hide(SECRET)

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A log of its own; what was configured before comes back."""
    ours = logging.getLogger("cefmp4")
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    levels, config = (root.level, ours.level), structlog.get_config()
    for handler in before:  # `force` would close them
        root.removeHandler(handler)
    yield io.StringIO()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.configure(**config)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    """Production logs, parsed: every line is one JSON object."""
    configure_logging("production", "INFO", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def logger() -> Any:
    return structlog.get_logger("cefmp4.test")


def test_an_event_in_production(lines: Lines) -> None:
    """An event is a JSON object with time, level, logger and everything bound."""
    structlog.contextvars.bind_contextvars(stream_id="6f1c")
    logger().bind(file_path="/rec/a.mp4").info("part sent", number=3, seconds=0.25)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger_name": "cefmp4.test",
        "event": "part sent",
        "stream_id": "6f1c",
        "file_path": "/rec/a.mp4",
        "number": 3,
        "seconds": 0.25,
    }


def test_a_logger_without_a_name(lines: Lines, stream: io.StringIO) -> None:
    """Warnings of a logger that was not named are written too."""
    structlog.get_logger().warning("careful")
    assert lines()[0]["event"] == "careful"


def fail(error: Exception) -> Never:
    raise error


def test_an_exception_is_one_field(lines: Lines) -> None:
    """A traceback with its causes is a single field of a single line."""
    try:
        try:
            fail(ValueError("first\nline"))
        except ValueError as error:
            raise RuntimeError("then") from error
    except RuntimeError:
        logger().exception("failed")
    (line,) = lines()
    assert "ValueError: first" in line["exception"]
    assert line["exception"].endswith("RuntimeError: then")


def test_libraries_are_routed_and_muted(lines: Lines) -> None:
    """Libraries log through the same renderer, from WARNING on."""
    names = ("botocore.hooks", "aiobotocore", "aiohttp.access", "redis", "asyncio", "urllib3")
    for name in names:
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("retrying %s", name)
    assert [line["event"] for line in lines()] == [
        f"retrying {line['logger_name']}" for line in lines()
    ]
    assert len(lines()) == len(names)


def test_a_library_does_not_flood_the_log(lines: Lines) -> None:
    """What it says again and again is written once a minute; our own lines all are.

    Seen failing without the filter.
    """
    for number in range(100):
        logging.getLogger("opentelemetry.exporter").error("no answer, attempt %s", number)
        logger().warning("failed", failures=number)
    assert len([line for line in lines() if line["logger_name"].startswith("open")]) == 1
    assert len(lines()) == 101


def test_levels(stream: io.StringIO) -> None:
    """LOG_LEVEL holds for our own events, in any case, and for libraries above WARNING."""
    configure_logging("production", "error", stream=stream)
    logger().warning("too low")
    logging.getLogger("botocore").warning("too low")
    logger().error("shown")
    assert stream.getvalue().count("\n") == 1


def test_development_is_plain_without_a_terminal(stream: io.StringIO) -> None:
    """Lines for people carry no escape sequences when they do not go to a terminal."""
    configure_logging("development", "DEBUG", stream=stream)
    logger().debug("looked", file_path="/rec/a.mp4")
    assert "\x1b" not in stream.getvalue()
    assert "looked" in stream.getvalue()
    assert "file_path=/rec/a.mp4" in stream.getvalue()


def test_development_is_coloured_on_a_terminal(stream: io.StringIO) -> None:
    """On a terminal the lines are coloured."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    configure_logging("development", "INFO", stream=terminal)
    logger().info("looked")
    assert "\x1b[" in terminal.getvalue()


@pytest.mark.parametrize("app_env", ["development", "production"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=st.binary(max_size=40).map(os.fsdecode), text=st.text(max_size=20))
def test_no_name_breaks_a_line(app_env: str, stream: io.StringIO, name: str, text: str) -> None:
    """Newlines, terminal codes and bytes that are no text stay within their line."""
    stream.seek(0)
    stream.truncate()
    configure_logging(app_env, "INFO", stream=stream)
    logger().info(f"found {text} %", file_path=name, nested={name: [name, {text}]})
    written = stream.getvalue()
    assert len(written.splitlines()) == 1
    kinds = {unicodedata.category(character) for character in written.rstrip("\n")}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}


def test_a_value_that_cannot_be_shown(lines: Lines) -> None:
    """A value whose repr fails, or that holds itself, or is no number, does no harm."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    endless: list[object] = []
    endless.append(endless)
    logger().info("odd", broken=Broken(), endless=endless, nan=float("nan"), raw=b"x")
    (line,) = lines()
    assert line["broken"] == "<Broken that cannot be shown: RuntimeError>"
    assert line["nan"] == "nan"


@pytest.mark.parametrize("app_env", ["development", "production"])
def test_secrets_are_never_written(app_env: str, stream: io.StringIO) -> None:
    """A registered secret is hidden in every field, spelling and exception."""
    configure_logging(app_env, "INFO", stream=stream)
    try:
        fail(ConnectionError(f"cannot log in with {SECRET} or {SECRET!r}"))
    except ConnectionError as error:
        logger().exception(
            f"failed with {SECRET}",
            error=error,
            url=f"https://host/?key={quote(SECRET, safe='')}",
            nested=[{"deep": {SECRET: json.dumps(SECRET)}}],
        )
        logging.getLogger("redis").exception("password %s", SECRET)
    for spelling in (SECRET, json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1], quote(SECRET)):
        assert spelling not in stream.getvalue()
    assert "w/ö" not in stream.getvalue()
    assert r"w/\u00f6" not in stream.getvalue()
    assert stream.getvalue().count("(hidden)") >= 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:p@ss@host:6379/0", "redis://(hidden)@host:6379/0"),
        ("at http://u:p@h/x?y=1, retrying", "at http://(hidden)@h/x?y=1, retrying"),
        ("http://h:8333/bucket/mail@x.mp4", "http://h:8333/bucket/mail@x.mp4"),
        (
            "PUT /k?X-Amz-Signature=ab12&partNumber=1",
            "PUT /k?X-Amz-Signature=(hidden)&partNumber=1",
        ),
        ("x-amz-credential=AKIA%2F2026", "x-amz-credential=(hidden)"),
        ("{'X-Amz-Security-Token': 'abc'}", "{'X-Amz-Security-Token': '(hidden)'}"),
        ("Authorization: AWS4 Credential=A, Signature=b", "Authorization: (hidden)"),
        ("{'Authorization': b'AWS4 x', 'n': 1}", "{'Authorization': b'(hidden)', 'n': 1}"),
        ("('authorization', 'Bearer x')", "('authorization', '(hidden)')"),
        ("author: me", "author: me"),
        ("GET https://h/x?token=abc&n=1", "GET https://h/x?token=(hidden)&n=1"),
        ("https://h/?n=1&api_key=abc#top", "https://h/?n=1&api_key=(hidden)#top"),
        ("https://h/?sig=a%2Fb&sv=2020", "https://h/?sig=(hidden)&sv=2020"),
        ("'https://h/?x-amz-expires=60'", "'https://h/?x-amz-expires=(hidden)'"),
        ("https://h/?Access-Token=abc x", "https://h/?Access-Token=(hidden) x"),
        ("https://h/?password=a&passwords=b", "https://h/?password=(hidden)&passwords=b"),
        ("monkey=banana, key=4", "monkey=banana, key=4"),
        ("https://h/?monkey=banana", "https://h/?monkey=banana"),
    ],
)
def test_what_looks_like_a_secret(text: str, expected: str) -> None:
    """Credentials in URLs, presigned requests and headers are hidden unasked."""
    assert redact(text) == expected


def test_fields_that_are_secrets_by_name(lines: Lines) -> None:
    """A field named for a secret is hidden whatever it holds."""
    logger().info("asking", headers={"Authorization": "x", "Host": "h"}, password="12")
    (line,) = lines()
    assert line["headers"] == {"Authorization": "(hidden)", "Host": "h"}
    assert line["password"] == "(hidden)"


def test_a_secret_too_short_to_hide() -> None:
    """A secret of one letter would blank out every word, so it is not hidden."""
    hide("")
    hide("e")
    assert redact("hello") == "hello"
