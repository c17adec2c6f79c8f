"""What the store knows of us that the state server has forgotten.

Filled once, and only when the state server has lost its data; `recalling.py` asks it.
Empty, and without any cost, otherwise.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cefmp4.core.geometry import Geometry
from cefmp4.core.stream_ids import is_tagged, stream_id_in
from cefmp4.ports import ListedObject, ListedPart, Upload
from cefmp4.slots import Slots


@dataclass(slots=True)
class Recollection:
    """Uploads and objects of this instance that no stream has claimed yet."""

    tag: str = ""
    """The end of every stream id of this instance."""
    prefix: str = ""
    """What all its object keys begin with."""
    place: re.Pattern[str] | None = None
    """Where in a key the stream id stands (`keys.place_of_id`)."""
    wanted: bool = False
    """The state server does not know everything: ask the store before a stream begins."""
    failures: int = 0
    """How often in a row the state server did not note that nothing is missing any more."""
    asked: bool = False
    uploads: dict[str, Upload] = field(default_factory=dict)
    """Upload id to upload."""
    trials: dict[str, tuple[Geometry, Sequence[ListedPart]]] = field(default_factory=dict)
    """Upload id to the parts by which a recording tells whether it can be its own."""
    keys_by_size: dict[int, set[str]] = field(default_factory=dict)
    """Size in bytes to the keys of the objects that have it."""
    one_at_a_time: Slots = field(default_factory=lambda: Slots(1))
    """Two recordings must not claim the same."""

    def id_in(self, key: str) -> str | None:
        """The id of the stream whose key this is, by its looks."""
        return stream_id_in(key, self.place)

    def is_ours(self, key: str) -> bool:
        """Whether a key holds the id of a stream of this instance."""
        stream_id = self.id_in(key)
        return stream_id is not None and is_tagged(stream_id, self.tag)

    def take_in_uploads(self, uploads: Iterable[Upload]) -> None:
        """Keep those that are ours."""
        self.uploads = {u.upload_id: u for u in uploads if self.is_ours(u.key)}

    def take_in_object(self, found: ListedObject) -> None:
        """Keep it for the recording of this size."""
        self.keys_by_size.setdefault(found.size_bytes, set()).add(found.key)

    def forget(self) -> None:
        """Nothing is missing any more."""
        self.wanted, self.asked, self.failures = False, False, 0
        self.uploads, self.trials, self.keys_by_size = {}, {}, {}
