"""Commands at another host: what they find out by REDIS_URL alone, and how they fail."""

import json
import re
from pathlib import Path

import pytest

from story.daemon import Daemon, recorder
from story.elsewhere import ONE, SLOW, cefmp4, enlist
from waiting import wait_until


def test_where_no_daemon_ever_worked_that_is_said(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """One line and a hint."""
    told = cefmp4(environment, tmp_path, "streams")
    assert told.returncode == 1
    complaint, hint = told.stderr.splitlines()
    assert complaint == "cefmp4: no daemon has ever worked with this state server"
    assert "REDIS_URL" in hint


def test_one_of_several_instances_has_to_be_named(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """By --instance or INSTANCE_ID; one that is not known is told.

    Seen failing with the first of them taken.
    """
    enlist(redis_url, **{ONE: 2.0, "cam-2:/recordings": 1.0})
    told = cefmp4(environment, tmp_path, "streams")
    assert told.returncode == 1
    complaint, hint = told.stderr.splitlines()
    assert "cam-1:/recordings, cam-2:/recordings" in complaint
    assert "--instance" in hint
    assert "INSTANCE_ID" in hint
    named = cefmp4(environment, tmp_path, "streams", "--instance", ONE)
    assert (named.returncode, named.stdout) == (0, "No streams yet.\n")
    environment["INSTANCE_ID"] = ONE
    assert cefmp4(environment, tmp_path, "streams").returncode == 0
    unknown = cefmp4(environment, tmp_path, "streams", "--instance", "cam-3")
    assert unknown.returncode == 1
    assert "'cam-3'" in unknown.stderr
    assert ONE in unknown.stderr


def test_the_only_instance_is_asked_and_named(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """On standard error, so that JSON stays JSON."""
    enlist(redis_url, **{ONE: 2.0})
    told = cefmp4(environment, tmp_path, "streams", "--json")
    assert json.loads(told.stdout) == []
    assert told.stderr == f"cefmp4: asking instance {ONE}\n"


def test_outages_and_mistakes_are_two_lines(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """What is wrong, and what to do; wrong options are exit code 2, as wrong settings are."""
    away = {**environment, "REDIS_URL": "redis://127.0.0.1:1/0"}
    for arguments in (("streams",), ("show", "x"), ("tail",), ("retry", "x"), ("limit",)):
        told = cefmp4(away, tmp_path, *arguments)
        assert told.returncode == 1
        complaint, hint = told.stderr.splitlines()
        assert "127.0.0.1:1" in complaint
        assert "REDIS_URL" in hint
    secret = redis_url.replace("unix://", "unix://:open-sesame@")
    told = cefmp4({**environment, "REDIS_URL": secret}, tmp_path, "streams")
    assert told.returncode == 1
    assert "password" in told.stderr.splitlines()[1]
    assert "open-sesame" not in told.stderr
    for mistake in ("streams --status nope", "streams --limit 0", "nope", "show"):
        assert cefmp4(environment, tmp_path, *mistake.split()).returncode == 2


async def test_a_stream_is_found_from_anywhere(daemon: Daemon, tmp_path: Path) -> None:
    """`show`, `retry` and what a shell completes need REDIS_URL, and no other setting.

    Seen failing with the instance that this host would have.
    """
    daemon.start()
    with recorder(daemon.path("a.mp4"), seconds=60.0):
        await wait_until(lambda: "part sent" in daemon.log, timeout_seconds=SLOW)
        names = ("PATH", "PYTHONPATH", "REDIS_URL")
        environment = {name: daemon.environment[name] for name in names}
        (row,) = json.loads(cefmp4(environment, tmp_path, "streams", "--json").stdout)
        assert (row["verdict"], row["status"]) == ("on_its_way", "active")
        assert row["disk_bytes"] > 0
        assert row["why"]
        stream_id = row["stream_id"]
        shown = cefmp4(environment, tmp_path, "show", stream_id[:6])
        assert shown.stdout.startswith("● on its way: nothing is wrong\n")
        assert re.search(r"^each part +1(-\d+)? stored", shown.stdout, re.MULTILINE)
        assert cefmp4(environment, tmp_path, "retry", stream_id).returncode == 1
        completion = {
            **environment,
            "_CEFMP4_COMPLETE": "complete_bash",
            "COMP_WORDS": f"cefmp4 show {stream_id[:3]}",
            "COMP_CWORD": "2",
        }
        told = cefmp4(completion, tmp_path)
        assert told.stdout.split() == [stream_id], told.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_silent_when_nothing_answers(
    shell: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """A half-typed line is no place for complaints."""
    for url in ("redis://127.0.0.1:1/0", "nonsense", environment["REDIS_URL"]):
        completion = {
            "REDIS_URL": url,
            "_CEFMP4_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": "cefmp4 show a",
            "COMP_CWORD": "2",
            "_TYPER_COMPLETE_ARGS": "cefmp4 show a",
        }
        told = cefmp4({**environment, **completion}, tmp_path)
        assert told.stdout.strip() in ("", "_files"), "zsh goes on with names of files"
        assert told.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(
    shell: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """For the shells people have. Which one it is, `--show-completion` asks the system."""
    told = cefmp4({**environment, "_CEFMP4_COMPLETE": f"source_{shell}"}, tmp_path)
    assert told.returncode == 0
    assert f"complete_{shell}" in told.stdout
