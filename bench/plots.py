"""The results as pictures; run by the Python that has matplotlib.

    bench/.venv/bin/python -P bench/plots.py docs/bench/results.json

They are written beside the results, one for each bench that was run. Nothing else of the
harness is imported here.
"""

import json
import os
import sys
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot

OURS, THEIRS = "#1f6f8b", "#b0b7bd"
MB = 1_000_000


def main() -> None:
    results = sys.argv[1]
    folder = os.path.dirname(results)
    with open(results, encoding="utf-8") as file:
        sections = json.load(file)["sections"]
    for name, draw in DRAWINGS.items():
        if name in sections:
            figure = draw(sections[name])
            figure.tight_layout()
            # Without the version of matplotlib in it, the same figures are the same bytes.
            path = os.path.join(folder, f"{name}.png")
            figure.savefig(path, dpi=110, metadata={"Software": None})
            pyplot.close(figure)


def draw_upload(section: dict[str, Any]) -> Any:
    """CPU and throughput: bars to the median, lines from the least to the most."""
    rows = section["contenders"]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 3.2))
    _bars(left, rows, "cpu_seconds_per_gb", 1.0, "CPU seconds per GB")
    _bars(right, rows, "bytes_per_second", MB, "MB/s")
    right.set_yticklabels([])
    return figure


def _bars(axes: Any, rows: dict[str, Any], name: str, scale: float, title: str) -> None:
    labels = list(reversed(rows))
    medians = [rows[label][name]["median"] / scale for label in labels]
    low = [
        m - rows[label][name]["least"] / scale for m, label in zip(medians, labels, strict=True)
    ]
    high = [
        rows[label][name]["most"] / scale - m for m, label in zip(medians, labels, strict=True)
    ]
    axes.barh(labels, medians, xerr=[low, high], color=_colors(labels), ecolor="#444")
    axes.set_title(title, fontsize=10)


def _colors(labels: list[str]) -> list[str]:
    return [OURS if label.startswith("cefmp4") else THEIRS for label in labels]


def draw_availability(section: dict[str, Any]) -> Any:
    """Seconds from close to available, and the floor."""
    figure, axes = pyplot.subplots(figsize=(8, 3.2))
    labels = [
        name for name in reversed(section["seconds"]) if section["seconds"][name]["rounds"]
    ]
    axes.barh(
        labels,
        [section["seconds"][label]["median"] for label in labels],
        color=_colors(labels),
    )
    floor = section["floor_seconds"]["median"]
    axes.axvline(floor, color="#c0392b", linestyle="--", label=f"floor {floor:.1f} s")
    axes.set_xlabel("seconds from the recorder's close to HEAD 200")
    axes.legend()
    return figure


def draw_crowd(section: dict[str, Any]) -> Any:
    """CPU and memory over the number of growing recordings."""
    rows = section["crowds"]
    counts = [row["recordings"] for row in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.2))
    left.plot(counts, [row["cpu_share"] for row in rows], "o-", color=OURS)
    left.set_ylabel("share of a core")
    right.plot(counts, [row["peak_rss_bytes"] / MB for row in rows], "o-", color=OURS)
    right.set_ylabel("peak RSS, MB")
    for axes in (left, right):
        axes.set_xlabel("growing recordings")
        axes.set_ylim(bottom=0)
    return figure


def draw_curve(section: dict[str, Any]) -> Any:
    """CPU per GB over number and size of recordings: flat, where only bytes cost."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.2))
    for axes, rows, over, label in (
        (left, section["recordings"], "recordings", "recordings of 64 MiB each"),
        (right, section["sizes"], "size_bytes", "size of one recording, bytes"),
    ):
        costs = [row["cpu_seconds_per_gb"] for row in rows]
        axes.plot([row[over] for row in rows], costs, "o-", color=OURS)
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.set_ylabel("CPU s per GB")
        axes.set_ylim(bottom=0)
    return figure


DRAWINGS = {
    "http": draw_upload,
    "tls": draw_upload,
    "seaweedfs": draw_upload,
    "availability": draw_availability,
    "crowd": draw_crowd,
    "curve": draw_curve,
}

if __name__ == "__main__":
    main()
