"""Killed at random instants, again and again: nothing lost, nothing different, nothing left.

The seed is printed; SOAK_SEED sets it.
"""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from crash.crowd import crowd
from crash.life import Lives
from crash.soak import Figures, Soak, figures
from crash.state import MortalValkey, mortal_valkey
from story.bucket import Bucket


@pytest.fixture
def state_server() -> Iterator[MortalValkey]:
    """It keeps what it knows on the disk."""
    with mortal_valkey() as server:
        yield server


async def soaked(
    lives: Lives,
    store: Bucket,
    state_server: MortalValkey,
    *,
    kills: int,
    recordings: int,
    at_once: int,
) -> Figures:
    """Run it, print its figures, and give them back."""
    seed = int(os.environ.get("SOAK_SEED", random.randrange(1_000_000)))
    print(f"SOAK_SEED={seed}", flush=True)  # noqa: T201 - the way to see it again
    chance = random.Random(seed)
    lives.environment |= {
        "REDIS_URL": state_server.url,
        "ARCHIVE_DIR": os.path.join(lives.folder, "archive"),
        "MISSING_GRACE_SECONDS": "1",
    }
    truth_dir = os.path.join(lives.folder, "truth")
    with crowd(lives.watch_dir, truth_dir, recordings, at_once, chance) as recorders:
        soak = Soak(lives, state_server, recorders, kills, chance)
        await soak.run()
        found = await figures(soak, seed, store)
    print(json.dumps(asdict(found)))  # noqa: T201 - for programs
    print(found.table(), flush=True)  # noqa: T201 - for people
    return found


def nothing_lost(found: Figures) -> None:
    assert (found.lost, found.different, found.left_over) == (0, 0, ())
    assert found.unfinished == ()
    assert found.sent_without_reason == 0


@pytest.mark.timeout(400)
async def test_some_dozens_of_random_kills(
    lives: Lives, store: Bucket, state_server: MortalValkey
) -> None:
    """Eight recordings of every kind, three at a time.

    Seen failing without the comparison of what was sent with the closed file.
    """
    nothing_lost(await soaked(lives, store, state_server, kills=40, recordings=8, at_once=3))


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_hundreds_of_random_kills(
    lives: Lives, store: Bucket, state_server: MortalValkey
) -> None:
    """At least 300 kills over at least 60 recordings."""
    found = await soaked(lives, store, state_server, kills=320, recordings=64, at_once=4)
    nothing_lost(found)
    assert found.daemon_kills >= 300
    assert found.recordings >= 60
