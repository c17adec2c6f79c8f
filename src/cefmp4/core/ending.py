"""When is a recording over? The rules behind every seal.

A complete MP4 that its writer has closed is over at once. Anything else is over when it
has been silent for long enough, and longer while a writer still has it open. The writer
is asked only when the answer could matter, and an old answer is asked again.
"""

from typing import assert_never

from cefmp4.core.actions import Plan
from cefmp4.core.facts import Facts
from cefmp4.core.model import SealReason, Writer
from cefmp4.core.policy import Policy

RACY_SECONDS = 0.05
"""A file's clock ticks every few milliseconds: two writes within one tick look like one.
Nothing is concluded from a version younger than this (the "racy git" problem)."""

ASK_WRITER_AGAIN_SECONDS = 5.0
"""How long an answer about a file's writer is believed, where no event tells of its close."""


def seal_reason(facts: Facts, policy: Policy) -> SealReason | None:
    """Why the recording has ended, None while that is not established."""
    look = facts.inspection
    if look is None or facts.quiet_seconds < RACY_SECONDS:
        return None
    closed = look.writer is Writer.CLOSED or (
        look.writer is Writer.UNKNOWN and facts.close_seen
    )
    if closed and look.boxes.complete:
        return SealReason.CLOSED
    fresh = look.age_seconds < ASK_WRITER_AGAIN_SECONDS
    if facts.quiet_seconds < policy.stream_timeout_seconds or not fresh:
        return None
    match look.writer:
        case Writer.CLOSED:
            return SealReason.IDLE
        case Writer.UNKNOWN:
            return SealReason.IDLE_UNASKED
        case Writer.OPEN:
            silent_too_long = facts.quiet_seconds >= policy.open_writer_timeout_seconds
            return SealReason.OPEN_WRITER_TIMEOUT if silent_too_long else None
        case _:
            assert_never(look.writer)


def look_closer(facts: Facts, policy: Policy) -> bool:
    """Whether it is worth reading the boxes and asking for a writer.

    Of one that is new here at once: it may have been finished elsewhere, and moved in.
    """
    if facts.quiet_seconds < RACY_SECONDS:
        return False
    if facts.inspection is None:
        told = facts.close_seen or not facts.looked_into
        return told or facts.quiet_seconds >= policy.close_settle_seconds
    stale = facts.inspection.age_seconds >= ASK_WRITER_AGAIN_SECONDS
    idle = facts.quiet_seconds >= policy.stream_timeout_seconds
    return stale and (idle or facts.inspection.boxes.complete)


def wait_for_end(facts: Facts, policy: Policy) -> Plan:
    """Nothing is due: say what is waited for, and look again when it could have come."""
    quiet, look = facts.quiet_seconds, facts.inspection
    if quiet < RACY_SECONDS and (facts.close_seen or look is not None):
        return Plan("written just now", (), RACY_SECONDS - quiet)
    if look is None:
        return Plan("growing", (), max(policy.close_settle_seconds, RACY_SECONDS) - quiet)
    until_idle = policy.stream_timeout_seconds - quiet
    ask_again = max(ASK_WRITER_AGAIN_SECONDS - look.age_seconds, 0.0)
    if until_idle <= 0:
        return Plan("silent, but a writer still has it open", (), ask_again)
    if look.boxes.complete:
        return Plan("complete so far, but a writer may go on", (), min(until_idle, ask_again))
    return Plan(f"silent, but unfinished: {look.boxes.problem}", (), until_idle)
