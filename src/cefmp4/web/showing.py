"""What rows, the summary and the details look like in JSON: pure, of values.

The words are the contract with the page and with scripts (`docs/http.md`). Every text in
them may come from outside, and is valid; errors and reasons are without secrets.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import asdict, dataclass
from typing import Any

from cefmp4 import __version__
from cefmp4.core.media import Probe
from cefmp4.core.model import Checkpoint
from cefmp4.lookout import Sighting
from cefmp4.problems import Problem
from cefmp4.rows import Row
from cefmp4.web.strip import strip_of
from cefmp4.web.words import names_within, plain, said, shown

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while this process runs."""

    instance: str
    host: str
    watch_dir: str
    bucket: str
    part_bytes: int
    """Length of part 1 of a recording that has not begun."""
    can_steer: bool
    """WEB_TOKEN is set."""

    @property
    def name_of(self) -> Callable[[str], str]:
        """What makes of a path the name within the watched directory."""
        return names_within(self.watch_dir)


def row_json(row: Row, now: float, name_of: Callable[[str], str]) -> Json:
    trouble = row.trouble and {
        "error": said(row.trouble.error),
        "hint": said(row.trouble.hint),
        "since": row.trouble.since,
        "failures": row.failures,
    }
    at_risk_since = row.at_risk_since
    return {
        "stream_id": row.stream_id,
        "name": name_of(row.path),
        "path": shown(row.path),
        "status": row.status,
        "verdict": row.verdict.value,
        "why": said(row.why),
        "since": row.since,
        "hint": said(row.hint),
        "trouble": trouble,
        "disk_bytes": row.disk_bytes,
        "sent_bytes": row.sent_bytes,
        "unsent_bytes": row.unsent_bytes,
        "at_risk_since": at_risk_since,
        "at_risk_seconds": 0.0 if at_risk_since is None else max(0.0, now - at_risk_since),
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "duration_seconds": plain(row.duration_seconds),
        "key": shown(row.key),
        "parts": row.parts,
        "resent": row.resent,
        "can": list(row.can),
    }


@dataclass(frozen=True, slots=True)
class Figures:
    """What the summary tells beside the streams."""

    stored_today: int = 0
    failed: int = 0
    bytes_per_second: float = 0.0
    slots_used: int = 0
    slots_limit: int = 0
    rate_limit_bytes_per_second: int = 0
    """0: there is none."""
    starting: bool = False
    """Nobody has looked yet: every figure is 0 because it is not known."""
    gone_through: bool = False
    """The watched directory was gone through once: until then there may be more."""


def summary_json(
    about: About, now: float, sighting: Sighting, figures: Figures, problems: Iterable[Problem]
) -> Json:
    return {
        "now": now,
        "instance": shown(about.instance),
        "version": __version__,
        "host": shown(about.host),
        "watch_dir": shown(about.watch_dir),
        "active": len(sighting.rows),
        "at_risk": sighting.at_risk,
        "unsent_bytes": sighting.unsent_bytes,
        "at_risk_seconds": sighting.at_risk_seconds,
        "can_steer": about.can_steer,
        **asdict(figures),
        "problems": [
            {**asdict(problem), "why": said(problem.why), "hint": said(problem.hint)}
            for problem in problems
        ],
    }


def detail_json(
    about: About, row: Row, checkpoint: Checkpoint | None, in_flight: Set[int], now: float
) -> Json:
    cp, size_bytes = checkpoint, row.disk_bytes
    if size_bytes is None:
        size_bytes = cp.sent_end if cp else 0
    part_bytes = cp.geometry.length_of(1) if cp else about.part_bytes
    stored = cp.stored if cp else None
    crc = stored.crc64nvme if stored else None
    history = cp.history if cp else ()
    return {
        "row": row_json(row, now, about.name_of),
        "strip": strip_of(cp, size_bytes, in_flight, part_bytes),
        "part_bytes": part_bytes,
        "history": [
            {"at": entry.at, "what": said(entry.what), "why": said(entry.why)}
            for entry in history
        ],
        "media": media_json(cp.media) if cp and cp.media else None,
        "poster": poster_url(cp) if cp and poster_key(cp) else None,
        "bucket": cp.bucket if cp else about.bucket,
        "upload_id": shown(cp.upload_id) if cp and cp.upload_id else None,
        "etag": shown(stored.etag) if stored else None,
        "checksum": None if crc is None else f"{crc:016x}",
        "seal_reason": cp.seal.reason.value if cp and cp.seal else None,
    }


def media_json(media: Probe) -> Json:
    return {
        "duration_seconds": plain(media.duration_seconds),
        "video": _track(media.video),
        "audio": _track(media.audio),
        "playable": media.playable,
        "prober": plain(media.prober),
        "problem": plain(media.problem),
    }


def _track(told: Mapping[str, Any] | None) -> Json | None:
    return {name: plain(value) for name, value in told.items()} if told else None


def poster_key(checkpoint: Checkpoint) -> str | None:
    """Under which key a picture of the recording stands; None when there is none."""
    return checkpoint.poster.key if checkpoint.poster else None


def poster_url(checkpoint: Checkpoint) -> str:
    return f"/api/streams/{checkpoint.stream_id}/poster"
