"""What a stream is given: its ports, the operator's policy, and the slots it must share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cefmp4.core.policy import Policy
from cefmp4.flow import Flow
from cefmp4.horizon import Horizon
from cefmp4.metrics import Metrics
from cefmp4.ports import Checkpoints, Clock, Disk, Disposal, Illustrator, ObjectStore, Prober
from cefmp4.ports.tracing import NO_TRACER, Tracer
from cefmp4.recollection import Recollection
from cefmp4.slots import Slots

LIGHT_AT_ONCE = 8
"""Half of the connections to the state server, and enough to keep it busy."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside a stream. One for the life of the daemon."""

    disk: Disk
    store: ObjectStore
    checkpoints: Checkpoints
    prober: Prober
    disposal: Disposal
    clock: Clock
    policy: Policy
    metrics: Metrics
    turns: Slots
    """Streams that may work at the same time (`MAX_CONCURRENT_STREAMS`)."""
    flow: Flow
    """What is on its way to the store, over all streams."""
    new_stream_id: Callable[[], str]
    key_for: Callable[[str, str, float], str]
    """Object key for a stream id, a path and a start time. Raises StreamInitializationError."""
    bucket: str
    key_is_unique: bool
    """Keys hold the stream id, so that no two streams can ever meet under one."""
    host: str
    light: Slots = field(default_factory=lambda: Slots(LIGHT_AT_ONCE))
    """Streams that write to the state server, and move no bytes, at the same time."""
    illustrator: Illustrator | None = None
    """None where no posters are wanted (`POSTER`)."""
    horizon: Horizon = field(default_factory=Horizon)
    recollection: Recollection = field(default_factory=Recollection)
    tracer: Tracer = NO_TRACER

    @property
    def parts(self) -> Slots:
        """Parts in flight, over all streams (at most `MAX_PARTS_IN_FLIGHT`)."""
        return self.flow.parts
