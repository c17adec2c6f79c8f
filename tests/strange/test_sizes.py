"""Files of strange sizes and contents, all of them before one daemon."""

import os

from story.daemon import PART_BYTES
from strange.scene import Scene

FIVE_PARTS = 5 * PART_BYTES


async def test_every_size_is_stored_as_it_is(scene: Scene) -> None:
    """One byte, exactly one part, exactly two, a byte more or less, and a hole: no object
    differs, no part is empty, and an empty file is nobody's business.

    Seen failing with spans that go on for one more part at an exact boundary.
    """
    contents = {
        "one byte.mp4": b"x",
        "one part.mp4": scene.sized(PART_BYTES),
        "a byte less.mp4": scene.sized(PART_BYTES - 1),
        "a byte more.mp4": scene.sized(PART_BYTES + 1),
        "two parts.mp4": scene.sized(2 * PART_BYTES),
        "no mp4.mp4": b"<html>404 Not Found</html>\n" * 1000,
        "half of it.mp4": scene.mp4[: len(scene.mp4) // 2],
        "hole.mp4": bytes(FIVE_PARTS // 2) + b"x",
    }
    for name, content in contents.items():
        (scene.folder / name).write_bytes(content)
    os.truncate(scene.folder / "hole.mp4", 0)
    with open(scene.folder / "hole.mp4", "r+b") as file:
        file.seek(FIVE_PARTS // 2)
        file.write(b"x")
    assert os.stat(scene.folder / "hole.mp4").st_blocks < 100
    (scene.folder / "empty.mp4").touch()
    assert await scene.finish() == 0
    await scene.until_stored(*contents.items())
    streams = {
        os.path.basename(stream["original_file_path"]): stream for stream in scene.streams()
    }
    assert set(streams) == set(contents)
    assert {stream["status"] for stream in streams.values()} == {"completed_with_meta"}
    parts = {name: stream["parts"] for name, stream in streams.items()}
    assert (parts["one part.mp4"], parts["two parts.mp4"], parts["a byte more.mp4"]) == (
        1,
        2,
        2,
    )
    flagged = {
        name: (await scene.store.metadata(stream["s3_key"]))["container"]["complete"]
        for name, stream in streams.items()
    }
    assert [name for name, complete in flagged.items() if not complete] == [
        name
        for name in streams
        if name in ("one byte.mp4", "no mp4.mp4", "half of it.mp4", "hole.mp4")
    ]


async def test_an_empty_file_is_taken_up_with_its_first_byte(scene: Scene) -> None:
    """Recorders often make their file long before they write to it.

    Seen failing with an empty file begun like any other.
    """
    await scene.live()
    path = scene.folder / "a.mp4"
    path.touch()
    await scene.told("nothing to send yet")
    assert scene.streams() == []
    path.write_bytes(scene.mp4)
    await scene.until_stored(("a.mp4", scene.mp4))
