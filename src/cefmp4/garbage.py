"""Keeps the garbage collector from stopping everything for long.

A full collection goes through every object there is: with thousands of recordings in flight
that is more than a tenth of a second, in which not one callback runs, again and again. What
has survived one is long-lived and dies by its reference count when its stream ends; so once
a collection has become long, the survivors are set aside, and the next ones only go through
what came after them.

What must stay true: nothing is set aside for ever. What is part of a cycle and was only in
use by chance at that moment is found by one whole collection a day.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG_SECONDS = 0.01
"""A collection that takes longer is the last one to go through what it found alive."""
WHOLE_EVERY_SECONDS = 24 * 3600.0


class Collections:
    """What is told of each collection, by way of `gc.callbacks`."""

    def __init__(self, spent: Callable[[], float] = time.thread_time) -> None:
        """`spent` is the processor time of the thread that asks; waiting does not count."""
        self._spent = spent
        self._began = 0.0
        self._whole_at = time.monotonic() + WHOLE_EVERY_SECONDS

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] != 2:
            return
        if phase == "start":
            self._began = self._spent()
            if time.monotonic() >= self._whole_at:
                self._whole_at += WHOLE_EVERY_SECONDS
                gc.unfreeze()
        elif self._spent() - self._began > LONG_SECONDS:
            gc.freeze()


@contextmanager
def short_collections() -> Iterator[None]:
    """While in here, few collections are long. One process, one of these."""
    collections = Collections()
    gc.callbacks.append(collections)
    gc.freeze()  # what was imported stays to the end
    try:
        yield
    finally:
        gc.callbacks.remove(collections)
        gc.unfreeze()
