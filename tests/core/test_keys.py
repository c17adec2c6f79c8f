"""Keys: every name gives a key that stores take, and no two names the same one."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.keys import (
    METADATA_SUFFIX,
    distinct_key,
    key_problem,
    render_key,
    template_problem,
)

DEFAULT = "streams/{stream_id}/{name}"
STARTED = 1_772_000_000.0  # 2026-02-25T06:13:20Z


def key_of(path: str, template: str = DEFAULT) -> str:
    return render_key(
        template,
        stream_id="6f1c",
        path=path,
        watch_dir="/rec",
        host="cam-box",
        started=STARTED,
    )


file_names = (
    st.binary(min_size=1, max_size=255)
    .map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))
    .filter(lambda raw: raw not in (b".", b".."))
    .map(os.fsdecode)
)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (DEFAULT, "streams/6f1c/front door.MP4"),
        ("{relpath}", "cam 1/front door.MP4"),
        ("{host}/{started:%Y/%m/%d}/{stem}.{ext}", "cam-box/2026/02/25/front door.MP4"),
        ("{started}-{name}", "20260225T061320Z-front door.MP4"),
        ("a{{b}}/{name}", "a{b}/front door.MP4"),
    ],
)
def test_fields(template: str, expected: str) -> None:
    """Each field of a template stands for what its name says."""
    assert template_problem(template) is None
    assert key_of("/rec/cam 1/front door.MP4", template) == expected


def test_bytes_that_are_no_text_are_percent_encoded() -> None:
    """Bytes outside UTF-8, control characters, backslash and % are written as %XX."""
    path = "/rec/" + os.fsdecode(b"\xff\n\\50%\xc3\xa4.mp4")
    assert key_of(path) == "streams/6f1c/%FF%0A%5C50%25ä.mp4"


def test_a_long_name_keeps_its_extension() -> None:
    """A name too long for a segment is cut, hashed, and still ends in .mp4."""
    key = key_of("/rec/" + os.fsdecode(b"\xff" * 250 + b".mp4"))
    last = key.rpartition("/")[2]
    assert last.endswith(".mp4")
    assert len((last + METADATA_SUFFIX).encode()) <= 255


def test_a_deep_path_is_cut_to_the_length_of_a_key() -> None:
    """A path of more than 1,024 bytes keeps its file name and gets a hash."""
    deep = "/".join(["ä" * 100] * 12)
    key, other = (key_of(f"/rec/{deep}{end}/a.mp4", "{relpath}") for end in ("", "b"))
    assert key_problem(key + METADATA_SUFFIX) is None
    assert key.endswith("/a.mp4")
    assert key != other


def test_a_missing_extension_leaves_no_empty_segment() -> None:
    """A field that is empty does not make an empty segment."""
    assert key_of("/rec/raw", "{ext}/{name}") == "_/raw"


@given(name=file_names, folder=file_names)
def test_every_name_gives_a_fit_key(name: str, folder: str) -> None:
    """Whatever bytes a path holds, object and metadata keys are fit."""
    for template in (DEFAULT, "{relpath}", "{ext}/{stem}"):
        key = key_of(f"/rec/{folder}/{name}", template)
        assert key_problem(key) is None
        assert key_problem(key + METADATA_SUFFIX) is None


@given(first=file_names, second=file_names)
def test_different_names_give_different_keys(first: str, second: str) -> None:
    """Two names share a key only when they are the same name."""
    assert (key_of(f"/rec/{first}") == key_of(f"/rec/{second}")) == (first == second)


@given(path=st.text(alphabet="a%2FE.~\udc80\n", min_size=1, max_size=12))
def test_names_that_look_encoded_do_not_collide(path: str) -> None:
    """A name that already looks percent-encoded differs from the one it would decode to."""
    assert key_of(f"/rec/x{path}") != key_of(f"/rec/x{path}%")
    assert ("%" in key_of(f"/rec/x{path}")) == bool(set(path) & set("%\udc80\n"))


@given(name=file_names)
def test_a_taken_key_gives_way_to_another_fit_one(name: str) -> None:
    """The key for a stream whose own is taken is fit, and differs by stream."""
    key = key_of(f"/rec/{name}", "{name}")
    others = {key, distinct_key(key, "6f1c"), distinct_key(key, "77aa")}
    assert len(others) == 3
    assert not any(key_problem(other + METADATA_SUFFIX) for other in others)


def test_a_distinct_key_keeps_the_extension() -> None:
    """The stream id goes before the extension, so that players still know the type."""
    assert distinct_key("cam.1/door.mp4", "6f1c") == "cam.1/door~6f1c.mp4"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "empty"),
        ("/a", "begin with"),
        ("a//b", "empty"),
        ("a/", "empty"),
        ("a/../b", "'..'"),
        ("./b", "'.'"),
        ("a\\b", "backslash"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("a\udcff", "UTF-8"),
        ("a" * 256, "255"),
        ("ä" * 128, "255"),
        ("a/" * 512 + "b", "1024"),
    ],
)
def test_unfit_keys(key: str, why: str) -> None:
    """What stores refuse or change is named."""
    problem = key_problem(key)
    assert problem is not None
    assert why in problem


@pytest.mark.parametrize(
    "template",
    [
        "{nmae}",
        "fixed.mp4",
        "{started:%Y}/{host}",
        "{name!r}",
        "{name:>10}",
        "{name.upper}",
        "{0}/{name}",
        "{}/{name}",
        "{started:%s}/{name}",
        "{started:%}/{name}",
        "{started:{name}}/{name}",
        "/{name}",
        "a//{name}",
        "../{name}",
        "{name}/",
        "a\\{name}",
        "{name",
        "",
    ],
)
def test_templates_that_cannot_be_used(template: str) -> None:
    """A template is refused before anything is stored under it."""
    assert template_problem(template) is not None
