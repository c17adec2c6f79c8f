"""The first page: short, its links lead somewhere, and its figures are those of the bench."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

HOUSE = Path(__file__).parents[2]
README, COMPARISON = HOUSE / "README.md", HOUSE / "docs" / "comparison.md"
MOST_LINES = 240
LINK = re.compile(r"\]\((?P<to>[^()\s]+)\)")
PROMISED_SETTINGS = (
    *("APP_ENV", "LOG_LEVEL", "PROM_PORT", "MAX_CONCURRENT_STREAMS", "WATCH_DIR"),
    *("CHUNK_SIZE_BYTES", "STREAM_TIMEOUT_SECONDS", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID"),
    *("S3_SECRET_ACCESS_KEY", "S3_BUCKET_NAME", "S3_REGION_NAME", "REDIS_URL", "FFPROBE_PATH"),
)
PROMISED_METRICS = (
    "video_chunks_uploaded_total{stream_id}",
    "video_bytes_uploaded_total{stream_id}",
    "video_stream_duration_seconds{stream_id}",
    "video_processing_time_seconds{stream_id}",
    "video_failed_operations_total{stream_id,operation_type}",
    "active_streams_gauge",
    "streams_completed_total",
    "streams_failed_total",
)
CONTENDERS = {
    "**CefMP4**, the daemon, integrity on": "cefmp4 (daemon)",
    "CefMP4, the daemon": "cefmp4 (daemon)",
    "CefMP4, `run --once`, its start included": "--once, whole process",
    "s5cmd": "s5cmd",
    "rclone": "rclone",
    "rclone, checksums off": "rclone, no checksum",
    "boto3": "boto3",
    "AWS CLI": "aws s3 cp",
}
"""How the documents call them, and the end of what the bench calls them."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """The sections of the bench's results."""
    text = (HOUSE / "docs" / "bench" / "results.json").read_text(encoding="utf-8")
    sections: dict[str, Any] = json.loads(text)["sections"]
    return sections


def test_it_is_short_enough_to_read() -> None:
    """What grows beyond that belongs into docs/."""
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_its_links_and_pictures_are_there() -> None:
    """Every relative link leads to a file or a folder of the repository."""
    found = [link["to"] for link in LINK.finditer(README.read_text(encoding="utf-8"))]
    inside = [to for to in found if "://" not in to and not to.startswith("#")]
    assert len(inside) > 40
    assert not [to for to in inside if not (HOUSE / to.partition("#")[0]).exists()]


@pytest.mark.parametrize("name", [*PROMISED_SETTINGS, *PROMISED_METRICS])
def test_its_tables_hold_the_promised_names(name: str) -> None:
    """Each setting and each metric stands in the first column of a table."""
    rows = re.findall(r"^\| ([^|]*) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert any(f"`{name}`" in row for row in rows)


@pytest.mark.parametrize("document", [README, COMPARISON], ids=lambda path: path.name)
def test_the_tables_of_costs_are_those_of_the_bench(
    document: Path, measured: dict[str, Any]
) -> None:
    """CPU seconds per GB of everybody, over HTTP and TLS; memory where it is told."""
    rows = list(_rows_of_costs(document))
    assert len(rows) >= 6
    for name, http, tls, *rest in rows:
        over_http, over_tls = (
            _contender(measured[section], CONTENDERS[name]) for section in ("http", "tls")
        )
        assert http == f"{over_http['cpu_seconds_per_gb']['median']:.1f}", name
        assert tls == f"{over_tls['cpu_seconds_per_gb']['median']:.1f}", name
        for memory in rest:
            assert memory == f"{over_http['peak_rss_bytes']['median'] / 1e6:.0f}", name


def _rows_of_costs(document: Path) -> Iterator[list[str]]:
    for line in document.read_text(encoding="utf-8").splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        figures = [cell.strip("*") for cell in cells]
        if name in CONTENDERS and figures and re.fullmatch(r"[\d.]+", figures[0]):
            yield [name, *figures]


def _contender(section: dict[str, Any], name: str) -> dict[str, Any]:
    contenders: dict[str, dict[str, Any]] = section["contenders"]
    (found,) = (told for key, told in contenders.items() if key.endswith(name))
    return found


def test_what_is_said_of_the_close_is_what_was_measured(measured: dict[str, Any]) -> None:
    """Seconds from the close to the object: ours, and the least and most of the others."""
    told = measured["availability"]
    seconds = {name: figures["median"] for name, figures in told["seconds"].items()}
    ours = seconds.pop("cefmp4")
    megabytes, megabits = told["size_bytes"][0] / 1e6, told["link_bits_per_second"] / 1e6
    readme, comparison = _flat(README), _flat(COMPARISON)
    assert f"A {megabytes:.0f} MB recording over {megabits:.0f} Mbit/s is there" in readme
    assert f"**{ours:.1f} s** after its recorder closed it" in readme
    assert f"who begins then needs {min(seconds.values()):.0f} s" in readme
    others = f"the others {min(seconds.values()):.0f} to {max(seconds.values()):.0f} s"
    assert f"CefMP4 {ours:.1f} s, {others}" in comparison


def test_what_is_said_of_many_is_what_was_measured(measured: dict[str, Any]) -> None:
    """A thousand recordings, five thousand, and a start with ten thousand."""
    crowds = {crowd["recordings"]: crowd for crowd in measured["crowd"]["crowds"]}
    thousand, most = crowds[1_000], crowds[5_000]
    start = max(measured["restart"]["starts"], key=lambda one: int(one["streams"]))
    share, readme = 100 * thousand["cpu_share"], _flat(README)
    few, many = (crowd["peak_rss_bytes"] / 1e6 for crowd in (thousand, most))
    assert f"1,000 recordings growing at once: {share:.0f} % of a core" in readme
    assert f"of a core and {few:.0f} MB of memory; 5,000: {many:.0f} MB." in readme
    assert f"{start['streams']:,} streams in flight" in readme
    assert f"in flight are taken up again in {start['seconds']:.0f} s" in readme
    assert measured["roundtrips"]["per_part"]["script_calls"] == 1


def _flat(document: Path) -> str:
    return " ".join(document.read_text(encoding="utf-8").split())


def test_the_picture_of_the_demo_shows_it_to_its_end() -> None:
    """A whole run, in a picture that plays by itself and fetches nothing."""
    text = (HOUSE / "docs" / "images" / "demo.svg").read_text(encoding="utf-8")
    picture = ElementTree.fromstring(text)  # noqa: S314 - our own file
    shown = "\n".join("".join(piece.itertext()) for piece in picture.iter())
    assert "$ make demo" in shown
    assert "Every byte is in the store." in shown
    assert shown.count("identical") >= 3
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text
