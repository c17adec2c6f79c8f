"""Whether the store, the state server and the watched directory answer."""

import asyncio
import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cefmp4 import readiness as module
from cefmp4.errors import S3OperationError
from cefmp4.logging_config import hide
from cefmp4.problems import Problem, Problems
from cefmp4.readiness import Lingering, Readiness, ReadyCollector
from waiting import wait_until


class Component:
    """Answers as it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.hangs = False

    async def __call__(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error


@pytest.fixture
def problems() -> Problems:
    return Problems(lambda: 1_000.0)


async def test_it_is_asked_once_however_many_want_to_know(problems: Problems) -> None:
    """And not again before five seconds are over.

    Seen failing with a question for everybody.
    """
    component = Component()
    readiness = Readiness(problems)
    readiness.begin(dict.fromkeys(module.COMPONENTS, component))
    for _ in range(3):
        found = await asyncio.gather(*(readiness.look(10.0) for _ in range(50)))
        assert all(health.ok for told in found for health in told.values())
    assert component.asked == 3
    await readiness.close()


async def test_what_does_not_answer_is_a_problem_until_it_does(
    problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason and what to do, and without a secret."""
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    hide("hush-hush")
    store = Component()
    store.error = S3OperationError("HeadObject", "Refused", "hush-hush", hint="mend it")
    readiness = Readiness(problems)
    readiness.begin({"store": store, "redis": Component(), "watch_dir": Component()})
    found = await readiness.look(10.0)
    assert (found["store"].ok, found["redis"].ok) == (False, True)
    assert "hush" not in found["store"].why
    assert problems.look() == [Problem("store", found["store"].why, "mend it", 1_000.0)]
    registry = CollectorRegistry()
    registry.register(ReadyCollector(readiness))
    assert b'cefmp4_ready{component="store"} 0.0' in generate_latest(registry)
    store.error = None
    assert (await readiness.look(10.0))["store"].ok
    assert problems.look() == []
    assert b'cefmp4_ready{component="store"} 1.0' in generate_latest(registry)
    await readiness.close()


async def test_what_is_not_asked_yet_is_neither_up_nor_down(problems: Problems) -> None:
    """Some can be asked before the others; when there are more, all are asked at once.

    Seen failing with 0 for what was not asked, and with five seconds until the rest was.
    """
    readiness, registry = Readiness(problems), CollectorRegistry()
    registry.register(ReadyCollector(readiness))
    assert generate_latest(registry).count(b"} NaN") == len(module.COMPONENTS)
    readiness.begin({"redis": Component()})
    await readiness.look(10.0)
    told = generate_latest(registry)
    assert b'cefmp4_ready{component="store"} NaN' in told
    assert b'cefmp4_ready{component="redis"} 1.0' in told
    readiness.begin(dict.fromkeys(module.COMPONENTS, Component()))
    assert all(health.ok for health in (await readiness.look(10.0)).values())
    await readiness.close()


async def test_what_hangs_is_not_waited_for(
    problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no patience is told what was known, and the others are known in time."""
    monkeypatch.setattr(module, "LIMIT_SECONDS", 0.1)
    store = Component()
    store.hangs = True
    readiness = Readiness(problems)
    readiness.begin({"store": store, "redis": Component(), "watch_dir": Component()})
    assert not (await readiness.look(0.0))["redis"].ok
    found = await readiness.look(10.0)
    assert ("no answer" in found["store"].why, found["redis"].ok) == (True, True)
    await readiness.close()


async def test_a_daemon_that_ends_asks_no_more(problems: Problems) -> None:
    """Nothing is left behind, also of a question without an answer."""
    store = Component()
    store.hangs = True
    readiness = Readiness(problems)
    readiness.begin({"store": store})
    await readiness.look(0.01)
    await readiness.close()
    await readiness.look(1.0)
    assert store.asked == 1


async def test_a_dead_mount_takes_one_thread_and_no_more() -> None:
    """However often it is asked while the first question hangs.

    Seen failing with a thread for each.
    """
    let_go, begun = threading.Event(), []

    def stat() -> str:
        begun.append(1)
        let_go.wait(10)
        return "there"

    ask = Lingering(stat)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await ask()
    assert len(begun) == 1
    let_go.set()
    assert await ask() == "there"
    await wait_until(lambda: ask._running is not None and ask._running.done())
    assert await ask() == "there"
    assert len(begun) == 2


def test_problems_keep_the_time_at_which_they_began() -> None:
    """Told once more, and with other words, they are the same."""
    now = [1_000.0]
    problems = Problems(lambda: now[0])
    trouble: list[tuple[str, str] | None] = [None]
    problems.watch("watcher", lambda: trouble[0])
    problems.tell("store", "away")
    now[0] = 1_010.0
    problems.tell("store", "still away", "wait")
    trouble[0] = ("no watches left", "raise the limit")
    assert problems.look() == [
        Problem("store", "still away", "wait", 1_000.0),
        Problem("watcher", "no watches left", "raise the limit", 1_010.0),
    ]
    trouble[0] = None
    problems.over("store")
    problems.over("store")
    assert problems.look() == []
