"""What a document names and the code does not have: one function for each kind of name.

Each takes a text and yields the words in it that there are none of. What belongs to others is
in the lists on top, each with its reason; what is not in them and not in the code is wrong.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from docs import known
from docs.links import links
from docs.texts import Text, files_of_the_house

FOREIGN = {
    "ACCOUNT_ID": "a reader's own, in the guides",
    "ADMIN_KEY": "a reader's own, in the guides",
    "AF_": "the kernel",
    "AWS_": "the AWS SDK and its command line",
    "CAP_": "the kernel",
    "CEFMP4_KEY": "a reader's own, in the guides",
    "CERTIFICATE_VERIFY_FAILED": "OpenSSL",
    "COMPOSE_PROFILES": "Docker Compose",
    "CONTAINER_": "docker-compose.yml, for what it gives to the container",
    "DEBIAN_FRONTEND": "Debian",
    "GF_": "Grafana",
    "GH_": "GitHub's command line",
    "GITHUB_": "GitHub Actions",
    "GRAFANA_PASSWORD": "docker-compose.yml",
    "MINIO_": "MinIO",
    "OTEL_EXPORTER_": "OpenTelemetry",
    "OTEL_RESOURCE_": "OpenTelemetry",
    "OTEL_SERVICE_": "OpenTelemetry",
    "PIP_": "pip",
    "POSIX_": "the kernel",
    "REDIS_IMAGE": "docker-compose.yml",
    "SEAWEEDFS_IMAGE": "docker-compose.yml",
    "S3_SECRET_ACCESS_KEY_FILE": "what other images have, and the guide says ours has not",
    "SOAK_SEED": "the soak test, tests/crash",
    "SSL_CERT_": "OpenSSL",
}
"""Names in capitals, or their beginnings, that are no settings, and whose they are."""
FOREIGN_WORDS = {
    "container_file_t": "SELinux",
    "repository_url": "a reader's own",
    "segment_wrap": "ffmpeg",
}
"""Names in small letters, and whose they are."""
FOREIGN_FILES = {
    ".venv": "what `make setup` builds",
    ".metadata.json": "the end of a key in the store",
    "docker-compose.override.yml": "a reader's own",
    "mediamtx.yml": "MediaMTX",
}
"""Ends of names of files that are not in the repository, and whose they are."""

_UPPER = re.compile(r"(?<![\w$])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?!\w|\.md)")
_SET = re.compile(r"(?<![\w$])([A-Z][A-Z0-9_]+)=[\"']?([\w|]+(?::\w+)?)")
_METRIC = re.compile(
    r"(?<![\w./:-])(cefmp4_[a-z0-9_]+|video_[a-z0-9_]+|streams_[a-z]+_total|active_streams_\w+)"
    r"(?![\w/.-]*[/(])(?:\{([^}\n]*)\})?"
)
_LABEL = re.compile(r"(\w+) *(?:=~|!~|!=|=|,|$)")
_LOWER = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_QUERY = re.compile(r"[?&](status|verdict|sort|order)=([a-z_]+)")
_STATUS = re.compile(r"(?:\bstatus=~?\\?\"|--status[ =])([a-z_|]+)")
_PATH = re.compile(
    r"(?:\b(GET|POST|PUT|DELETE|PATCH) |\b(?:localhost|127\.0\.0\.1|app):8000|\[::1\]:8000"
    r"|(?<![\w.)>*/}:-])(?=/(?:api|page|healthz|readyz|metrics)\b))(/[\w/{}…$-]*)(?![\w.]*\.\w)"
)
_COMMAND = re.compile(
    r"(?:(?<!\S)(--?\w\S*|[A-Z]+) )?(?<![\w/.-])cefmp4 ((?:[a-z-]|\\-)[^\n|;&#`)\"']*)"
)
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")
_MAKE = re.compile(r"(?:^|&& |\$ |run: |sh -c \")make ((?:[a-z][a-z-]* ?)+)", re.MULTILINE)
_KEY = re.compile(r"cefmp4:(?:events|instances|\{[^}\n]*\}[\w:{}*<>|.]*|[a-z_]+)")
_FILE = re.compile(r"(?:[\w.*-]+/)*[\w.*-]+\.(?:py|md|ya?ml|toml|env|mmd|mjs|json|in|txt|cfg)")
_PLACE = re.compile(r"(?:src|tests|docs|deploy|bench|tools|\.github|\.ci)/[\w./*-]+")


def settings(text: Text) -> Iterator[str]:
    """Words like those of settings, and what they are set to where there is a choice."""
    for name, values in _SET.findall(text.text):
        choices = known.choices().get(name)
        if choices and not set(values.lower().split("|")) <= choices:
            yield f"{name}={values}"
    for name in _UPPER.findall(text.text):
        if name in known.SETTINGS or name in known.words_of_the_code():
            continue
        if not name.startswith(tuple(FOREIGN)):
            yield name


def metrics(text: Text) -> Iterator[str]:
    """Names of metrics, and the labels that stand behind them in braces."""
    there = known.metrics()
    for name, labels in _METRIC.findall(text.text):
        if name not in there:
            yield name
        else:
            asked = set(_LABEL.findall(re.sub(r'\\?"[^"]*"', "", labels)))
            yield from (f"{name}{{{label}}}" for label in sorted(asked - there[name]))


def statuses(text: Text) -> Iterator[str]:
    """What a query, an option or an expression asks for."""
    for name, value in _QUERY.findall(text.text):
        if value not in known.QUERY[name]:
            yield f"{name}={value}"
    for values in _STATUS.findall(text.text):
        there = known.QUERY["status"]
        yield from (f"status={one}" for one in values.split("|") if one not in there)


def words(text: Text) -> Iterator[str]:
    """Names in small letters, as `completed_with_meta`: a status, a field, a function."""
    there = known.code("src/", "bench/", "tests/", "deploy/", "tools/reference/")
    for span in text.spans:
        for word in _LOWER.findall(span):
            if word in {*known.metrics(), *FOREIGN_WORDS} or word in known.words_of_the_code():
                continue
            if word not in there:  # not even the end of another, as of a test's name
                yield word


def endpoints(text: Text) -> Iterator[str]:
    """Paths that are asked for over HTTP, and by which method where it is said."""
    for code in text.code:
        for method, path in _PATH.findall(code):
            asked = path if path == "/" else path.rstrip("/")
            there = known.endpoints()
            if not any(_is_at(asked, one) and method in ("", by) for by, one in there):
                yield f"{method} {path}".strip()


def _is_at(path: str, there: str) -> bool:
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(there))
    return re.fullmatch(pattern, path) is not None


def commands(text: Text) -> Iterator[str]:
    """Commands of ours, and the options they are given."""
    for code in text.code:
        for before, line in _COMMAND.findall(code.replace("\\\n", " ")):
            if before:  # as of kubectl -n, or SETUSER: it is the name of something
                continue
            first, *rest = line.replace("\\-", "-").split()
            command = "" if first.startswith("-") else first
            options = known.commands().get(command)
            if options is None:
                yield f"cefmp4 {command}"
                continue
            for option in _OPTION.findall(" ".join([first, *rest])):
                if option not in options:
                    yield f"cefmp4 {command} {option}"


def targets(text: Text) -> Iterator[str]:
    """What `make` is told to make."""
    for code in text.code:
        for told in _MAKE.findall(code):
            yield from (f"make {one}" for one in told.split() if one not in known.targets())


def keys(text: Text) -> Iterator[str]:
    """Keys of the state server."""
    for key in _KEY.findall(text.text):
        pattern = re.sub(r"\{[^}]*\}|<[^>]*>|\bID\b", "*", key).rstrip(".")
        if not any(fnmatchcase(one, pattern) for one in known.state_keys()):
            yield key


def files(text: Text) -> Iterator[str]:
    """Files and folders of the repository."""
    there = files_of_the_house()
    for span in text.spans:
        places = set(_PLACE.findall(span)) if _PLACE.fullmatch(span) else set()
        places |= set(_FILE.findall(span)) if _FILE.fullmatch(span) else set()
        for place in places:
            wanted = place.strip("/")
            if wanted.endswith(tuple(FOREIGN_FILES)) or wanted in there:
                continue
            spelt = _spelt(wanted)
            if not any(fnmatchcase(one, pattern) for pattern in spelt for one in there):
                yield place


def _spelt(place: str) -> tuple[str, ...]:
    """As a document may spell it: without the folders before it, a test without its end."""
    return place, f"*/{place}", f"{place}.py", f"{place}*.py"


KINDS: Mapping[str, Callable[[Text], Iterator[str]]] = {
    kind.__name__: kind
    for kind in (
        settings, metrics, statuses, words, endpoints, commands, targets, keys, files, links,
    )
}  # fmt: skip
