"""The contract of the Illustrator port, kept with real MP4s, broken ones and a bad child."""

import asyncio
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from cefmp4.adapters.poster import LONGEST_SIDE, PICTURE_BYTES, PictureMaker
from cefmp4.adapters.poster_child import shown_size
from cefmp4.ports import NoPicture, Picture
from contract import media, pictures
from contract.pictures import Seen


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.mp4")


async def shown(path: str) -> Seen:
    """The picture of it, as a decoder sees it."""
    found = await PictureMaker().picture(path)
    assert isinstance(found, Picture), found
    seen = pictures.seen(found.jpeg)
    assert (seen.width, seen.height) == (found.width, found.height)
    return seen


async def why_not(path: str) -> str:
    found = await PictureMaker().picture(path)
    assert isinstance(found, NoPicture)
    assert path not in found.why
    return found.why


def is_upright(seen: Seen) -> bool:
    return seen.top < 80 and seen.bottom > 160


# --- good recordings --------------------------------------------------------------------


@pytest.mark.parametrize("flavour", media.FLAVOURS, ids=lambda flavour: flavour.name)
async def test_a_recording_is_shown(path: str, flavour: media.Flavour) -> None:
    """In its proportions, at most 640 pixels wide, whatever way the muxer wrote it."""
    pictures.record(path, 1280, 720, flavour=flavour)
    seen = await shown(path)
    assert (seen.width, seen.height) == (640, 360)
    assert is_upright(seen)


async def test_a_small_picture_is_not_blown_up(path: str) -> None:
    """It stays as large as it was recorded; odd sizes are fine."""
    pictures.record(path, 98, 50, codec="mpeg4")
    seen = await shown(path)
    assert (seen.width, seen.height) == (98, 50)


@pytest.mark.parametrize("key_frame_every", [5, 250])
async def test_black_at_the_beginning_is_passed_over(path: str, key_frame_every: int) -> None:
    """The picture is from about a tenth of the play time, also without a key frame there.

    Seen failing with the first frame taken, and with the one at which the seek ends.
    """
    pictures.record(path, 320, 180, frames=100, black=4, key_frame_every=key_frame_every)
    assert is_upright(await shown(path))


async def test_where_only_the_beginning_can_be_decoded_it_is_shown(path: str) -> None:
    """As when all but the first pictures is damaged.

    Seen failing without the way back to the beginning.
    """
    pictures.record(path, 320, 180, flavour=media.FASTSTART, frames=100)
    pictures.damage_from(path, 3)
    assert is_upright(await shown(path))


