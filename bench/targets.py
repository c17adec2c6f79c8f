"""What the figures are held against, and whether they meet it."""

from dataclasses import dataclass
from typing import Any

from bench.measure import Numbers

DAEMON, LARGE = "cefmp4 (daemon)", "cefmp4 (daemon), 64 MiB parts"
MB = 1_000_000
LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class Target:
    """One row: what is wanted, what was measured, and whether that is enough."""

    what: str
    wanted: str
    measured: float | None
    met: bool | None
    """None where it was not measured."""

    @property
    def verdict(self) -> str:
        return {True: "met", False: "**not met**", None: "not measured"}[self.met]


def targets(sections: Numbers) -> list[Target]:
    """All rows, measured or not."""
    return [
        *_against_peers(sections),
        *_availability(sections.get("availability", {})),
        *_memory(sections),
        *_crowd(sections),
        *_looks(sections.get("looks", {})),
        *_restart(sections.get("restart", {})),
        _exactly_one(sections.get("roundtrips", {})),
    ]


def at(found: Any, *names: str) -> Any:
    """What lies at the end of these names, None where there is nothing."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def crowd_of(sections: Numbers, count: int) -> Numbers:
    """The figures of so many recordings, empty where they were not measured."""
    rows = at(sections, "crowd", "crowds") or []
    found: Numbers = next((row for row in rows if row["recordings"] == count), {})
    return found


def beyond_bytes(row: Numbers) -> float | None:
    """CPU share without what the same bytes cost as one recording."""
    alone = at(row, "bytes_alone")
    if not alone or not alone["gb_per_second"]:
        return None
    share: float = row["cpu_share"]
    cost: float = alone["cpu_share"] / alone["gb_per_second"] * row["gb_per_second"]
    return share - cost


def _at_most(what: str, wanted: str, limit: float, measured: float | None) -> Target:
    return Target(what, wanted, measured, None if measured is None else measured <= limit)


def _below(what: str, wanted: str, limit: float, measured: float | None) -> Target:
    return Target(what, wanted, measured, None if measured is None else measured < limit)


def _upload(sections: Numbers, store: str, name: str, figure: str) -> float | None:
    found: float | None = at(sections, store, "contenders", name, figure, "median")
    return found


def _against_peers(sections: Numbers) -> list[Target]:
    def compared(store: str, figure: str, peer: str) -> float | None:
        return ratio(
            _upload(sections, store, DAEMON, figure), _upload(sections, store, peer, figure)
        )

    cpu, rate = "cpu_seconds_per_gb", "bytes_per_second"
    speed = compared("seaweedfs", rate, "s5cmd")
    http, tls = "http", "tls"
    return [
        _at_most("CPU per GB over HTTP / s5cmd", "<= 0.5", 0.5, compared(http, cpu, "s5cmd")),
        _at_most("CPU per GB over HTTP / rclone", "<= 0.3", 0.3, compared(http, cpu, "rclone")),
        _at_most("CPU per GB over TLS / rclone", "<= 0.7", 0.7, compared(tls, cpu, "rclone")),
        Target(
            "throughput to SeaweedFS / s5cmd",
            ">= 0.95",
            speed,
            None if speed is None else speed >= 0.95,
        ),
    ]


def _availability(section: Numbers) -> list[Target]:
    seconds = {
        name: row["median"]
        for name, row in (at(section, "seconds") or {}).items()
        if row["median"] is not None
    }
    best = min((took for name, took in seconds.items() if name != "cefmp4"), default=None)
    to_floor = at(section, "cefmp4_to_floor", "median")
    to_best = ratio(seconds.get("cefmp4"), best)
    return [
        _at_most("time to available / best peer", "<= 0.1", 0.1, to_best),
        _at_most("time to available / floor", "<= 1.3", 1.3, to_floor),
    ]


def _memory(sections: Numbers) -> list[Target]:
    upload = _upload(sections, "http", LARGE, "peak_rss_bytes")
    wanted = [("one 1 GB upload in 64 MiB parts", 120, upload)]
    wanted += [
        (
            f"{count:,} growing recordings",
            limit,
            crowd_of(sections, count).get("peak_rss_bytes"),
        )
        for count, limit in ((1_000, 250), (5_000, 600))
    ]
    return [
        _below(f"peak RSS, {what}, MB", f"< {limit}", limit, ratio(measured, MB))
        for what, limit, measured in wanted
    ]


def _crowd(sections: Numbers) -> list[Target]:
    row = crowd_of(sections, 1_000)
    beyond = beyond_bytes(row)
    begun = at(row, "begun_after_seconds", "p99")
    return [
        _below("1,000 growing: share of a core beyond the bytes", "< 0.10", 0.10, beyond),
        _at_most("1,000 growing: new file begun, p99 seconds", "<= 0.5", 0.5, begun),
    ]


def _looks(section: Numbers) -> list[Target]:
    if section.get("recordings") != LOOKED_AT:
        section = {}
    listed, scraped = at(section, "list_seconds", "p99"), at(section, "metrics_seconds", "most")
    line = ratio(section.get("line_bytes_per_second"), 1_000)
    return [
        _below("5,000 growing: a page of the list, p99 seconds", "< 0.2", 0.2, listed),
        _below("5,000 growing: /metrics, longest, seconds", "< 1", 1.0, scraped),
        _below("5,000 growing: live line of a page, kB/s", "< 100", 100.0, line),
    ]


def _restart(section: Numbers) -> list[Target]:
    rows = at(section, "starts") or []
    seconds = next((row["seconds"] for row in rows if row["streams"] == 10_000), None)
    return [_below("10,000 streams taken up again, seconds", "< 15", 15.0, seconds)]


def _exactly_one(section: Numbers) -> Target:
    measured = at(section, "per_part", "script_calls")
    met = None if measured is None else abs(measured - 1.0) < 0.005
    return Target("state round trips per part", "1", measured, met)
