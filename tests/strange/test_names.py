"""Names that are no ordinary ones: every byte of them comes through, and none does harm."""

import json
import os
import re
import unicodedata
from pathlib import Path

import pytest

from cefmp4.metadata import readable
from strange.scene import Scene

NFC = unicodedata.normalize("NFC", "für Zoë.mp4")
NAMES = [
    b"two\nlines\r.mp4",
    b"'single' \"double\" `back`.mp4",
    b"<script>alert(1)<\\script>&amp;.mp4",
    "🎥 live 🟥.mp4".encode(),
    NFC.encode(),
    unicodedata.normalize("NFD", NFC).encode(),
    b"no \xff\xfe text.mp4",
    b"x" * 251 + b".mp4",
    "ä".encode() * 125 + b"y.mp4",
    b"50%.mp4",
    b"no %FF%FE text.mp4",
    b"%2e%2e%2f.mp4",
    b"-rf --.mp4",
    b"{name} {0} {relpath!r}.mp4",
    b"[red]bold[bold].mp4",
    b"%03d $HOME ;.mp4",
    b"http:x?y=z#w.mp4",
    b"A.mp4",
    b"a.MP4",
    b"  .mp4",
    b"\x1b[31mred \x07.mp4",
    "gnp\u202e4pm\u2028.mp4".encode(),
]


def check_log(log: str, begins: str, recordings: int) -> None:
    """One event a line, each with its time, and not a control character in any."""
    lines = [line for line in log.split("\n") if line]
    greeting = ("watching", "bucket", "page", "metrics")
    events = [line for line in lines if not line.lstrip().startswith(greeting)]
    assert not [line for line in events if not line.startswith(begins)]
    assert not [char for line in lines for char in line if not char.isprintable()]
    assert sum(bool(re.search(r"\bfinished\b", line)) for line in events) == recordings


@pytest.mark.parametrize(
    ("template", "app_env", "begins"),
    [
        ("streams/{stream_id}/{name}", "production", '{"timestamp"'),
        ("{relpath}", "development", "20"),
    ],
)
async def test_every_name_comes_through_byte_for_byte(
    scene: Scene, template: str, app_env: str, begins: str
) -> None:
    """Into a key of its own, the user metadata, the JSON, the commands, and a log of one
    line an event; with the name in the key as well as with an id.

    Seen failing with `%` left as it is in keys, and with control characters in the log.
    """
    scene.daemon.environment |= {"S3_KEY_TEMPLATE": template, "APP_ENV": app_env}
    folder = os.fsencode(scene.folder)
    for name in NAMES:
        Path(os.fsdecode(os.path.join(folder, name))).write_bytes(scene.mp4)
    assert await scene.finish() == 0
    assert await scene.objects() == sorted((name, scene.mp4) for name in NAMES)
    streams = scene.streams()
    paths = [readable(os.path.join(scene.folder, os.fsdecode(name))) for name in NAMES]
    assert sorted(stream["original_file_path"] for stream in streams) == sorted(paths)
    for stream in streams:
        assert (stream["stream_id"] in stream["s3_key"]) == ("{stream_id}" in template)
        document = await scene.store.metadata(stream["s3_key"])
        assert document["original_file_path"] == stream["original_file_path"]
        assert document["container"]["playable"] is True, document["probe"]
    shown = scene.daemon.command("show", streams[0]["stream_id"], "--json")
    assert json.loads(shown.stdout)["s3_key"] == streams[0]["s3_key"]
    table = scene.daemon.command("streams").stdout
    assert len(table.splitlines()) == 1 + len(NAMES)
    assert not [char for char in table.replace("\n", "") if not char.isprintable()]
    check_log(scene.daemon.log, begins, len(NAMES))


async def test_a_path_too_long_for_a_key_is_cut_and_told_apart(scene: Scene) -> None:
    """Two deep paths that begin alike, longer than the 1,024 bytes of a key, both stored.

    Seen failing with keys that are only cut.
    """
    scene.daemon.environment["S3_KEY_TEMPLATE"] = "{relpath}"
    deep = scene.folder.joinpath(*["ä" * 100] * 6)
    for last in ("b" * 100, "c" * 100):
        (deep / last).mkdir(parents=True)
        (deep / last / "a.mp4").write_bytes(scene.mp4 if last[0] == "b" else b"another")
    assert await scene.finish() == 0
    await scene.until_stored(("a.mp4", scene.mp4), ("a.mp4", b"another"))
    assert all(len(key.encode()) <= 1024 for key in await scene.store.keys())
    for stream in scene.streams():
        assert stream["stream_id"] not in stream["s3_key"], "the two met under one key"
