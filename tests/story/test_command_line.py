"""What a person at a terminal sees: wrong settings, a second daemon, streams and plans."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cefmp4.adapters.embedded import seaweedfs
from cefmp4.demo.recorder import Kind, record
from servers import S3Server, make_bucket
from story.bucket import Bucket
from story.daemon import Daemon, recorder
from waiting import wait_until

METRICS = (
    "video_chunks_uploaded_total",
    "video_bytes_uploaded_total",
    "video_stream_duration_seconds",
    "video_processing_time_seconds",
    "video_failed_operations_total",
    "active_streams_gauge",
    "streams_completed_total",
    "streams_failed_total",
    "cefmp4_upload_slots_limit",
    "cefmp4_upload_slots_used",
    "cefmp4_upload_slots_waiting",
    "cefmp4_upload_rate_limit_bytes_per_second",
    "cefmp4_event_loop_blocked_total",
    "cefmp4_event_loop_longest_block_seconds",
    "cefmp4_build_info",
    "cefmp4_orphaned_uploads",
    "cefmp4_orphaned_bytes",
    "cefmp4_orphaned_uploads_aborted_total",
    "cefmp4_unsent_bytes",
    "cefmp4_at_risk_seconds",
    "cefmp4_streams",
    "cefmp4_streams_at_risk",
    "cefmp4_part_upload_seconds",
    "cefmp4_close_to_stored_seconds",
    "cefmp4_parts_resent_total",
    "cefmp4_compare_mismatches_total",
    "cefmp4_store_errors_total",
    "cefmp4_state_errors_total",
    "cefmp4_retries_total",
    "cefmp4_ambiguous_completes_total",
    "cefmp4_watcher_overflows_total",
    "cefmp4_scan_seconds",
    "cefmp4_state_persistence_weak",
    "cefmp4_last_progress_timestamp_seconds",
)


def make_mp4(path: str) -> None:
    record(path, Kind.ORDINARY, seconds=0.5, bits_per_second=60_000_000, realtime=False)


def test_wrong_settings_are_told_all_at_once(daemon: Daemon) -> None:
    """One line each: name, value, what is allowed. Exit code 2, and no secret."""
    file = daemon.path("file")
    Path(file).touch()
    daemon.environment |= {
        "CHUNK_SIZE_BYTES": "1000",
        "WATCH_DIR": file,
        "LOG_LEVEL": "LOUD",
        "PROM_PORT": "http",
        "S3_BUCKET_NAME": "",
        "S3_ACCESS_KEY_ID": "",
    }
    told = daemon.command("run")
    assert told.returncode == 2
    lines = [line for line in told.stderr.splitlines() if line]
    for name in daemon.environment.keys() & {
        "CHUNK_SIZE_BYTES", "WATCH_DIR", "LOG_LEVEL", "PROM_PORT", "S3_BUCKET_NAME",
        "S3_SECRET_ACCESS_KEY",
    }:  # fmt: skip
        assert sum(name in line.split("=")[0] for line in lines) == 1, (name, lines)
    assert "1000" in told.stderr
    assert daemon.environment["S3_SECRET_ACCESS_KEY"] not in told.stderr
    assert "Traceback" not in told.stderr


async def test_a_second_daemon_of_the_same_instance_leaves(daemon: Daemon) -> None:
    """Exit code 3 and one clear line, instead of uploading everything twice.

    Seen failing with a hint that, followed, does just that.
    """
    daemon.environment["CLAIM_LEASE_SECONDS"] = "3"
    daemon.start()
    await wait_until(daemon.is_ready)
    second = daemon.command("run")
    assert second.returncode == 3
    assert "claimed" in second.stderr
    assert "another INSTANCE_ID is only for another directory" in second.stderr
    assert "Traceback" not in second.stderr


async def test_streams_show_and_plan_tell_what_is_going_on(
    daemon: Daemon, store: Bucket
) -> None:
    """They need the state server only, and change nothing."""
    make_mp4(daemon.path("a.mp4"))
    (wanted,) = json.loads(daemon.command("plan", "--json").stdout)
    assert wanted["next_actions"] == ["Begin"]
    assert daemon.command("streams").stdout == "No streams yet.\n"
    daemon.start()
    (key,) = await store.wait_for_videos(1)

    def ended() -> bool:
        return "completed_with_meta" in daemon.command("streams").stdout

    await wait_until(ended)
    (stream,) = json.loads(daemon.command("streams", "--json").stdout)
    assert (stream["s3_key"], stream["status"]) == (key, "completed_with_meta")
    shown = json.loads(daemon.command("show", stream["stream_id"][:8], "--json").stdout)
    assert sum(part["size_bytes"] for part in shown["chunks"]) == stream["total_bytes_sent"]
    assert key in daemon.command("show", stream["stream_id"]).stdout
    assert daemon.command("show", "nothing").returncode == 1
    (now,) = json.loads(daemon.command("plan", "--json").stdout)
    assert now["why"] == "stored already"


async def test_every_promised_metric_is_there(daemon: Daemon, store: Bucket) -> None:
    """Per-stream series are gone once the stream has ended and a scrape has seen them."""
    daemon.start()
    make_mp4(daemon.path("a.mp4"))
    (key,) = await store.wait_for_videos(1)
    stream_id = key.split("/")[1]
    await wait_until(lambda: "finished" in daemon.log)
    first, second = daemon.metrics(), daemon.metrics()
    for name in METRICS:
        assert f"# TYPE {name} " in first
    assert f'video_chunks_uploaded_total{{stream_id="{stream_id}"}} 1.0' in first
    assert "streams_completed_total 1.0" in second
    assert "active_streams_gauge 0.0" in second
    assert stream_id not in second


async def test_asking_for_the_head_of_the_metrics_is_no_scrape(
    daemon: Daemon, store: Bucket
) -> None:
    """Only a GET has seen the last figures of a stream."""
    daemon.start()
    make_mp4(daemon.path("a.mp4"))
    (key,) = await store.wait_for_videos(1)
    await wait_until(lambda: "finished" in daemon.log)
    assert daemon.call("/metrics", method="HEAD") == 405
    assert key.split("/")[1] in daemon.metrics()


def test_a_watch_dir_that_cannot_be_made_is_told_in_one_line(daemon: Daemon) -> None:
    """No traceback, also where permission bits do not tell beforehand."""
    daemon.environment["WATCH_DIR"] = "/proc/nope/recordings"
    told = daemon.command("run")
    assert told.returncode in (1, 2)
    assert "WATCH_DIR" in told.stderr
    assert "Traceback" not in told.stderr


async def test_a_scan_can_be_asked_for_by_whoever_has_the_token(daemon: Daemon) -> None:
    """POST /api/scan needs WEB_TOKEN; without one set it is forbidden to all."""
    daemon.start()
    await wait_until(daemon.is_ready)
    assert daemon.call("/api/scan", token="anything") == 403
    assert daemon.terminate() == 0
    daemon.environment |= {"WEB_TOKEN": "open sesame", "SCAN_INTERVAL_SECONDS": "3600"}
    os.unlink(daemon.log_path)
    daemon.start()
    await wait_until(daemon.is_ready)
    assert daemon.call("/api/scan") == 401
    assert daemon.call("/api/scan", token="open says me") == 401
    assert daemon.call("/api/scan", token="open sesame") == 202
    assert "open sesame" not in daemon.log


async def test_a_second_signal_leaves_at_once(daemon: Daemon, tmp_path: Path) -> None:
    """With the store frozen, the first signal waits for work in flight; the second does not."""
    with seaweedfs(str(tmp_path / "store"), "session", "key", "secret-secret") as server:
        own = S3Server(server.endpoint_url, "key", "secret-secret")
        daemon.environment |= {
            "S3_ENDPOINT_URL": own.endpoint_url,
            "S3_ACCESS_KEY_ID": own.access_key_id,
            "S3_SECRET_ACCESS_KEY": own.secret_access_key,
            "S3_BUCKET_NAME": await make_bucket(own),
        }
        daemon.start()
        with recorder(daemon.path("a.mp4"), seconds=30.0):
            await wait_until(lambda: "part sent" in daemon.log, timeout_seconds=20)
            os.kill(server.pid, signal.SIGSTOP)
            idle = "cefmp4_upload_slots_used 0.0"
            await wait_until(lambda: idle not in daemon.metrics(), timeout_seconds=20)
            daemon.signal(signal.SIGTERM)
            await wait_until(lambda: "work in flight" in daemon.log)
            daemon.signal(signal.SIGTERM)
            assert daemon.wait(timeout_seconds=5) == 143
            assert "stopped at once: the next start goes on" in daemon.log.splitlines()[-1]
        os.kill(server.pid, signal.SIGCONT)


def embedded_once(folder: Path) -> subprocess.CompletedProcess[str]:
    """`cefmp4 run --embedded --once` in this directory, with nothing else set."""
    ran = subprocess.run(
        [sys.executable, "-m", "cefmp4", "run", "--embedded", "--once"],
        env={"PATH": os.environ["PATH"], "PROM_PORT": "0"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.mark.timeout(180)
def test_embedded_needs_nothing_from_outside(tmp_path: Path) -> None:
    """`run --embedded --once`: a store and a state server of its own, in one directory.

    Its last line says how things stand. Seen failing without one, as nobody told it to stop.
    """
    watched = tmp_path / "local_watch_dir"
    watched.mkdir()
    make_mp4(str(watched / "a.mp4"))
    ran = embedded_once(tmp_path)
    for told in ("watching", "store", "credentials", "metrics"):
        assert told in ran.stdout
    assert "completed_with_meta" in ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert "done: everything seen so far and still there is stored" in last
    assert (tmp_path / ".cefmp4" / "credentials").stat().st_mode & 0o777 == 0o600


@pytest.mark.timeout(180)
def test_embedded_says_what_it_passes_over(tmp_path: Path) -> None:
    """A store and a state server that are set are not used, and that is told by their names.

    A watched directory that was named and is not there is made, with a warning: it may be
    misspelt. Seen failing without a word.
    """
    (tmp_path / ".env").write_text(
        "S3_ENDPOINT_URL=https://store.invalid\nS3_ACCESS_KEY_ID=me\nS3_BUCKET_NAME=mine\n"
        "S3_SECRET_ACCESS_KEY=hush-hush\nREDIS_URL=redis://state.invalid/0\n"
        "WATCH_DIR=recordingz\n"
    )
    ran = embedded_once(tmp_path)
    (told,) = (line for line in ran.stderr.splitlines() if "since --embedded is" in line)
    names = "S3_ENDPOINT_URL, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY", "REDIS_URL"
    assert all(name in told for name in names)
    assert "S3_BUCKET_NAME" not in told, "the embedded bucket has this name"
    assert "hush" not in ran.stderr
    (made,) = (line for line in ran.stderr.splitlines() if "it was made" in line)
    assert str(tmp_path / "recordingz") in made
    assert "warning" in made


@pytest.mark.timeout(180)
async def test_an_embedded_server_that_ends_is_told_of(tmp_path: Path) -> None:
    """Nobody starts it again; a restart does. Until then its errors are all one would see.

    Seen failing without anybody looking at the servers after their start.
    """
    told = tmp_path / "log"
    environment = {"PATH": os.environ["PATH"], "PROM_PORT": "0", "PYTHONUNBUFFERED": "1"}
    with told.open("wb") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "cefmp4", "run", "--embedded"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    try:
        await wait_until(lambda: "metrics" in told.read_text(), timeout_seconds=60)
        elsewhere = environment | {"REDIS_URL": "redis://localhost:1/0"}
        forgot = subprocess.run(
            [sys.executable, "-m", "cefmp4", "streams"],
            env=elsewhere,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "add --embedded" in forgot.stderr
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        await wait_until(
            lambda: told.read_text().count("an embedded server has ended") == 2,
            timeout_seconds=20,
        )
        assert "start it again" in told.read_text()
    finally:
        daemon.terminate()
        daemon.wait(30)
