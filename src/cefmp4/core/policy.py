"""What the operator wants, as far as it bears on decisions."""

from dataclasses import dataclass

from cefmp4.core.geometry import Geometry, geometry_for
from cefmp4.core.model import AfterUpload


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator wants, as far as it bears on decisions."""

    part_bytes: int
    uniform_parts: bool = False
    max_recording_bytes: int = 1024**4
    stream_timeout_seconds: float = 30.0
    close_settle_seconds: float = 1.0
    open_writer_timeout_seconds: float = 3600.0
    missing_grace_seconds: float = 10.0
    replaced_grace_seconds: float = 1.0
    window_parts: int = 4
    """How many parts of one stream are sent in one turn while it grows."""
    write_metadata: bool = True
    reject_non_mp4: bool = False
    after_upload: AfterUpload = AfterUpload.KEEP

    def grace_seconds(self, *, another_is_there: bool) -> float:
        """How long a file may be missing under its path before its stream is abandoned."""
        return self.replaced_grace_seconds if another_is_there else self.missing_grace_seconds

    @property
    def geometry(self) -> Geometry:
        """The geometry of a stream that begins now."""
        return geometry_for(self.part_bytes, self.uniform_parts, self.max_recording_bytes)
