"""What is due, found without a walk over all parts: the same as with one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core import actions as do
from cefmp4.core.facts import Facts
from cefmp4.core.geometry import Geometry, Span
from cefmp4.core.model import Checkpoint, Part, Parts
from cefmp4.core.numbers import Numbers
from cefmp4.core.plan import COMPARE_AT_ONCE_PARTS, SEND_AT_ONCE_PARTS, plan
from core.situations import POLICY, actions, checkpoint, version
from core.work import instructions

Situation = tuple[Checkpoint, Numbers, int]
"""A stream, its parts that were compared, and the size of its file."""


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any parts of a file, some cut short by an earlier end, some compared."""
    geometry = Geometry(draw(st.sampled_from([1, 10])), draw(st.booleans()))
    size = draw(st.integers(geometry.base_bytes + 1, 2_600 * geometry.base_bytes))
    spans = list(geometry.spans(size))
    number = st.integers(1, len(spans))
    gaps, short = draw(st.sets(number, max_size=9)), draw(st.sets(number, max_size=3))
    first, last = sorted((draw(number), draw(number)))
    lengths = {
        span.number: span.length - (span.number in short)
        for span in spans[first - 1 : last]
        if span.number not in gaps
    }
    parts = Parts.of(Part(n, length, "e", n, 0.0) for n, length in lengths.items() if length)
    compared = set(range(1, draw(number) + 1)) & parts.keys() - draw(
        st.sets(number, max_size=9)
    )
    begun = replace(checkpoint(), geometry=geometry, parts=parts)
    return begun, Numbers.of(compared), size


def stored(begun: Checkpoint, span: Span) -> bool:
    part = begun.parts.get(span.number)
    return part is not None and part.size_bytes == span.length


@given(situations())
def test_a_growing_recording_is_sent_what_a_walk_would_find(situation: Situation) -> None:
    """The first whole parts that are not stored, a window of them."""
    begun, _, size = situation
    whole = [s for s in begun.geometry.spans(size) if s == begun.geometry.span(s.number)]
    due = tuple(span for span in whole if not stored(begun, span))[: POLICY.window_parts]
    assert actions(Facts(version(size)), begun) == ((do.SendParts(due),) if due else ())


@given(situations())
def test_a_sealed_recording_is_proven_as_by_a_walk(situation: Situation) -> None:
    """What is missing is sent, what is there and not yet compared is compared."""
    begun, compared, size = situation
    sealed = replace(begun, seal=checkpoint(seal=version(size)).seal)
    spans = list(begun.geometry.spans(size))
    missing = tuple(span for span in spans if not stored(begun, span))
    unsure = tuple(s.number for s in spans if stored(begun, s) and s.number not in compared)
    expected: tuple[do.Action, ...] = ()
    expected += (do.SendParts(missing[:SEND_AT_ONCE_PARTS]),) if missing else ()
    expected += (do.Compare(unsure[:COMPARE_AT_ONCE_PARTS]),) if unsure else ()
    facts = Facts(version(size), quiet_seconds=2.0, verified=compared)
    assert actions(facts, sealed) == (expected or (do.Complete(),))
    gone = replace(facts, version=None)
    assert actions(gone, sealed) == (() if expected else (do.Complete(),))


def with_parts(count: int) -> Checkpoint:
    geometry = Geometry(10)
    parts = (Part(n, geometry.length_of(n), "e", n, 0.0) for n in range(1, count + 1))
    return replace(checkpoint(), parts=Parts.of(parts))


def growing(count: int, *, due: int = 0) -> Callable[[], object]:
    """A look at a recording of so many parts, some of them still to be sent."""
    begun = with_parts(count)
    facts = Facts(version(begun.sent_end))
    begun = replace(begun, parts=begun.parts.without(range(count - due + 1, count + 1)))
    return lambda: plan(facts, begun, POLICY)


def ended(count: int, *, sent: float = 1.0, compared: float = 0.0) -> Callable[[], object]:
    """A look at one that has ended, when a share of its parts was sent and compared."""
    whole = with_parts(count)
    there = version(whole.sent_end)
    sealed = replace(whole, seal=checkpoint(seal=there).seal)
    left = sealed.parts.without(range(int(count * sent) + 1, count + 1))
    facts = Facts(there, verified=Numbers.of(range(1, int(count * compared) + 1)))
    return lambda: plan(facts, replace(sealed, parts=left), POLICY)


@pytest.mark.parametrize(
    "look",
    [
        growing,
        lambda count: growing(count, due=90),
        ended,
        lambda count: ended(count, compared=0.7),
        lambda count: ended(count, compared=1.0),
        lambda count: ended(count, sent=0.6, compared=0.3),
        lambda count: ended(count, sent=0.0),
    ],
    ids=["all sent", "due", "sent", "being compared", "compared", "being sent", "none sent"],
)
def test_a_look_costs_little_however_many_parts_there_are(
    look: Callable[[int], Callable[[], object]],
) -> None:
    """A hundred times the parts is not a hundred times the work: blocks are passed over.

    Seen failing with all spans of the file walked (the code as it was: 96 times the work).
    """
    assert instructions(look(10_000)) < 12 * instructions(look(100))