async def test_the_beginning_of_a_cut_off_recording_is_shown(path: str) -> None:
    """A fragmented one, that says nothing true of its length."""
    pictures.record(path, 320, 180, flavour=media.FRAGMENTED, frames=100)
    os.truncate(path, os.path.getsize(path) // 3)
    assert is_upright(await shown(path))


@pytest.mark.parametrize("degrees", pictures.TURNED)
async def test_a_recording_is_shown_upright(path: str, degrees: int) -> None:
    """As its display matrix says, not as the camera was held.

    Seen failing without the turn, and with the two quarter turns exchanged.
    """
    pictures.record(path, 1280, 720)
    pictures.turn(path, degrees)
    seen = await shown(path)
    if degrees == 180:
        assert (seen.width, seen.height) == (640, 360)
        assert seen.top > 160 > 80 > seen.bottom
    else:
        assert (seen.width, seen.height) == (360, 640)
        darker, brighter = sorted((seen.left, seen.right))
        assert darker < 80 < 160 < brighter
        assert (seen.right < seen.left) == (degrees == 90)


@pytest.mark.parametrize(
    ("width", "height", "pixel", "extent"),
    [
        (720, 576, Fraction(64, 45), (640, 360)),
        (1440, 1080, Fraction(4, 3), (640, 360)),
        (320, 360, Fraction(1, 2), (284, 640)),
    ],
)
async def test_oblong_pixels_are_made_square(
    path: str, width: int, height: int, pixel: Fraction, extent: tuple[int, int]
) -> None:
    """An anamorphic recording is shown as wide as it was meant. Seen failing without."""
    pictures.record(path, width, height, pixel=pixel)
    seen = await shown(path)
    assert (seen.width, seen.height) == extent
    assert is_upright(seen)


def test_no_figure_makes_a_picture_that_cannot_be() -> None:
    """Sizes and proportions come from the file, and may be anything."""
    for width in (1, 2, 640, 65_535):
        for height in (1, 3, 640, 65_535):
            for pixel in (Fraction(1, 2**31), Fraction(1), Fraction(2**31), Fraction(-1)):
                shown = shown_size(width, height, pixel)
                assert 2 <= min(shown) <= max(shown) <= LONGEST_SIDE


async def test_a_very_large_picture_is_shown_within_the_limits(path: str) -> None:
    """Of 8192 by 4320 pixels; the child has no more memory than any."""
    pictures.record(path, 8192, 4320, frames=3)
    seen = await shown(path)
    assert (seen.width, seen.height) == (640, 338)


# --- others -----------------------------------------------------------------------------


async def test_what_has_no_picture_has_no_poster(path: str, tmp_path: Path) -> None:
    """Sound, with a cover or without, an unfinished file, a text, nothing at all, no file."""
    for cover in (False, True):
        pictures.record_sound(path, cover=cover)
        assert await why_not(path) == "there is no video in it that can be decoded"
    pictures.record(path, 320, 180)
    os.truncate(path, os.path.getsize(path) - 3000)
    assert await why_not(path) == "Invalid data found when processing input"
    Path(path).write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    assert "not" in await why_not(path)
    os.truncate(path, 0)
    assert await why_not(path) == "the file is empty"
    assert await why_not(str(tmp_path / "y.mp4")) == (
        "cannot read the file: No such file or directory"
    )
    assert await why_not("-version") == "the path is not absolute"


async def test_media_that_are_noise_have_no_poster(path: str) -> None:
    """The boxes are sound, and no frame can be decoded."""
    pictures.record(path, 320, 180, flavour=media.FASTSTART)
    pictures.damage_from(path, 0)
    assert await why_not(path) == "no picture in it can be decoded"


class BadChild(PictureMaker):
    """Has something else for its child."""

    def __init__(self, *code: str, timeout_seconds: float = 30.0) -> None:
        super().__init__(timeout_seconds)
        self._code = "\n".join(("import os, sys, time", *code))

    def command(self, path: str) -> Sequence[str]:
        return (sys.executable, "-I", "-c", self._code)


WRITE = "sys.stdout.buffer.write"
JPEG_OF_700 = (
    r"b'\xff\xd8\xff\xc0\0\x0b\x08\x02\xbc\x02\xbc' + bytes(4) + b'\xff\xda\0\2\xff\xd9'"
)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (f"{WRITE}(b'<html>')", "what was made of it is not such a picture"),
        ("pass", "what was made of it is not such a picture"),
        (f"{WRITE}({JPEG_OF_700})", "what was made of it is not such a picture"),
        (
            f"while True: {WRITE}(bytes(65536))",
            f"the answer is longer than {PICTURE_BYTES} bytes",
        ),
        ("time.sleep(60)", "no answer within 3 s"),
        ("os.kill(os.getpid(), 11)", "it ended with -11"),
        ("sys.exit('[h264 @ 0x1] no\\nat all')", "no"),
        ("time.sleep(0.5); bytearray(3 * 1024**3)", "Traceback (most recent call last):"),
    ],
)
async def test_whatever_the_child_does_only_a_picture_comes_through(
    path: str, code: str, why: str
) -> None:
    """Nonsense, floods, crashes, and pictures of a size nobody asked for; all within bounds."""
    media.record(path)
    maker = BadChild(code, timeout_seconds=3.0)
    found = await asyncio.wait_for(maker.picture(path), 20)
    assert found == NoPicture(why)


async def test_one_picture_is_made_at_a_time(path: str) -> None:
    """Whoever finds the folder gone has found another child at work. Seen failing with two."""
    media.record(path)
    free = f"{path}.free"
    os.mkdir(free)
    maker = BadChild(f"os.rmdir({free!r})", "time.sleep(0.3)", f"os.mkdir({free!r})")
    found = await asyncio.gather(*(maker.picture(path) for _ in range(3)))
    assert found == [NoPicture("what was made of it is not such a picture")] * 3
