"""Under which key a recording is stored.

A key must be something every store takes and gives back unchanged, whatever bytes the
name of the file holds: valid UTF-8, no control characters, no `.` or `..` segment, no
backslash (SeaweedFS makes `/` of it), segments of at most 255 bytes (SeaweedFS fails
only at Complete) and 1,024 bytes in all (Amazon S3, "Naming Amazon S3 objects").
What must stay true: different names give different keys, and the metadata document
beside the object (`<key>.metadata.json`) fits into the same limits.
"""

import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cefmp4.core.stream_ids import UUID_PATTERN

MAX_KEY_BYTES: Final = 1_024
MAX_SEGMENT_BYTES: Final = 255
METADATA_SUFFIX: Final = ".metadata.json"
FIELDS: Final = ("stream_id", "name", "relpath", "stem", "ext", "host", "started")

_TELLING_APART = {"stream_id", "name", "relpath", "stem"}
_STARTED_DEFAULT = "%Y%m%dT%H%M%SZ"
_STARTED_SPEC = re.compile(r"(?:%[YmdHMSjyGVu]|[^%{}])+")
# U+2028/2029 break lines, U+FFFE/FFFF may not stand in the XML of a listing.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff\\\\%]")
_SLASH = re.compile("/")
_MAX_EXTENSION_BYTES = 16


def render_key(
    template: str, *, stream_id: str, path: str, watch_dir: str, host: str, started: float
) -> str:
    """The key of a recording, from a template that `template_problem` accepts.

    `started` is in seconds since the epoch and rendered in UTC. `ext` comes without its
    dot. A path outside `watch_dir` has its name as `relpath`.
    """
    name = path.rpartition("/")[2]
    root = watch_dir.rstrip("/") + "/"
    stem, dot, extension = name.rpartition(".")
    values = {
        "stream_id": _segment(stream_id),
        "name": _segment(name),
        "relpath": _fit(path[len(root) :] if path.startswith(root) else name),
        "stem": _segment(stem if dot else name),
        "ext": _segment(extension if dot else ""),
        "host": _segment(host),
    }
    at = datetime.fromtimestamp(started, UTC)
    pieces = []
    for literal, field, spec in _pieces(template):
        pieces.append(literal)
        if field == "started":
            pieces.append(_segment(at.strftime(spec or _STARTED_DEFAULT), keep_slash=True))
        elif field is not None:
            pieces.append(values[field])
    return _within_limits("".join(pieces))


def distinct_key(key: str, stream_id: str) -> str:
    """Another fit key beside `key`, for a stream that found its own one taken."""
    folders, slash, last = key.rpartition("/")
    stem, dot, extension = last.rpartition(".")
    name = f"{stem}~{stream_id}.{extension}" if dot else f"{last}~{stream_id}"
    return _within_limits(folders + slash + name)


