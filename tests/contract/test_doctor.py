"""What `cefmp4 doctor` tells of directories, media and the state server."""

import os
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

import pytest
from redis import Redis

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.config import Settings, load_settings
from cefmp4.doctor import disk, media
from cefmp4.doctor.disk import examine_disk, examine_embedded
from cefmp4.doctor.media import examine_media
from cefmp4.doctor.report import Health, Row
from cefmp4.doctor.state import examine_state


def settings_with(**given: Any) -> Settings:
    return load_settings(needs_store=False, env_file=None, **given)


def by_name(rows: list[Row]) -> dict[str, Row]:
    for row in rows:
        assert (row.health is Health.OK) or row.mend, f"{row}: how is it mended?"
    return {row.what: row for row in rows}


def wrong(rows: dict[str, Row]) -> dict[str, Health]:
    well = (Health.OK, Health.NOT_ASKED)
    return {what: row.health for what, row in rows.items() if row.health not in well}


def not_asked(rows: dict[str, Row]) -> list[str]:
    return [what for what, row in rows.items() if row.health is Health.NOT_ASKED]


# --- directories and media ----------------------------------------------------------


def test_a_directory_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    """With the system's reason, and a remedy; here no file can be opened at all.

    Seen failing with a warning in place of the failure.
    """
    settings, before = settings_with(watch_dir=str(tmp_path)), getrlimit(RLIMIT_NOFILE)
    rows = disk._watch_dir(settings, "", can_start=True)
    setrlimit(RLIMIT_NOFILE, (3, before[1]))
    try:
        row = next(rows)
    finally:
        setrlimit(RLIMIT_NOFILE, before)
    assert (row.what, row.health) == ("watched directory", Health.FAILED)
    assert "Too many open files" in row.found
    assert "permission" in row.mend


def test_sound_directories_are_found_sound(tmp_path: Path) -> None:
    """What is watched and how, where recordings go, and how much room there is."""
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    settings = settings_with(
        watch_dir=str(tmp_path / "in"), after_upload="move", archive_dir=str(tmp_path / "out")
    )
    rows = by_name(examine_disk(settings))
    assert {"watched directory", "notifications", "archive directory"} <= rows.keys()
    assert "2 directories" in rows["notifications"].found
    assert not set(wrong(rows).values()) - {Health.WARNING}
    assert not (tmp_path / "out").exists(), "it only looks"


def test_a_watched_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A mount that is away looks so; the start would make an empty one."""
    rows = by_name(examine_disk(settings_with(watch_dir=str(tmp_path / "away"))))
    assert wrong(rows) == {"watched directory": Health.WARNING}
    assert not (tmp_path / "away").exists()


def test_a_directory_that_is_gone_beside_a_daemon_is_not_said_to_be_made(
    tmp_path: Path,
) -> None:
    """No start is due: the daemon waits for it. Where none could be made, it is not promised.

    Seen failing with "the start makes it" in every case.
    """
    settings = settings_with(watch_dir=str(tmp_path / "away"))
    rows = by_name(examine_disk(settings, "process 7 on cam-1"))
    assert wrong(rows) == {"watched directory": Health.FAILED}
    assert "process 7 on cam-1 works" in rows["watched directory"].found
    assert "put back" in rows["watched directory"].mend
    assert examine_disk(settings, can_start=False) == [], "the settings say it"
    (tmp_path / "away").touch()
    assert examine_disk(settings, can_start=False) == [], "so they do of a file"


def test_how_recordings_are_found_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polled because a person wants it so, or watched, within the limits of the kernel."""
    polling = by_name(examine_disk(settings_with(watch_dir=str(tmp_path), watch_mode="poll")))
    assert "every 2 s" in polling["notifications"].found
    few = tmp_path / "max_user_watches"
    few.write_text("1\n")
    monkeypatch.setattr(disk, "MAX_WATCHES", str(few))
    rows = by_name(examine_disk(settings_with(watch_dir=str(tmp_path))))
    assert rows["notifications"].health is Health.WARNING
    assert "max_user_watches" in rows["notifications"].mend


