"""No faster than allowed: the line for the uplink, by a clock that the test moves."""

import heapq
import threading
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cefmp4.pace import BURST_SECONDS, LEAST_SLICE_BYTES, SLICE_SECONDS, Grant, Pace

PIECE_BYTES = 256 * 1024
MIB = 1024**2


class HandClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def paced(rate: int | None, senders: int = 1) -> tuple[Pace, HandClock]:
    clock = HandClock()
    pace = Pace(clock, senders)
    pace.set_rate(rate)
    return pace, clock


def send(
    pace: Pace, clock: HandClock, senders: int, seconds: float, wanted: int = PIECE_BYTES
) -> list[tuple[float, int, int]]:
    """Let so many senders send all the time: when, who, how much."""
    end, sent = clock.seconds + seconds, []
    ready: list[tuple[float, int, int]] = []
    for sender in range(senders):
        heapq.heappush(ready, _reserved(pace, clock, sender, wanted))
    while ready[0][0] <= end:
        at, sender, size = heapq.heappop(ready)
        clock.seconds = max(clock.seconds, at)
        sent.append((clock.seconds, sender, size))
        heapq.heappush(ready, _reserved(pace, clock, sender, wanted))
    clock.seconds = end
    return sent


def _reserved(pace: Pace, clock: HandClock, sender: int, wanted: int) -> tuple[float, int, int]:
    grant = pace.reserve(wanted)
    return clock.seconds + grant.wait_seconds, sender, grant.size_bytes


def test_without_a_limit_all_is_granted_at_once() -> None:
    """And the line is not even looked at: nobody is held up by another."""
    pace, _ = paced(None)
    with pace._lock:
        assert pace.reserve(10**12) == Grant(10**12, 0.0)
    assert pace.bytes_per_second is None
    assert not pace.binds


@given(
    rate=st.integers(1024, 100 * MIB),
    senders=st.integers(1, 16),
    share=st.floats(0.002, 0.5),
    idle=st.floats(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_never_faster_than_the_rate(rate: int, senders: int, share: float, idle: float) -> None:
    """Over any stretch of time, beyond the burst and one slice, after a pause too.

    Seen failing with a line that gives back all the time it was not used.
    """
    pace, clock = paced(rate, senders)
    wanted = 1 + int(rate * share)
    sent = send(pace, clock, 1, 0.3, wanted)
    clock.seconds += idle
    sent += send(pace, clock, senders, 1.5, wanted)
    slack = rate * BURST_SECONDS + max(LEAST_SLICE_BYTES, rate * SLICE_SECONDS) + 1
    least = 0.0  # of (bytes before an event) - rate * its time, so far
    total, began = 0, sent[0][0] if sent else 0.0
    for at, _, size in sent:
        least = min(least, total - rate * (at - began))
        total += size
        assert total - rate * (at - began) - least <= slack


def test_what_is_allowed_is_used() -> None:
    """Senders that always have something to send lose none of it."""
    pace, clock = paced(MIB, senders=4)
    sent = sum(size for _, _, size in send(pace, clock, 4, 60.0))
    assert sent >= 59 * MIB
    assert pace.binds


@pytest.mark.parametrize("rate", [16 * 1024, MIB, 100 * MIB])
def test_each_sender_gets_its_share_and_waits_about_a_second(rate: int) -> None:
    """However low the rate and however many they are: no connection looks dead.

    Seen failing with slices of a tenth of a second whatever the number of senders.
    """
    senders = 16
    pace, clock = paced(rate, senders)
    sent = send(pace, clock, senders, 20.0)
    shares = Counter(sender for _, sender, _ in sent)
    assert max(shares.values()) - min(shares.values()) <= 1
    for sender in range(senders):
        times = [at for at, who, _ in sent if who == sender]
        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert max(pauses) <= 1.2


def test_a_change_takes_effect_for_those_who_wait_too() -> None:
    """Faster: within a second, for the line is short. Slower: without an endless pause."""
    pace, clock = paced(64 * 1024, senders=4)
    send(pace, clock, 4, 5.0)
    pace.set_rate(10 * MIB)
    sent = sum(size for _, _, size in send(pace, clock, 4, 2.0))
    assert sent >= 9 * MIB
    pace.set_rate(64 * 1024)
    assert pace.reserve(PIECE_BYTES).wait_seconds <= 1.1
    sent = sum(size for _, _, size in send(pace, clock, 4, 10.0))
    assert 8 * 64 * 1024 <= sent <= 12 * 64 * 1024
    pace.set_rate(None)
    assert pace.reserve(PIECE_BYTES) == Grant(PIECE_BYTES, 0.0)


def test_threads_share_one_line() -> None:
    """Nothing is granted twice: the last one in the line waits for all the others."""
    pace, _ = paced(MIB)
    threads = [
        threading.Thread(target=lambda: [pace.reserve(1024) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waits = pace.reserve(1024).wait_seconds
    assert waits == pytest.approx(2000 * 1024 / MIB)
