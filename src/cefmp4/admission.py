"""Whose turn a plan has to wait for: bytes on a slow link must not hold up what moves none."""

from cefmp4.core import actions as do
from cefmp4.core.actions import Plan
from cefmp4.slots import Slots
from cefmp4.world import World

TURNLESS = (do.Inspect, do.Describe, do.Dispose)
"""These take no turn: no bytes wait for them, and a look into a hostile file or a move to
a slow archive may take long. Each of the three bounds how many go on at once.
"""

LIGHT = (do.Begin, do.Reject, do.Follow, do.SealNow, do.Unseal)
"""A write to the state server each. Their slots are few, for ten thousand recordings may want
to begin at once, but never held while bytes are sent.
"""


def slots_for(world: World, decision: Plan, *, wished: bool) -> Slots | None:
    """The slots of which one is needed to carry out this plan; None when none is.

    With `wished` none is: a person is not kept waiting, and what they ask for moves no bytes.
    """
    actions = decision.actions
    if wished or all(isinstance(action, TURNLESS) for action in actions):
        return None
    if actions == (do.Begin(),) and world.recollection.wanted:
        return None  # whole files may have to be read, one at a time
    if all(isinstance(action, LIGHT) for action in actions):
        return world.light
    return world.turns
