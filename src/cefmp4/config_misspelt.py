"""Names that look like a setting and are none.

They are passed over, so a word is said of them. What must stay true: a `.env` is also read by
docker compose and by programs beside the daemon, the environment holds what anybody needs, and
of the names of others nothing is said: a warning that comes at every start for nothing teaches
people to read none.
"""

import difflib
import re
from collections.abc import Iterable

ALIKE = 0.75
"""From this likeness on, a name is taken for a misspelling (LOG_LEVLE: LOG_LEVEL)."""
ALIKE_REST = 0.7
"""The same of what stands behind a prefix of ours (S3_SECRET_KEY: S3_SECRET_ACCESS_KEY)."""
ALIKE_AMONG_OTHERS = 0.85
"""The same of a whole name in the environment (REDIS_URI: REDIS_URL)."""
OURS = frozenset(
    {"CHUNK", "CLAIM", "EMBEDDED", "FFPROBE", "POLL", "S3", "SCAN", "STREAM", "WATCH"}
)
"""What names begin with that are hardly anybody else's.

Not so APP, LOG, MAX, OTEL, PROM, REDIS, UPLOAD, WEB, WEBHOOK: others have such names too
(WEB_CONCURRENCY, REDIS_IMAGE, UPLOAD_LOCATION); there only likeness counts.
"""
OF_RECORDERS = frozenset({"STREAM_KEY", "STREAM_NAME", "STREAM_URL"})
"""What one gives a recorder or a media server, as in one compose file with them."""
OF_SERVICES = re.compile(r"_(?:SERVICE_HOST|(?:SERVICE_)?PORT(?:_\w+)?)")
"""How variables end that Kubernetes sets in every pod, after the services there are, as `s3`
and `stream-api`: S3_SERVICE_HOST, STREAM_API_PORT_80_TCP_ADDR."""
FEW = 5
"""Up to so many names are listed."""


def misspelt(names: Iterable[str], settings: Iterable[str]) -> list[str]:
    """A line for each of these names that was likely meant to be a setting."""
    return _lines(names, [name.upper() for name in settings])


def misspelt_among_others(names: Iterable[str], settings: Iterable[str]) -> list[str]:
    """The same of the names of an environment, where most are somebody else's."""
    known = [name.upper() for name in settings]
    likely = (name for name in names if _is_likely_ours(name.upper(), known))
    return _lines(likely, known)


def _lines(names: Iterable[str], known: list[str]) -> list[str]:
    return [
        f"{name} is not a setting; {what}"
        for name in names
        if name.upper() not in known and (what := _meant(name.upper(), known))
    ]


def _is_likely_ours(name: str, known: list[str]) -> bool:
    if name.startswith("OTEL_") or OF_SERVICES.search(name):
        return False
    return name.partition("_")[0] in OURS or bool(
        difflib.get_close_matches(name, known, n=1, cutoff=ALIKE_AMONG_OTHERS)
    )


def _meant(name: str, known: list[str]) -> str:
    """What is meant by it; empty when it is nobody's business here."""
    if name.startswith("AWS_") or name in OF_RECORDERS:
        return ""
    prefix, _, rest = name.partition("_")
    ours = [setting for setting in known if setting.startswith(f"{prefix}_")]
    longer = [setting for setting in ours if setting.startswith(f"{name}_")]
    if "_" in name and longer:  # S3_BUCKET, of S3_BUCKET_NAME
        return f"is {longer[0]} meant?"
    if prefix not in OURS or not rest:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
        return f"is {nearest[0]} meant?" if nearest else ""
    # Without the prefix: it would make all of them alike.
    likeness = {setting: _likeness(rest, setting.partition("_")[2]) for setting in ours}
    likest = max(ours, key=likeness.__getitem__)
    if likeness[likest] >= ALIKE_REST:
        return f"is {likest} meant?"
    if len(ours) <= FEW:
        return f"there {'is' if len(ours) == 1 else 'are'} {', '.join(ours)}"
    return f"example.env explains all that begin with {prefix}_"


def _likeness(written: str, meant: str) -> float:
    """Of both, or of as many words of it as were written: 0 to 1."""
    if written.startswith(meant) or meant.startswith(written):
        return 1.0
    words = "_".join(meant.split("_")[: written.count("_") + 1])
    return max(difflib.SequenceMatcher(None, written, text).ratio() for text in (meant, words))
