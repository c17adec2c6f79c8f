"""The figures as rows of text: one table or more for each bench that was run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measure import Numbers
from bench.targets import DAEMON, at, beyond_bytes, ratio

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Rows:
    """One table."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def all_tables(sections: Numbers) -> list[Rows]:
    """Of everything that was measured, in the order of the benches."""
    return [
        rows for name, make in _TABLES.items() if name in sections for rows in make(sections)
    ]


def _figure(value: float | None, scale: float = 1.0) -> str:
    """Three digits that count; whole numbers whole."""
    if value is None:
        return ""
    scaled = value / scale
    return f"{scaled:,.0f}" if abs(scaled) >= 1000 else f"{scaled:.3g}"


def _spread(row: Any, scale: float = 1.0) -> str:
    """Median, and in brackets from the least to the most."""
    if not row or row["median"] is None:
        return ""
    median = _figure(row["median"], scale)
    if row["rounds"] < 2:
        return median
    return f"{median} ({_figure(row['least'], scale)} .. {_figure(row['most'], scale)})"


def _uploads(store: str, section: Numbers) -> Iterator[Rows]:
    head = ("", "CPU s per GB", "beside cefmp4", "MB/s", "seconds", "peak RSS, MB")
    ours = at(section, "contenders", DAEMON, "cpu_seconds_per_gb", "median")
    rows = [
        (
            name,
            _spread(row["cpu_seconds_per_gb"]),
            _figure(ratio(row["cpu_seconds_per_gb"]["median"], ours)) + " x",
            _spread(row["bytes_per_second"], MB),
            _spread(row["seconds"]),
            _spread(row["peak_rss_bytes"], MB),
        )
        for name, row in section["contenders"].items()
    ]
    failed = ", ".join(section["failed"])
    note = f"Some rounds did not end well: {failed}." if failed else ""
    size = _figure(section["size_bytes"], MB)
    yield Rows(f"One file of {size} MB to {store}", head, rows, note)


def _availability(sections: Numbers) -> Iterator[Rows]:
    section = sections["availability"]
    ours = at(section, "seconds", "cefmp4", "median")
    rows = [
        (name, _spread(row), _figure(ratio(row["median"], ours)) + " x")
        for name, row in section["seconds"].items()
    ]
    rows.append(("the floor", _spread(section["floor_seconds"]), ""))
    megabytes = max(section["size_bytes"]) / MB
    link = section["link_bits_per_second"] / MB
    title = f"From close to available: {megabytes:.0f} MB over {link:.0f} Mbit/s"
    yield Rows(title, ("", "seconds", "beside cefmp4"), rows)


def _crowd(sections: Numbers) -> Iterator[Rows]:
    section = sections["crowd"]
    head = ["", *(f"{row['recordings']:,}" for row in section["crowds"])]
    lines: dict[str, Callable[[Numbers], str]] = {
        "CPU, share of a core": lambda r: _figure(r["cpu_share"]),
        "of one recording that grows as fast": lambda r: _figure(
            at(r, "bytes_alone", "cpu_share")
        ),
        "beyond the cost of the bytes": lambda r: _figure(beyond_bytes(r)),
        "MB sent per second": lambda r: _figure(r["gb_per_second"], 0.001),
        "peak RSS, MB": lambda r: _figure(r["peak_rss_bytes"], MB),
        "longest iteration of the event loop, ms": lambda r: _figure(
            r["longest_block_seconds"], 0.001
        ),
        "open file descriptors": lambda r: _figure(r["open_files"]),
        "script calls to the state server per second": lambda r: _figure(
            r["state_calls_per_second"]
        ),
        "commands in the state server per second": lambda r: _figure(
            r["state_commands_per_second"]
        ),
        "part due to part stored, s (p50 / p99)": lambda r: _delay(
            r["part_sent_after_seconds"]
        ),
        "first byte to begun, s (p50 / p99)": lambda r: _delay(r["begun_after_seconds"]),
        "parts due, of which never sent": lambda r: (
            f"{r['part_sent_after_seconds']['count'] + r['parts_not_sent']}, "
            f"{r['parts_not_sent']}"
        ),
        "new files not begun": lambda r: str(r["not_begun"]),
    }
    rows = [[name, *(tell(row) for row in section["crowds"])] for name, tell in lines.items()]
    each = section["bytes_per_second_each"] // 1024
    yield Rows(f"Many recordings, each growing by {each} KiB/s", head, rows)


def _delay(row: Numbers) -> str:
    return f"{_figure(row['p50'])} / {_figure(row['p99'])}" if row["count"] else ""


