"""The metadata JSON, as a page: what its published schema says, and a real one.

What must stay true: the page says nothing that the schema does not; but for the units, which
a JSON Schema has no word for.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cefmp4.metadata import SCHEMA_VERSION, metadata_schema

EXAMPLE = Path(__file__).parents[2] / "docs" / "reference" / "metadata-example.json"
SUFFIXES = {"_bytes": "bytes", "_seconds": "seconds", "_utc": "ISO 8601, UTC"}
UNITS = {
    "width": "pixels",
    "height": "pixels",
    "frame_rate": "frames per second",
    "bit_rate": "bits per second",
    "sample_rate": "hertz",
    "hex": "16 hexadecimal digits",
}

PAGE_HEAD = f"""\
# The metadata JSON

<!-- Made from `src/cefmp4/metadata.schema.json` by `make reference`: do not edit. -->

Beside every object stands `<key>.metadata.json` (unless `WRITE_METADATA=false`): what was
recorded, stored and proven. Its shape is a JSON Schema,
[`metadata.schema.json`](../../src/cefmp4/metadata.schema.json), which is installed with the
package. Readers should ask for `schema_version`: it is raised by a change that breaks them. It
is {SCHEMA_VERSION}, the first, and every field has been there since. `null` means that it is
not known; fields marked *optional* may be missing.

| field | type | unit | what it is |
|---|---|---|---|
"""
PAGE_EXAMPLE = """
## A real one

Of a recording of seven seconds by ffmpeg, stored while it was written, with `POSTER=true`; path
and host are another's. The same is in [`metadata-example.json`](metadata-example.json).

```json
"""


def metadata_page() -> str:
    """docs/reference/metadata.md."""
    schema = metadata_schema()
    rows = "\n".join(_rows(schema, schema, ""))
    example = EXAMPLE.read_text(encoding="utf-8").strip()
    return f"{PAGE_HEAD}{rows}\n{PAGE_EXAMPLE}{example}\n```\n"


def _rows(schema: dict[str, Any], of: dict[str, Any], place: str) -> Iterator[str]:
    """The fields of an object, each followed by those within it."""
    for name, given in of["properties"].items():
        field = {**_referred(schema, given), **given}
        path = f"{place}{name}"
        optional = "" if name in of.get("required", ()) else ", *optional*"
        told = field.get("description", "")
        yield f"| `{path}` | {_kind(field)}{optional} | {_unit(name)} | {told} |"
        if "properties" in field:
            yield from _rows(schema, field, f"{path}.")
        if "items" in field:
            items = {**_referred(schema, field["items"]), **field["items"]}
            yield from _rows(schema, items, f"{path}[].")


def _referred(schema: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    _, _, name = field.get("$ref", "").rpartition("/")
    found: dict[str, Any] = schema["$defs"][name] if name else {}
    return found


def _kind(field: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " or ".join(kinds)


def _unit(name: str) -> str:
    suffix = next((unit for end, unit in SUFFIXES.items() if name.endswith(end)), "")
    return UNITS.get(name, suffix)
