"""A picture beside every object, for those who look through a bucket."""

import asyncio
import json
import urllib.request
from pathlib import Path

import jsonschema
import pytest
from redis import Redis

from cefmp4.metadata import metadata_schema
from contract import pictures
from contract.media import FASTSTART, FRAGMENTED, ORDINARY, Flavour
from story.bucket import Bucket
from story.daemon import Daemon
from waiting import wait_until


@pytest.fixture
def poster(daemon: Daemon) -> Daemon:
    """A daemon that was told to make posters."""
    daemon.environment["POSTER"] = "true"
    return daemon


@pytest.mark.parametrize("flavour", [ORDINARY, FRAGMENTED, FASTSTART], ids=lambda f: f.name)
async def test_a_picture_stands_beside_the_object_and_its_json_names_it(
    flavour: Flavour, poster: Daemon, store: Bucket
) -> None:
    """A JPEG that any decoder takes, in the shape of the recording, of a type that shows it."""
    path = poster.path("a.mp4")
    pictures.record(path, 1280, 720, flavour=flavour)
    content = Path(path).read_bytes()
    poster.start()
    (key,) = await store.wait_for_videos(1)
    assert await store.content(key) == content
    document = await store.metadata(key)
    jsonschema.validate(document, metadata_schema())
    told = document["poster"]
    assert (told["s3_key"], document["poster_problem"]) == (f"{key}.poster.jpg", None)
    answer = await store.client.get_object(Bucket=store.name, Key=told["s3_key"])
    jpeg: bytes = await answer["Body"].read()
    seen = pictures.seen(jpeg)
    assert answer["ContentType"] == "image/jpeg"
    assert (seen.width, seen.height) == (told["width"], told["height"]) == (640, 360)
    assert len(jpeg) == told["size_bytes"]
    assert seen.top < 80 < 160 < seen.bottom
    assert await store.keys() == [key, f"{key}.metadata.json", f"{key}.poster.jpg"]
    assert await asyncio.to_thread(shown_on_the_page, poster) == jpeg


def shown_on_the_page(daemon: Daemon) -> bytes:
    """The picture as a browser gets it for the only recording there is."""
    with urllib.request.urlopen(f"{daemon.address}/api/streams") as answer:
        [row] = json.load(answer)["rows"]
    with urllib.request.urlopen(f"{daemon.address}/api/streams/{row['stream_id']}") as answer:
        path = json.load(answer)["poster"]
    with urllib.request.urlopen(f"{daemon.address}{path}") as answer:
        return bytes(answer.read())


async def test_nobody_gets_a_picture_who_did_not_ask(daemon: Daemon, store: Bucket) -> None:
    """Without POSTER the bucket and the JSON are as they were."""
    pictures.record(daemon.path("a.mp4"), 320, 180)
    daemon.start()
    (key,) = await store.wait_for_videos(1)
    assert await store.keys() == [key, f"{key}.metadata.json"]
    document = await store.metadata(key)
    jsonschema.validate(document, metadata_schema())
    assert {"poster", "poster_problem"}.isdisjoint(document)


async def test_what_cannot_be_shown_is_stored_all_the_same(
    poster: Daemon, store: Bucket
) -> None:
    """Sound alone, and a playlist that wants another file shown: the JSON says why not."""
    pictures.record_sound(poster.path("sound.mp4"))
    pictures.record(poster.path("x.tmp"), 320, 180)
    other = poster.path("x.tmp")
    Path(poster.path("list.mp4")).write_text(f"#EXTM3U\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n")
    poster.environment["STREAM_TIMEOUT_SECONDS"] = "1"
    poster.start()
    keys = await store.wait_for_videos(2)
    assert len(await store.keys()) == 4
    for key in keys:
        document = await store.metadata(key)
        jsonschema.validate(document, metadata_schema())
        assert document["poster"] is None
        assert document["poster_problem"]
    streams = json.loads(poster.command("streams", "--json").stdout)
    assert {stream["status"] for stream in streams} == {"completed_with_meta"}


async def test_with_redis_emptied_a_recording_with_its_poster_is_known_again(
    poster: Daemon, store: Bucket, redis_url: str
) -> None:
    """Three objects before, and the same three after: nothing is taken for anything else."""
    pictures.record(poster.path("a.mp4"), 1280, 720)
    poster.start()
    await store.wait_for_videos(1)
    before = await store.keys()
    poster.kill()
    with Redis.from_url(redis_url) as client:
        client.flushall()
    poster.start()
    await wait_until(lambda: "recognised in the store" in poster.log, timeout_seconds=30)
    assert poster.terminate() == 0
    assert await store.keys() == before
    assert len(before) == 3
    verified = poster.command("verify", "--all", "--json")
    assert [found["verdict"] for found in json.loads(verified.stdout)] == ["identical"]
