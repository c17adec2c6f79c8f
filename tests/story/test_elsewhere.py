"""Commands at another host: what they find out by REDIS_URL alone, and how they fail."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from redis import Redis

from story.daemon import Daemon, recorder
from story.terminal import terminal
from waiting import wait_until

SLOW = 45
"""Seconds that a machine with much to do may need."""
ONE = "cam-1:/recordings"


@pytest.fixture
def environment(redis_url: str) -> dict[str, str]:
    """What is known at another host."""
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH")}
    return {**known, "REDIS_URL": redis_url}


def cefmp4(
    environment: Mapping[str, str], folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    told = subprocess.run(
        [sys.executable, "-m", "cefmp4", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in told.stderr
    return told


def enlist(redis_url: str, **instances: float) -> None:
    with Redis.from_url(redis_url) as client:
        client.zadd("cefmp4:instances", instances)


def tell(redis_url: str, kind: str, path: str, instance: str = ONE, **data: object) -> None:
    """What a daemon tells of a stream."""
    event = {
        "specversion": "1.0",
        "id": path,
        "type": f"stream.{kind}",
        "time": "2026-11-25T10:00:00+00:00",
        "data": {"original_file_path": path, **data},
    }
    entry = {"event": json.dumps(event), "instance": instance}
    with Redis.from_url(redis_url) as client:
        client.xadd("cefmp4:events", entry)


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
        assert re.search(r"^parts +1-\d+ stored", shown.stdout, re.MULTILINE)
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
    """For the shells people have."""
    told = cefmp4(environment, tmp_path, "--show-completion", shell)
    assert told.returncode == 0
    assert "COMPLETE" in told.stdout


def test_what_happened_is_told_the_latest_last(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """A line each, without control characters; one CloudEvent a line for programs.

    Seen failing with names that are printed as they are.
    """
    enlist(redis_url, **{ONE: 2.0})
    tell(redis_url, "started", "/w/old.mp4")
    tell(redis_url, "stored", "/w/a.mp4", total_size_bytes=5 * 1024**2)
    tell(redis_url, "failed", "/w/\x1b[2J\n.mp4", reason="AccessDenied", hint="allow it")
    tell(redis_url, "stored", "/w/theirs.mp4", "cam-2")
    enlist(redis_url, **{"cam-2": 1.0})
    environment["INSTANCE_ID"] = ONE
    told = cefmp4(environment, tmp_path, "tail", "-n", "2", "--no-follow")
    stored, failed = told.stdout.splitlines()
    assert "stream.stored" in stored
    assert "/w/a.mp4" in stored
    assert "5.0 MiB" in stored
    assert "\\x1b[2J\\n.mp4" in failed
    assert "AccessDenied: allow it" in failed
    del environment["INSTANCE_ID"]
    everybody = cefmp4(environment, tmp_path, "tail", "--all", "--no-follow", "--json")
    events = [json.loads(line) for line in everybody.stdout.splitlines()]
    assert [event["id"] for event in events][:2] == ["/w/old.mp4", "/w/a.mp4"]
    assert len(events) == 4


async def test_events_are_followed_over_an_outage(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """None is lost, none told twice; that it waits is said once. Ctrl-C is no failure.

    Seen failing with the error let out, and with the last id forgotten.
    """
    enlist(redis_url, **{ONE: 2.0})
    tell(redis_url, "stored", "/w/first.mp4")
    with terminal(environment, str(tmp_path), "tail") as seen:
        await wait_until(lambda: seen.shows("first"), timeout_seconds=SLOW)
        tell(redis_url, "stored", "/w/second.mp4")
        await wait_until(lambda: seen.shows("second"), timeout_seconds=SLOW)
        with Redis.from_url(redis_url) as client:
            client.config_set("requirepass", "secret")
            try:
                client.client_kill_filter(_type="normal", skipme=True)
                await wait_until(lambda: seen.shows("waiting: "), timeout_seconds=SLOW)
            finally:
                client.config_set("requirepass", "")
        tell(redis_url, "stored", "/w/third.mp4")
        await wait_until(lambda: seen.shows("third"), timeout_seconds=SLOW)
        seen.interrupt()
        assert seen.wait() == 0
        for name in ("first", "second", "third", "waiting: "):
            assert seen.text.count(name) == 1
        assert "Traceback" not in seen.text


async def test_interrupted_commands_and_closed_pipes_are_quiet(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """No traceback, whatever they were doing, loading included.

    Seen failing without the guards around the command line and its import.
    """
    enlist(redis_url, **{ONE: 2.0})
    for number in range(3_000):
        tell(redis_url, "stored", f"/w/{number:0200}.mp4")
    command = f"{sys.executable} -m cefmp4 tail -n 3000 --no-follow"
    told = subprocess.run(
        ["/bin/sh", "-c", f"{command} | head -n 1"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(told.stdout.splitlines()) == 1
    assert told.stderr == f"cefmp4: asking instance {ONE}\n"
    loading = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "cefmp4", "plan"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert loading.stderr is not None
    for line in loading.stderr:
        if "cefmp4.core" in line:
            break
    loading.send_signal(signal.SIGINT)
    _, complaints = loading.communicate(timeout=SLOW)
    assert "Traceback" not in complaints
    assert loading.returncode == 130
