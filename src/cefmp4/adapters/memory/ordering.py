"""In which order streams are told of, as `reading.py` has it from the indexes."""

from cefmp4.core.model import SET_ASIDE, Checkpoint, Status

_RANKS = {Status.ACTIVE: 0, Status.PENDING_COMPLETION: 1, Status.S3_COMPLETED: 1}


def order(checkpoint: Checkpoint) -> tuple[int, float, str]:
    set_aside = checkpoint.status in SET_ASIDE
    rank = 2 if set_aside else _RANKS.get(checkpoint.status, 3)
    ended_at = 0.0 if rank < 3 else checkpoint.ended_at or 0.0
    return (rank, -ended_at, checkpoint.stream_id)
