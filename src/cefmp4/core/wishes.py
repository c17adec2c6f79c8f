"""Which wishes of a person still ask for something; what follows is in `plan`."""

from typing import assert_never

from cefmp4.core.model import PARKED, SET_ASIDE, UNSTORED, Checkpoint, Wish


def concerns(wish: Wish, checkpoint: Checkpoint) -> bool:
    """Whether there is something to do for it, the stream standing as it does.

    A wish that was fulfilled asks for nothing any more, and neither does one that came
    too late: so it may be heard again after a crash.
    """
    match wish:
        case Wish.RETRY:
            return checkpoint.holds_path and checkpoint.status in SET_ASIDE
        case Wish.ABORT:
            return checkpoint.holds_path and checkpoint.status in UNSTORED | PARKED
        case _:
            assert_never(wish)
