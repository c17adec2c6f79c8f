"""Lines of libraries that come again and again are written once a minute, with their number."""

import logging

import pytest

from cefmp4.repeats import QUIET_SECONDS, REMEMBERED, Repeats


def record(name: str, message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "file", 1, message, arguments, None)


def test_the_same_line_is_written_once_a_minute() -> None:
    """Whatever is filled into it; then with how many were left out.

    Seen failing with a key that holds the arguments.
    """
    now = [0.0]
    repeats = Repeats("cefmp4", lambda: now[0])
    assert repeats.filter(record("urllib3", "retrying %s", 0))
    for number in range(1, 100):
        assert not repeats.filter(record("urllib3", "retrying %s", number))
    assert repeats.filter(record("urllib3", "another %s", 0))
    assert repeats.filter(record("botocore", "retrying %s", 0))
    now[0] = QUIET_SECONDS
    last = record("urllib3", "retrying %s", 100)
    assert repeats.filter(last)
    assert last.getMessage() == "retrying 100 (and 99 times more)"
    now[0] = 2 * QUIET_SECONDS
    again = record("urllib3", "retrying %s", 101)
    assert repeats.filter(again)
    assert again.getMessage() == "retrying 101"


@pytest.mark.parametrize("name", ["cefmp4", "cefmp4.telling"])
def test_our_own_lines_pass(name: str) -> None:
    """They are bounded where they are written."""
    repeats = Repeats("cefmp4")
    assert all(repeats.filter(record(name, "part sent")) for _ in range(3))
    assert repeats.filter(record("cefmp4ish", "part sent"))
    assert not repeats.filter(record("cefmp4ish", "part sent"))


def test_lines_that_differ_each_time_cost_no_memory() -> None:
    """A message that was filled in beforehand is another one each time."""
    repeats = Repeats("cefmp4")
    for number in range(10 * REMEMBERED):
        repeats.filter(record("library", f"line {number}"))
    assert len(repeats._said) <= REMEMBERED