def test_a_disk_without_room_is_warned_of() -> None:
    """The recorders stop first. /proc has no room at all. So may the embedded store."""
    rows = by_name(examine_disk(settings_with(watch_dir="/proc/sys/fs/inotify")))
    assert rows["room beside watched directory"].health is Health.WARNING
    assert examine_embedded("/proc").health is Health.WARNING


async def test_who_describes_the_media_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ffprobe with its version; PyAV without it; a warning when it cannot be started."""
    script = tmp_path / "ffprobe"
    script.write_text("#!/bin/sh\necho ffprobe version 99 Copyright somebody\n")
    script.chmod(0o755)
    (found,) = await examine_media(settings_with(ffprobe_path=str(script)))
    assert found == Row("media", Health.OK, f"{script}: ffprobe version 99")
    script.write_text("#!/bin/sh\nexit 3\n")
    (broken,) = await examine_media(settings_with(ffprobe_path=str(script)))
    assert (broken.health, bool(broken.mend)) == (Health.WARNING, True)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (without,) = await examine_media(settings_with())
    assert (without.health, "PyAV" in without.found) == (Health.OK, True)


async def test_whether_posters_can_be_made_is_told_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what is to be done where they cannot."""
    rows = by_name(await examine_media(settings_with(poster=True)))
    assert rows["posters"].health is Health.OK
    assert "PyAV" in rows["posters"].found
    monkeypatch.setattr(media, "PICTURES", "raise SystemExit('no such codec')")
    rows = by_name(await examine_media(settings_with(poster=True)))
    assert wrong(rows) == {"posters": Health.WARNING}
    assert "no such codec" in rows["posters"].found


# --- the state server ---------------------------------------------------------------


async def examined(url: str) -> dict[str, Row]:
    found, _ = await examine_state(settings_with(redis_url=url, instance_id="suite"))
    rows = by_name(found)
    assert not any("hush" in row.found + row.mend for row in rows.values())
    return rows


async def test_a_state_server_is_told_with_who_works_there(redis_url: str) -> None:
    """Its version, what it forgets, and the process that holds the claim; all unchanged."""
    idle = await examined(redis_url)
    assert idle["state server"].found.startswith("Valkey ")
    assert "no daemon" in idle["instance"].found
    assert wrong(idle) == {"state server: keeping": Health.WARNING}
    assert "appendonly" in idle["state server: keeping"].mend
    async with open_checkpoints(redis_url, "suite") as checkpoints:
        await checkpoints.claim()
        assert f"process {os.getpid()} on" in (await examined(redis_url))["instance"].found
        await checkpoints.renew()
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 2, "the claim and its epoch, nothing else"


async def test_a_user_who_may_not_write_is_told_before_the_daemon_is(redis_url: str) -> None:
    """Reading works, scripts are forbidden: the row says what to widen.

    Seen failing with the server only read from.
    """
    with Redis.from_url(redis_url) as client:
        client.acl_setuser(
            "reader",
            enabled=True,
            passwords=["+hush"],
            keys=["*"],
            categories=["+@all"],
            commands=["-eval", "-evalsha"],
        )
        try:
            rows = await examined(redis_url.replace("//", "//reader:hush@", 1))
        finally:
            client.acl_deluser("reader")
    assert wrong(rows) == {"state server: writing": Health.FAILED}
    assert not_asked(rows) == ["state server: keeping", "instance"]
    assert "ACL" in rows["state server: writing"].mend


async def test_a_state_server_that_is_away_is_one_row() -> None:
    """Without the password of its URL; and what could not be asked is named."""
    rows = await examined("redis://me:hush@127.0.0.1:1/0")
    assert wrong(rows) == {"state server": Health.FAILED}
    assert not_asked(rows) == ["state server: writing", "state server: keeping", "instance"]
