"""`make demo` shows the truth: it succeeds when every byte arrived, and only then."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from cefmp4.adapters.embedded import EmbeddedServers
from cefmp4.core.geometry import Geometry
from cefmp4.core.model import Checkpoint, Status
from cefmp4.demo.__main__ import Recording, verify
from servers import S3Server
from story.bucket import Bucket

CONTENT = b"a recording"


@pytest.mark.timeout(180)
def test_the_demo_ends_with_every_byte_in_the_store() -> None:
    """Three recorders, one daemon, three identical objects, exit 0."""
    ran = subprocess.run(
        [sys.executable, "-m", "cefmp4.demo", "--seconds", "3"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("identical") == 3
    assert "Every byte is in the store." in ran.stdout


@pytest.mark.parametrize(
    ("stored", "status", "code"),
    [
        (CONTENT, Status.COMPLETED_WITH_META, 0),
        (b"A recording", Status.COMPLETED_WITH_META, 1),
        (CONTENT, Status.FAILED, 1),
    ],
)
async def test_the_demo_fails_when_an_object_differs(
    stored: bytes,
    status: Status,
    code: int,
    s3_server: S3Server,
    bucket: str,
    store: Bucket,
    tmp_path: Path,
) -> None:
    """One other byte, or a recording that was not stored, and it exits 1."""
    path = tmp_path / "a.mp4"
    path.write_bytes(CONTENT)
    await store.client.put_object(Bucket=bucket, Key="a.mp4", Body=stored)
    servers = EmbeddedServers(
        redis_url="",
        s3_endpoint_url=s3_server.endpoint_url,
        access_key_id=s3_server.access_key_id,
        secret_access_key=s3_server.secret_access_key,
        bucket=bucket,
        credentials_file="",
        data_dir="",
        processes=(),
    )
    with subprocess.Popen([sys.executable, "-c", ""]) as recorder:
        recording = Recording(str(path), recorder, grown=[(0.0, len(CONTENT))])
        recording.checkpoint = Checkpoint(
            stream_id="id",
            path=str(path),
            identity=(1, 1),
            bucket=bucket,
            key="a.mp4",
            geometry=Geometry(8),
            started_at=0.0,
            status=status,
        )
        assert await verify(servers, [recording], Console(quiet=True)) == code
