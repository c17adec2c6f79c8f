"""The store fails in every way, at every operation, while recordings are on their way.

In the end each recording stands in the store byte for byte with its metadata, no upload
is left, nothing was sent again needlessly, and the log says what happened.
"""

from collections.abc import Sequence

import pytest

from faults.recordings import Recording
from faults.store_bench import Bench, bench, daemon_bench
from faults.store_cases import (
    BESIDE,
    COMPLETE,
    CREATE,
    NEEDS,
    OF_ABORT,
    OF_COMPLETE,
    OF_PARTS,
    PART,
    PUT,
    SOME_BESIDE,
    Case,
)

__all__ = ["bench", "daemon_bench"]

Met = dict[Case, Recording]


def meet(bench: Bench, cases: Sequence[Case]) -> Met:
    """A growing recording for each case, and its fault in wait for it."""
    met = {case: bench.recording(case.recording) for case in cases}
    for case, recording in met.items():
        bench.rule(case.operation, case.fault, recording, case.times)
        if case.operation in NEEDS and case not in OF_ABORT:
            bench.rule(*NEEDS[case.operation], recording)
        recording.grow(0 if case.operation == PUT else 1)
    return met


async def play(bench: Bench, cases: Sequence[Case], neighbour: Recording) -> None:
    """Let it all happen to recordings that grow, and hold the end against the promises."""
    met = meet(bench, cases)
    recordings = [neighbour.grow(), *met.values()]
    await bench.wait_for_part(*(r for r in recordings if len(r.content) > 1_000_000))
    for recording in recordings:
        recording.close()
    await bench.wait_until_stored(*recordings)
    found = {}
    statuses = bench.statuses()
    for case, recording in met.items():
        problems = await bench.problems(recording) + bench.problems_told(recording, case)
        problems += needless(bench, case, recording)
        if statuses[recording.path] != "completed_with_meta":
            problems.append(f"its status is {statuses[recording.path]}")
        if problems:
            found[case.recording] = problems
    assert not found
    assert await bench.problems(neighbour) == []
    assert {line["level"] for line in bench.lines(neighbour)} <= {"debug", "info"}


def needless(bench: Bench, case: Case, recording: Recording) -> list[str]:
    """What the store was made to do more often than needed."""
    expected = {CREATE: 1, PART: 1, COMPLETE: 1} if case.operation != PUT else {}
    expected |= {case.operation: case.done} if case.operation in (PART, PUT) else {}
    done = {
        operation: bench.proxy.times(operation, f"/{recording.name}", part=part, status=200)
        for operation, part in ((CREATE, 0), (PART, 1), (COMPLETE, 0), (PUT, 0))
        if operation in expected
    }
    return [] if done == expected else [f"the store did {done}, not {expected}"]


async def test_a_part_survives_every_fault(bench: Bench) -> None:
    """Whatever becomes of a part or its answer, it is sent until the store has said so.

    Seen failing without the limit on silence, in either direction; with recordings parked for
    expired credentials; and with an empty 200 taken for a success.
    """
    await play(bench, OF_PARTS, bench.recording("beside-parts"))


async def test_complete_survives_every_fault(bench: Bench) -> None:
    """Nothing is concluded from its answer: the store is asked what became of it.

    Seen failing with the upload aborted for an error in the answer, with Complete sent again
    before the store was asked, and with NoSuchUpload heeded without a pause.
    """
    await play(bench, OF_COMPLETE, bench.recording("beside-complete"))


async def test_the_other_operations_survive_their_faults(bench: Bench) -> None:
    """A few kinds of faults at each of those that begin, list, look and put.

    Seen failing with a HEAD without ETag believed, with a PutObject that failed told as a lost
    upload, and with an upload of unknown id begun anew instead of looked for.
    """
    await play(bench, SOME_BESIDE, bench.recording("beside-some"))


@pytest.mark.soak
@pytest.mark.parametrize("operation", BESIDE)
async def test_every_operation_survives_every_fault(operation: str, bench: Bench) -> None:
    """All the other kinds of them."""
    cases = [case for case in BESIDE[operation] if case not in SOME_BESIDE]
    await play(bench, cases, bench.recording(f"beside-{operation}"))


async def test_an_abort_survives_every_fault(bench: Bench) -> None:
    """A recording is deleted: its upload is aborted until the store lists none of it.

    Seen failing with three aborts and then silence.
    """
    met = meet(bench, OF_ABORT)
    await bench.wait_for_part(*met.values())
    for recording in met.values():
        recording.delete()

    await bench.wait_for("stream abandoned", *met.values())
    statuses = bench.statuses()
    left = {key for key, _ in await bench.store.uploads()}
    found = {}
    for case, recording in met.items():
        problems = bench.problems_told(recording, case)
        if statuses[recording.path] != "deleted_locally":
            problems.append(f"its status is {statuses[recording.path]}")
        if any(key.endswith(f"/{recording.name}") for key in left):
            problems.append("its upload is left over")
        if problems:
            found[case.recording] = problems
    assert not found
