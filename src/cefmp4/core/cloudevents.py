"""A happening as CloudEvents 1.0 has it, in JSON (structured mode).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
The shape is published as a JSON Schema, `cefmp4/event.schema.json`.
"""

import json
from urllib.parse import quote

from cefmp4.core.happenings import Happening
from cefmp4.core.spelling import utc_or_none

CONTENT_TYPE = "application/cloudevents+json"


def cloud_event(happening: Happening, instance: str) -> bytes:
    """The event, on one line, UTF-8. `source` and `id` together are unique."""
    time = utc_or_none(happening.at)
    event = {
        "specversion": "1.0",
        "id": happening.id,
        "source": f"cefmp4/{quote(instance, safe='', errors='surrogateescape')}",
        "type": happening.kind.value,
        "subject": happening.stream_id,
        **({"time": time} if time else {}),
        "datacontenttype": "application/json",
        "data": happening.data,
    }
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")
