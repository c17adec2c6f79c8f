"""A real store that asks to slow down: fewer parts at a time, then as many again."""

import pytest

from faults import wire
from faults.store_bench import Bench, bench, daemon_bench
from faults.store_cases import PART
from waiting import wait_until

__all__ = ["bench", "daemon_bench"]

SLOTS = 24


def limits(bench: Bench) -> list[int]:
    """Of parts at a time, as the log tells them."""
    return [line["limit"] for line in bench.told("parts at a time")]


@pytest.mark.timeout(300)
async def test_parts_at_a_time_go_down_with_a_busy_store_and_up_again(bench: Bench) -> None:
    """Never above what is allowed; nothing is lost, and nobody is parked for it.

    Seen failing with a number of slots that stays, and with one that only shrinks.
    """
    first = [bench.recording(f"busy-{number}") for number in range(4)]
    for recording in first:
        bench.rule(PART, wire.refused(503, "SlowDown"), recording, times=12)
        recording.grow(4)
    await wait_until(
        lambda: limits(bench) and min(limits(bench)) <= 6, timeout_seconds=90, every_seconds=0.2
    )
    later = [bench.recording(f"calm-{number}") for number in range(8)]
    for recording in later:
        recording.grow(4)
    await wait_until(
        lambda: limits(bench)[-1] > min(limits(bench)), timeout_seconds=90, every_seconds=0.2
    )
    for recording in first + later:
        recording.close()
    await bench.wait_until_stored(*first, *later)
    for recording in first + later:
        assert await bench.problems(recording) == []
    assert max(limits(bench)) <= SLOTS
    assert bench.told("parts at a time")[0]["before"] == SLOTS
    assert {line["why"] for line in bench.told("parts at a time")} == {
        "the store asks to slow down",
        "it takes them well",
    }
