"""The outside world, as narrow as the streams need it. The docstrings are the contract.

Every adapter passes the suite of its port in `tests/contract/`, the in-memory twins as
well as the real servers. Errors are those of `cefmp4.errors`, translated at the door.
"""

from cefmp4.core.fingerprint import Fingerprint
from cefmp4.ports.clock import Clock
from cefmp4.ports.figures import Figures, Outline, Presence, Shown
from cefmp4.ports.outboxes import Event, Outbox, Outboxes, Place, Receiver
from cefmp4.ports.recordings import Body, Disk, Disposal, FileSpan, Illustrator, Prober
from cefmp4.ports.state import Checkpoints
from cefmp4.ports.store import ObjectStore
from cefmp4.ports.values import (
    Asked,
    Digests,
    ListedObject,
    ListedPart,
    NoPicture,
    Picture,
    Probe,
    Upload,
)

__all__ = [
    "Asked",
    "Body",
    "Checkpoints",
    "Clock",
    "Digests",
    "Disk",
    "Disposal",
    "Event",
    "Figures",
    "FileSpan",
    "Fingerprint",
    "Illustrator",
    "ListedObject",
    "ListedPart",
    "NoPicture",
    "ObjectStore",
    "Outbox",
    "Outboxes",
    "Outline",
    "Picture",
    "Place",
    "Presence",
    "Probe",
    "Prober",
    "Receiver",
    "Shown",
    "Upload",
]
