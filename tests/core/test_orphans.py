"""Which unfinished uploads nobody will ever finish: the table of `core.orphans`."""

import pytest

from cefmp4.core.geometry import Geometry
from cefmp4.core.model import REPLACED, Checkpoint, Status
from cefmp4.core.orphans import Fate, judge

BEGUN = Checkpoint(
    stream_id="s",
    path="/w/a.mp4",
    identity=(1, 2),
    bucket="b",
    key="streams/s/a.mp4",
    geometry=Geometry(8),
    started_at=0.0,
)
GOING = BEGUN.with_upload("mine")


@pytest.mark.parametrize(
    ("checkpoint", "fate"),
    [
        (GOING, Fate.IN_USE),
        (BEGUN, Fate.IN_USE),
        (GOING.asking_to_complete(), Fate.IN_USE),
        (GOING.ended(Status.FAILED, 1.0, "refused"), Fate.IN_USE),
        (GOING.ended(Status.FAILED_FINALIZATION, 1.0, "refused"), Fate.IN_USE),
        (BEGUN.with_upload("another"), Fate.ORPHAN),
        (BEGUN.with_upload("another").ended(Status.FAILED, 1.0, "refused"), Fate.ORPHAN),
        (BEGUN.ended(Status.FAILED, 1.0, "too large"), Fate.ORPHAN),
        (GOING.ended(Status.FAILED, 1.0, REPLACED), Fate.ORPHAN),
        (GOING.ended(Status.DELETED_LOCALLY, 1.0, "gone"), Fate.ORPHAN),
        (GOING.ended(Status.ABORTED, 1.0, "by a person"), Fate.ORPHAN),
        (GOING.ended(Status.COMPLETED_WITH_META, 1.0, "stored"), Fate.ORPHAN),
    ],
)
def test_an_upload_is_an_orphan_unless_its_stream_goes_on_with_it(
    checkpoint: Checkpoint, fate: Fate
) -> None:
    """What a stream uses, or is about to look for, is never aborted; all else is.

    Seen failing with every upload of a known stream taken to be in use.
    """
    assert judge("mine", checkpoint, ours=True).fate is fate
    assert judge("mine", checkpoint, ours=False).fate is fate


def test_an_upload_of_a_stream_nobody_remembers_is_ours_only_by_its_tag() -> None:
    """With it, it is forgotten; without it, it is somebody else's.

    Seen failing with a stream that is not remembered taken to be ours.
    """
    assert judge("mine", None, ours=True).fate is Fate.FORGOTTEN
    assert judge("mine", None, ours=False).fate is Fate.FOREIGN
