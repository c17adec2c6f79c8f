"""What the guide on sizing says was measured, was."""

import json
from typing import Any

import pytest

from cefmp4.core.geometry import geometry_for
from cefmp4.settings import Settings
from docs.pages import HOUSE

GUIDE = HOUSE / "docs" / "guides" / "sizing.md"
RESULTS = HOUSE / "docs" / "bench" / "results.json"


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """The sections of the bench."""
    sections: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))["sections"]
    return sections


def _table(rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"| {what} | {figure} |" for what, figure in rows)


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:.0f} MB"


def _one_recording(measured: dict[str, Any]) -> str:
    def cpu(section: str) -> float:
        daemon = measured[section]["contenders"]["cefmp4 (daemon)"]
        return float(daemon["cpu_seconds_per_gb"]["median"])

    again = measured["ways"]["reading"]["warm_cpu_seconds_per_gb"]["median"]
    per_part, calls = (
        measured["roundtrips"]["per_part"],
        measured["roundtrips"]["recordings"][-1],
    )
    largest = measured["curve"]["sizes"][-1]
    return _table(
        [
            ("processor, for each GB sent over plain HTTP", f"{cpu('http'):.1f} s"),
            ("processor, for each GB sent over TLS", f"{cpu('tls'):.1f} s"),
            (
                "of that, reading the closed file again (it is in the page cache)",
                f"{again:.1f} s",
            ),
            (
                f"memory, at the most, for one of {largest['size_bytes'] / 1024**3:.0f} GiB",
                _megabytes(largest["peak_rss_bytes"]),
            ),
            (
                "calls of the state server, for each part",
                f"{per_part['script_calls']:.0f}, of {per_part['bytes_sent']:.0f} bytes",
            ),
            (
                f"requests to the store, for a recording of {calls['parts']} parts",
                f"{sum(calls['calls'].values())}",
            ),
        ]
    )


def _many_recordings(measured: dict[str, Any]) -> str:
    return "\n".join(
        f"| {crowd['recordings']:,} | {8 * crowd['gb_per_second'] * 1000:.0f} Mbit/s"
        f" | {100 * crowd['cpu_share']:.0f} % of a core | {_megabytes(crowd['peak_rss_bytes'])}"
        f" | {crowd['open_files']} | {crowd['state_calls_per_second']:.0f} |"
        for crowd in measured["crowd"]["crowds"]
    )


def _starts(measured: dict[str, Any]) -> str:
    return _table(
        [
            (
                f"{start['streams']:,} recordings under way are all taken up again after",
                f"{start['seconds']:.0f} s, with {_megabytes(start['peak_rss_bytes'])}",
            )
            for start in measured["restart"]["starts"]
        ]
    )


@pytest.mark.parametrize("figures", [_one_recording, _many_recordings, _starts])
def test_the_figures_of_the_guide_are_those_that_were_measured(
    figures: Any, measured: dict[str, Any]
) -> None:
    """After a new `make bench` the guide is to be told. Seen failing with one digit changed."""
    wanted = figures(measured)
    assert wanted in GUIDE.read_text(encoding="utf-8"), f"put this into the guide:\n{wanted}"


@pytest.mark.parametrize(
    ("page", "setting", "part_mib"),
    [
        ("cloudflare-r2.md", "1 TiB (the default)", 105),
        ("cloudflare-r2.md", "MAX_RECORDING_BYTES=100000000000", 10),
        ("backblaze-b2.md", "MAX_RECORDING_BYTES=500000000000", 48),
    ],
)
def test_equal_parts_are_as_large_as_the_guides_say(
    page: str, setting: str, part_mib: int
) -> None:
    """By the rule that places them. Seen failing with another figure in a guide."""
    fields, text = Settings.model_fields, (GUIDE.parent / page).read_text(encoding="utf-8")
    _, _, told = setting.partition("=")
    largest = int(told) if told else fields["max_recording_bytes"].default
    geometry = geometry_for(fields["chunk_size_bytes"].default, True, largest)
    assert geometry.base_bytes == part_mib * 1024**2
    assert setting in text
    assert f"{part_mib} MiB" in text