def key_problem(key: str) -> str | None:
    """Why a store would refuse this key, or change it; None when it is fit."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if size > MAX_KEY_BYTES:
        return f"is longer than {MAX_KEY_BYTES} bytes"
    if not key or key.startswith("/"):
        return "must not be empty or begin with '/'"
    if "\\" in key:
        return "must not hold a backslash"
    if _UNFIT.search(key.replace("%", "")):
        return "must not hold control characters"
    segments = key.split("/")
    if {"", ".", ".."} & set(segments):
        return "must not hold an empty, '.' or '..' segment"
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        return f"has a segment longer than {MAX_SEGMENT_BYTES} bytes"
    return None


def template_problem(template: str) -> str | None:
    """Why `S3_KEY_TEMPLATE` cannot be used, None when it can."""
    try:
        pieces = list(_pieces(template))
    except ValueError as error:
        return f"must be a template with fields in braces: {error}"
    fields = {field for _, field, _ in pieces if field is not None}
    if unknown := sorted(fields - set(FIELDS)):
        return f"must use only the fields {', '.join(FIELDS)}, not {', '.join(unknown)}"
    if not fields & _TELLING_APART:
        return f"must hold at least one of {', '.join(sorted(_TELLING_APART))}"
    for _, field, spec in pieces:
        if spec and (field != "started" or not _STARTED_SPEC.fullmatch(spec)):
            return "must give a format only to started, of %Y %m %d %H %M %S %j %y %G %V %u"
    # Literal text is taken as it is, so it is tried as a key.
    literal = "".join(text + ("x" if field else "") for text, field, _ in pieces)
    return key_problem(literal)


def literal_prefix(template: str) -> str:
    """What all keys of a template begin with, whatever the recording."""
    return next(_pieces(template))[0]


def place_of_id(template: str) -> re.Pattern[str]:
    """Matches the keys of a template; its first group is the stream id.

    Without `{stream_id}` in it those of `distinct_key`, which are all that hold an id.
    """
    pattern, own_place = "", False
    for literal, field, _ in _pieces(template):
        pattern += re.escape(literal)
        if field == "stream_id":
            pattern += f"(?:{UUID_PATTERN})" if own_place else f"({UUID_PATTERN})"
            own_place = True
        elif field is not None:
            pattern += ".*?" if field in ("relpath", "started") else "[^/]*?"
    return re.compile(pattern if own_place else rf".*~({UUID_PATTERN})(?:\.[^/]*)?")


def _pieces(template: str) -> Iterator[tuple[str, str | None, str]]:
    """Literal text, then the field that follows it (None at the end) and its format."""
    for literal, field, spec, conversion in string.Formatter().parse(template):
        if conversion:
            raise ValueError(f"'!{conversion}' is not known")
        yield literal, field, spec or ""


def _segment(text: str, *, keep_slash: bool = False) -> str:
    """A value as it may stand inside one segment."""
    return _fit(text) if keep_slash else _SLASH.sub("%2F", _fit(text))


def _fit(text: str) -> str:
    """Percent-encode what no key may hold, and `%` itself so that nothing collides."""
    return _UNFIT.sub(_percent, text)


def _percent(found: re.Match[str]) -> str:
    character = found.group()
    if "\udc80" <= character <= "\udcff":  # a byte that is no UTF-8, as `os.fsdecode` puts it
        return f"%{ord(character) - 0xDC00:02X}"
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _within_limits(key: str) -> str:
    *folders, last = (_no_dots(segment) for segment in key.split("/"))
    room = len(METADATA_SUFFIX)
    last = _shorten(last, MAX_SEGMENT_BYTES - room)
    folders = [_shorten(folder, MAX_SEGMENT_BYTES) for folder in folders]
    whole = "/".join([*folders, last])
    left = MAX_KEY_BYTES - room - len(last.encode()) - 1
    if len(whole.encode()) <= MAX_KEY_BYTES - room:
        return whole
    mark = "~" + _digest(whole)
    return _cut("/".join(folders), left - len(mark)).rstrip("/") + mark + "/" + last


def _no_dots(segment: str) -> str:
    return segment.replace(".", "%2E") if segment in (".", "..") else segment or "_"


def _shorten(segment: str, limit_bytes: int) -> str:
    """Cut to `limit_bytes`, keeping the extension; a hash tells what was cut apart."""
    if len(segment.encode()) <= limit_bytes:
        return segment
    extension = segment[segment.rfind(".") :] if "." in segment else ""
    if len(extension.encode()) > _MAX_EXTENSION_BYTES:
        extension = ""
    tail = f"~{_digest(segment)}{extension}"
    return _cut(segment, limit_bytes - len(tail.encode())) + tail


def _cut(text: str, limit_bytes: int) -> str:
    """At most `limit_bytes` of UTF-8, no character and no percent-encoding torn."""
    cut = text.encode()[:limit_bytes].decode("utf-8", "ignore")
    return re.sub(r"%[0-9A-F]?\Z", "", cut)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
