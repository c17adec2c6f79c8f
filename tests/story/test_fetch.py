"""`make fetch`: what the embedded store holds, as files."""

from pathlib import Path

import pytest

from cefmp4.adapters.s3 import StoreSettings
from cefmp4.demo.fetch import fetch, path_of
from servers import S3Server
from story.bucket import Bucket

KEY = "streams/1/a b.mp4"


async def test_what_is_stored_is_copied_into_a_folder(
    s3_server: S3Server,
    bucket: str,
    store: Bucket,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each object under its key; before there is one, it says so."""
    settings = StoreSettings(
        bucket=bucket,
        endpoint_url=s3_server.endpoint_url,
        region="us-east-1",
        access_key_id=s3_server.access_key_id,
        secret_access_key=s3_server.secret_access_key,
    )
    folder = tmp_path.resolve() / "fetched"
    assert await fetch(settings, str(folder)) == 1
    assert capsys.readouterr().out == "Nothing is stored yet.\n"
    await store.client.put_object(Bucket=bucket, Key=KEY, Body=b"a recording")
    assert await fetch(settings, str(folder)) == 0
    assert capsys.readouterr().out == f"{folder / KEY}  11 bytes\n"
    assert (folder / KEY).read_bytes() == b"a recording"


def test_no_key_leads_out_of_the_folder() -> None:
    """Whatever somebody has put into the bucket."""
    assert path_of("/f", "streams/a.mp4") == "/f/streams/a.mp4"
    for key in ("../a", "a/../../b", "/etc/passwd", "..", ".", "folder/", "/f/../g"):
        assert path_of("/f", key) is None, key