def _looks(sections: Numbers) -> Iterator[Rows]:
    row = sections["looks"]
    page = row["page_seconds"] or {}
    rows = [
        ("a page of the list, ms (p50 / p99)", _times(row["list_seconds"])),
        ("its size at most, kB", _figure(row["list_bytes"], 1_000)),
        ("/metrics, ms (p50 / p99)", _times(row["metrics_seconds"])),
        ("its size, kB", _figure(row["metrics_bytes"], 1_000)),
        ("live line of 50 rows, kB per second", _figure(row["line_bytes_per_second"], 1_000)),
        ("page opened to rows that can be read, s", _figure(page.get("opened"))),
        ("search typed to rows, s", _figure(page.get("filtered"))),
        ("CPU of the daemon meanwhile, share of a core", _figure(row["cpu_share"])),
        ("longest loop iteration, ms", _figure(row["longest_block_seconds"], 0.001)),
    ]
    yield Rows(
        f"Looking at {row['recordings']:,} growing recordings", ("what", "measured"), rows
    )


def _times(row: Numbers) -> str:
    return f"{_figure(row['p50'], 0.001)} / {_figure(row['p99'], 0.001)}"


def _restart(sections: Numbers) -> Iterator[Rows]:
    rows = [
        (
            f"{row['streams']:,}",
            _figure(row["seconds"]),
            _figure(row["ready_seconds"]),
            _figure(row["sample_arrived_seconds"]),
            _figure(row["cpu_seconds"]),
            _figure(row["peak_rss_bytes"], MB),
        )
        for row in sections["restart"]["starts"]
    ]
    head = ("streams", "taken up, s", "ready, s", "sample sent, s", "CPU s", "peak RSS, MB")
    yield Rows("Start-up with streams in flight", head, rows)


def _roundtrips(sections: Numbers) -> Iterator[Rows]:
    section = sections["roundtrips"]
    told = section["per_part"]
    rows = [
        ("script calls, each an exchange", _figure(told["script_calls"])),
        ("exchanges, with the questions once a second", _figure(told["exchanges"])),
        ("bytes sent to it", _figure(told["bytes_sent"])),
        ("bytes answered by it", _figure(told["bytes_answered"])),
    ]
    yield Rows("What a part costs the state server", ("", "per part"), rows)
    names = sorted({name for row in section["recordings"] for name in row["calls"]})
    head = ("", *(f"{row['parts']} parts" for row in section["recordings"]))
    calls = [
        (name, *(str(row["calls"].get(name, 0)) for row in section["recordings"]))
        for name in names
    ]
    yield Rows("S3 calls for one closed recording", head, calls)


def _decisions(sections: Numbers) -> Iterator[Rows]:
    section = sections["decisions"]
    plans = [
        (
            f"{row['parts']:,}",
            _figure(row["nothing_due_per_second"]),
            _figure(row["part_due_per_second"]),
        )
        for row in section["plans"]
    ]
    head = ("parts stored", "nothing due", "16 parts due")
    yield Rows("Calls of `plan` per second of CPU", head, plans)
    scans = [
        (
            f"{row['files']:,}",
            _figure(row["list_tree_cpu_seconds"]),
            _figure(row["daemon_scan_cpu_seconds"]),
        )
        for row in section["scans"]
    ]
    yield Rows("CPU seconds of a scan", ("files", "`list_tree`", "by the daemon"), scans)


def _curve(sections: Numbers) -> Iterator[Rows]:
    section = sections["curve"]
    for name, title in (("recordings", "number"), ("sizes", "size")):
        rows = [
            (
                f"{row['recordings']:,} x {row['size_bytes'] / 1024**2:,.0f} MiB",
                _figure(row["cpu_seconds_per_gb"]),
                _figure(row["seconds"]),
                _figure(row["peak_rss_bytes"], MB),
            )
            for row in section[name]
        ]
        head = ("recordings", "CPU s per GB", "seconds", "peak RSS, MB")
        yield Rows(f"Cost of a byte over the {title} of recordings", head, rows)


def _ways(sections: Numbers) -> Iterator[Rows]:
    section = sections["ways"]
    told = section["cpu_seconds_per_gb"]
    names = dict.fromkeys(name for rows in told.values() for name in rows)
    rows = [(name, *(_spread(at(told, over, name)) for over in told)) for name in names]
    head = ("", *(over.upper() for over in told))
    yield Rows("Ways of the bytes of a part: client CPU seconds per GB", head, rows)
    reading = section["reading"]
    yield Rows(
        "Reading a closed recording again",
        ("what", "measured"),
        [
            ("from the disk, MB/s", _spread(reading["cold_bytes_per_second"], MB)),
            ("the same by `dd`, MB/s", _spread(reading["dd_cold_bytes_per_second"], MB)),
            (
                "from the page cache, CPU s per GB",
                _spread(reading["warm_cpu_seconds_per_gb"]),
            ),
        ],
    )


_TABLES: dict[str, Callable[[Numbers], Iterator[Rows]]] = {
    "http": lambda sections: _uploads("the sink over HTTP", sections["http"]),
    "tls": lambda sections: _uploads("the sink over TLS", sections["tls"]),
    "seaweedfs": lambda sections: _uploads("SeaweedFS", sections["seaweedfs"]),
    "availability": _availability,
    "crowd": _crowd,
    "looks": _looks,
    "restart": _restart,
    "roundtrips": _roundtrips,
    "decisions": _decisions,
    "curve": _curve,
    "ways": _ways,
}
