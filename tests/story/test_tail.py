"""`tail`, and the ways out of commands: an outage, Ctrl-C, a closed pipe, a full disk."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from servers import locked_out
from story.elsewhere import ONE, SLOW, cefmp4, enlist, tell
from story.terminal import heed_interrupts, terminal
from waiting import wait_until


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
        with locked_out(redis_url):
            await wait_until(lambda: seen.shows("waiting: "), timeout_seconds=SLOW)
        tell(redis_url, "stored", "/w/third.mp4")
        await wait_until(lambda: seen.shows("third"), timeout_seconds=SLOW)
        seen.interrupt()
        assert seen.wait() == 0
        for name in ("first", "second", "third", "waiting: "):
            assert seen.text.count(name) == 1
        assert "Traceback" not in seen.text


def test_what_cannot_be_printed_is_no_traceback(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """A full disk is told; a letter that the encoding lacks is a question mark.

    Seen failing without the care for either.
    """
    enlist(redis_url, **{ONE: 2.0})
    tell(redis_url, "stored", "/w/\u9332\u753b.mp4")
    with open("/dev/full", "w", encoding="utf-8") as full:
        told = subprocess.run(
            [sys.executable, "-m", "cefmp4", "tail", "--no-follow"],
            env=environment,
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert told.returncode == 1
    assert "No space left on device" in told.stderr
    assert "Traceback" not in told.stderr
    assert "Exception ignored" not in told.stderr
    ascii_only = {**environment, "PYTHONIOENCODING": "ascii"}
    assert "/w/??.mp4" in cefmp4(ascii_only, tmp_path, "tail", "--no-follow").stdout


async def test_interrupted_commands_and_closed_pipes_are_quiet(
    environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """No traceback, whatever they were doing, loading included.

    Seen failing without the guard around the import.
    """
    enlist(redis_url, **{ONE: 2.0})
    for number in range(3_000):
        tell(redis_url, "stored", f"/w/{number:0200}.mp4")
    command = f"{sys.executable} -m cefmp4 tail -n 3000 --no-follow --json"
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
        preexec_fn=heed_interrupts,
    )
    assert loading.stderr is not None
    for line in loading.stderr:
        if "cefmp4.core" in line:
            break
    loading.send_signal(signal.SIGINT)
    _, complaints = loading.communicate(timeout=SLOW)
    assert "Traceback" not in complaints
    assert loading.returncode == 130
