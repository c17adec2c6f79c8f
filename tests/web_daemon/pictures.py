"""Pictures of the page for the documents, of a real daemon at work.

    PYTHONPATH=tests python -m web_daemon.pictures docs/images

A store that refuses one recording, recorders that write in real time, recordings that were
stored before, and a file that is no MP4.
"""

import json
import os
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from cefmp4.adapters.embedded import valkey
from faults import wire
from faults.proxy import Rule, running_proxy
from servers import running_s3
from story.daemon import Daemon, recorder, settings_of
from story.test_recordings import make_mp4
from web.shots import take_all
from web_daemon.conftest import TOKEN, until

STORED = ("lecture-hall/2026-11-24-physics.mp4", "lecture-hall/2026-11-25-algebra.mp4")
GROWING = ("cam1/entrance.mp4", "cam2/yard.mp4", "studio/interview.mp4")
REFUSED = "cam4/loading-dock.mp4"
NO_MP4 = "cam3/parking.mp4"
SECONDS = 45.0


def main(target: Path) -> None:
    """Some minute, most of it waiting."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="studio-"))
        server = stack.enter_context(running_s3(os.path.join(folder, "s3")))
        state = stack.enter_context(valkey(os.path.join(folder, "valkey")))
        proxy = stack.enter_context(running_proxy(server.endpoint_url))
        settings = settings_of(folder, server, "recordings", state.url) | {
            "S3_ENDPOINT_URL": proxy.endpoint_url,
            "INSTANCE_ID": "recorder-7",
            "WEB_TOKEN": TOKEN,
            "POSTER": "true",
            "REJECT_NON_MP4": "true",
            "STREAM_TIMEOUT_SECONDS": "5",
        }
        daemon = Daemon(settings["WATCH_DIR"], os.path.join(folder, "log"), settings)
        stack.callback(daemon.end)
        for name in (*STORED, *GROWING, REFUSED, NO_MP4):
            os.makedirs(os.path.dirname(daemon.path(name)), exist_ok=True)
        daemon.start()
        until(daemon.is_ready)
        for name in STORED:
            make_mp4(daemon.path(name))
        Path(daemon.path(NO_MP4)).write_bytes(b"the disk was full " * 1_000)
        until(lambda: daemon.log.count("finished") == len(STORED))
        refused = wire.refused(503, "SlowDown")
        proxy.rules.append(Rule("UploadPart", refused, os.path.basename(REFUSED), times=1_000))
        for name in (*GROWING, REFUSED):
            stack.enter_context(recorder(daemon.path(name), seconds=600.0))
            time.sleep(2.0)
        time.sleep(SECONDS)
        take_all(daemon.address, target, _of(daemon, STORED[-1]))


def _of(daemon: Daemon, name: str) -> str:
    """The id of its stream."""
    with urllib.request.urlopen(f"{daemon.address}/api/streams") as answer:
        rows = json.load(answer)["rows"]
    return str(next(row["stream_id"] for row in rows if row["name"] == name))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
