"""Where the spans of a stream go."""

from collections.abc import Mapping
from typing import Protocol


class Tracer(Protocol):
    """Takes what was done for a stream, after the fact. Never waits, never fails.

    All spans of a stream belong to one trace, whichever process made them. Times are
    seconds since the epoch.
    """

    def effect(
        self, stream_id: str, what: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        """One thing that was done, or with an `error` among the facts, that failed."""
        ...

    def whole(
        self, stream_id: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        """The stream has ended: the span that all others of it lie in."""
        ...

    def close(self) -> None:
        """Hand over what is left, within two seconds; what is not taken by then is lost."""
        ...


class NoTracer:
    """Nobody wants traces."""

    def effect(
        self, stream_id: str, what: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        """See Tracer."""

    def whole(
        self, stream_id: str, began: float, ended: float, facts: Mapping[str, object]
    ) -> None:
        """See Tracer."""

    def close(self) -> None:
        """See Tracer."""


NO_TRACER = NoTracer()
