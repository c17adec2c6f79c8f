"""What somebody in front of a terminal sees while recordings are uploaded."""

import json
import os
import re
from pathlib import Path

from servers import locked_out
from story.bucket import Bucket
from story.daemon import Daemon, recorder, stopped
from story.terminal import terminal
from waiting import wait_until

SLOW = 45
"""Seconds that a machine with much to do may need."""


def elsewhere(daemon: Daemon, folder: Path) -> dict[str, str]:
    """The environment of another host, as far as one machine can be one."""
    folder.mkdir(exist_ok=True)
    names = ("PATH", "PYTHONPATH", "REDIS_URL")
    return {name: daemon.environment[name] for name in names}


async def test_a_bar_grows_until_its_recording_is_stored(
    daemon: Daemon, store: Bucket, tmp_path: Path
) -> None:
    """With REDIS_URL alone, from another directory; Ctrl-C ends it, and is no failure.

    Seen failing without anything published, and with the published figures left out.
    """
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=SLOW)
    environment = elsewhere(daemon, tmp_path / "elsewhere")
    with terminal(environment, str(tmp_path / "elsewhere"), "streams") as seen:
        with recorder(daemon.path("a.mp4"), seconds=300.0) as recording:
            await wait_until(lambda: seen.shows(r"● active +a\.mp4"), timeout_seconds=SLOW)
            await wait_until(
                lambda: len(set(re.findall(r"active +a\.mp4.* (\d+)%", seen.text))) > 1,
                timeout_seconds=SLOW,
            )
            await stopped(recording)
            await store.wait_for_videos(1)
        await wait_until(lambda: seen.shows(r"✓ stored +a\.mp4"), timeout_seconds=SLOW)
        assert f"asking instance {daemon.environment['INSTANCE_ID']}" in seen.text
        seen.interrupt()
        assert seen.wait() == 0
        assert "Traceback" not in seen.text
        assert "Abort" not in seen.text


async def test_a_dead_daemons_figures_vanish(daemon: Daemon, tmp_path: Path) -> None:
    """Nobody is told that a recording is on its way which nobody uploads.

    Seen failing with the figures believed whoever holds the claim.
    """
    environment = elsewhere(daemon, tmp_path / "elsewhere")
    daemon.start()
    with recorder(daemon.path("a.mp4"), seconds=60.0):
        await wait_until(lambda: "part sent" in daemon.log, timeout_seconds=SLOW)
        with terminal(environment, str(tmp_path / "elsewhere"), "streams") as seen:
            await wait_until(lambda: seen.shows(r"● active +a\.mp4"), timeout_seconds=SLOW)
            daemon.kill()
            await wait_until(
                lambda: seen.shows("no daemon works on this instance"), timeout_seconds=SLOW
            )
            await wait_until(lambda: seen.shows(r"▲ at risk +"), timeout_seconds=SLOW)
    (row,) = json.loads(daemon.command("streams", "--json").stdout)
    assert (row["verdict"], row["disk_bytes"]) == ("at_risk", None)
    told = daemon.command("streams")
    assert "no daemon works on this instance" in told.stderr
    assert "at_risk" in told.stdout


async def test_an_outage_of_the_state_server_is_shown_and_waited_out(
    daemon: Daemon, tmp_path: Path
) -> None:
    """The last table stays, and says what is wrong; then it goes on.

    Seen failing with the error let out of the loop.
    """
    daemon.start()
    await wait_until(daemon.is_ready, timeout_seconds=SLOW)
    url = daemon.environment["REDIS_URL"]
    with terminal(daemon.environment, str(tmp_path), "streams") as seen:
        await wait_until(lambda: seen.shows("0 active"), timeout_seconds=SLOW)
        with locked_out(url):
            await wait_until(lambda: seen.shows("REDIS_URL"), timeout_seconds=SLOW)
        told = len(seen.text)
        await wait_until(lambda: "0 active" in seen.text[told:], timeout_seconds=SLOW)
        seen.interrupt()
        assert seen.wait() == 0


async def test_one_table_on_a_terminal(daemon: Daemon, store: Bucket, tmp_path: Path) -> None:
    """With --once it ends by itself; a stream is shown with its blocks and its story."""
    daemon.start()
    with recorder(daemon.path("a.mp4"), seconds=2.0):
        (key,) = await store.wait_for_videos(1)
    await wait_until(lambda: "finished" in daemon.log, timeout_seconds=SLOW)
    with terminal(daemon.environment, str(tmp_path), "streams", "--once") as seen:
        assert seen.wait() == 0
        assert re.search(r"✓ stored +a\.mp4", seen.text)
    with terminal(daemon.environment, str(tmp_path), "show", key.split("/")[1]) as seen:
        assert seen.wait() == 0
        assert "✓ stored: its object stands and was verified" in seen.text
        assert "█" in seen.text
        assert "sealed" in seen.text
        assert os.path.basename(key) in seen.text
