"""Full collections of garbage: none of them goes through everything again and again."""

import gc
from collections.abc import Iterator

import pytest

from cefmp4 import garbage
from cefmp4.garbage import Collections, short_collections


@pytest.fixture(autouse=True)
def nothing_is_set_aside() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(("seconds", "set_aside"), [(0.001, False), (0.1, True)])
def test_what_survives_a_long_collection_is_set_aside(seconds: float, set_aside: bool) -> None:
    """Short ones are left as they are."""
    spent = iter([5.0, 5.0 + seconds])
    collections = Collections(lambda: next(spent))
    collections("start", {"generation": 2})
    collections("stop", {"generation": 2})
    assert (gc.get_freeze_count() > 0) == set_aside


def test_cycles_are_found_within_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in use when the others were set aside is looked at again."""
    monkeypatch.setattr(garbage, "WHOLE_EVERY_SECONDS", 0.0)
    collections = Collections(lambda: 0.0)
    gc.freeze()
    collections("start", {"generation": 2})
    assert gc.get_freeze_count() == 0


def test_collections_are_as_ever_afterwards() -> None:
    """Nothing is left behind in the process."""
    before = list(gc.callbacks)
    with short_collections():
        assert len(gc.callbacks) == len(before) + 1
        gc.freeze()
        gc.collect()
    assert gc.callbacks == before
    assert gc.get_freeze_count() == 0
