"""Much at once from and to the state server: others on the event loop get their turn."""

import asyncio
import time

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.adapters.checkpoints.reading import BATCH
from cefmp4.core.model import Parts
from cefmp4.garbage import short_collections
from cefmp4.ports import Fingerprint
from cefmp4.watchdog import Watchdog
from contract.checkpoint_values import active, part


async def test_many_checkpoints_are_read_one_by_one(redis_url: str) -> None:
    """Others on the event loop get their turn in between: each may have thousands of parts.

    Seen failing, with half a second in one go, where a whole answer is read at once.
    """
    kept = [active(f"/{number}", parts=Parts.of([part(1)])) for number in range(BATCH)]
    async with open_checkpoints(redis_url, "suite") as checkpoints:
        await checkpoints.claim()
        for checkpoint in kept:
            await checkpoints.save(None, checkpoint)
        turns, reading = 0, asyncio.create_task(checkpoints.load_unfinished())
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        assert len(await reading) == len(kept)
    assert turns > len(kept)


def test_what_is_stored_is_written_again_a_little_at_a_time(redis_url: str) -> None:
    """After a loss, of a hundred thousand recordings: no iteration of the loop does it all.

    Seen failing, with a second in one go, where all is packed before any is written.
    """
    watchdog = Watchdog(time.thread_time)
    known = {f"/{n}": Fingerprint(n, n, n, n, n) for n in range(100 * BATCH)}

    async def write_again() -> float:
        async with open_checkpoints(redis_url, "suite") as checkpoints:
            await checkpoints.claim()
            watchdog.begin()
            began = time.thread_time()
            await checkpoints.remember_stored(known)
            return time.thread_time() - began

    # A collection of all that the other tests left behind is no work of this.
    with short_collections(), asyncio.Runner(loop_factory=watchdog.make_loop) as runner:
        whole_seconds = runner.run(write_again())
    assert watchdog.longest_seconds() < whole_seconds / 10
