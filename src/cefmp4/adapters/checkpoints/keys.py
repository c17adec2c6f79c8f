"""The names of everything one instance keeps in the state server.

All of them carry the same hash tag, the braces around the instance, so that on a cluster
they lie on one node and one script may touch them together. Two keys are everybody's.
"""

import os
from dataclasses import dataclass
from urllib.parse import quote

from cefmp4.core.happenings import Sink
from cefmp4.core.model import Status

ACTIVE, PENDING, FAILED, COMPLETED = "active", "pending_completion", "failed", "completed"
"""The four indexes of streams; `completed` is sorted by time, the others are plain sets."""

EVENTS = b"cefmp4:events"
"""Stream: what happened, of every instance; on a cluster it lies where it may."""
INSTANCES = b"cefmp4:instances"
"""Sorted set: every instance, by the time its daemon was last heard of."""

HOMES = {
    Status.ACTIVE: ACTIVE,
    Status.PENDING_COMPLETION: PENDING,
    Status.S3_COMPLETED: PENDING,
    Status.FAILED: FAILED,
    Status.FAILED_FINALIZATION: FAILED,
    Status.ABORTED: FAILED,
    Status.COMPLETED_WITH_META: COMPLETED,
    Status.COMPLETED: COMPLETED,
    Status.DELETED_LOCALLY: COMPLETED,
}
"""In which index a stream of this status is found, and in no other."""


@dataclass(frozen=True, slots=True)
class Keyspace:
    """Key names of one instance, which must not be empty: `{}` is no hash tag."""

    instance_id: str

    def _key(self, name: str) -> bytes:
        # A brace inside the instance would end the hash tag early and scatter the keys.
        tag = quote(os.fsencode(self.instance_id), safe="/:@+,= ")
        return f"cefmp4:{{{tag}}}:{name}".encode()

    def meta(self, stream_id: str) -> bytes:
        """Hash: all of a stream but its parts."""
        return self._key(f"stream:{stream_id}:meta")

    def parts(self, stream_id: str) -> bytes:
        """Hash: part number to part."""
        return self._key(f"stream:{stream_id}:parts")

    def streams(self, home: str) -> bytes:
        """Index of the streams in one of the four homes."""
        return self._key(f"streams:{home}")

    @property
    def paths(self) -> bytes:
        """Hash: path to the id of the stream that holds it."""
        return self._key("paths")

    @property
    def stored(self) -> bytes:
        """Hash: path to the fingerprint of what is stored of it."""
        return self._key("stored")

    @property
    def keys(self) -> bytes:
        """Hash: object key to the id of the stream that has reserved it."""
        return self._key("keys")

    @property
    def whole(self) -> bytes:
        """String: stands while nothing that was written here has been lost."""
        return self._key("whole")

    @property
    def wishes(self) -> bytes:
        """Hash: stream id to what a person asked for; written without the claim."""
        return self._key("wishes")

    @property
    def limit(self) -> bytes:
        """String: the limit of the upload rate a person has set; written without the claim."""
        return self._key("limit")

    def outbox(self, sink: Sink) -> bytes:
        """Stream: the events that this sink was not told yet."""
        return self._key(f"outbox:{sink}")

    @property
    def now(self) -> bytes:
        """Hash with an expiry: stream id to what only the daemon knows of it."""
        return self._key("now")

    @property
    def watched(self) -> bytes:
        """String with an expiry: stands while somebody looks; written without the claim."""
        return self._key("watched")

    @property
    def claim(self) -> bytes:
        """String with an expiry: who works under this instance."""
        return self._key("claim")

    @property
    def epoch(self) -> bytes:
        """String: the last claim ever taken; a writer that holds an older one is fenced."""
        return self._key("epoch")
