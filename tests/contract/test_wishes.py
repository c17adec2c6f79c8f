"""The contract of the Checkpoints port: what people ask for, of whoever holds the claim."""

import pytest

from cefmp4.core.model import Wish
from cefmp4.errors import Fenced
from cefmp4.ports import Asked
from contract.state_servers import Subject, World

pytest_plugins = ["contract.state_fixtures"]


async def test_a_wish_is_heard_until_it_is_dropped(subject: Subject) -> None:
    """By its stream's id; the last one for a stream counts."""
    assert await subject.wishes() == {}
    await subject.wish("one", Wish.ABORT)
    await subject.wish("two", Wish.ABORT)
    await subject.wish("two", Wish.RETRY)
    assert await subject.wishes() == {"one": Wish.ABORT, "two": Wish.RETRY}
    await subject.drop_wish("one", Wish.ABORT)
    await subject.drop_wish("nobody's", Wish.ABORT)
    assert await subject.wishes() == {"two": Wish.RETRY}


async def test_another_wish_made_meanwhile_is_kept(subject: Subject) -> None:
    """What was fulfilled is not what a person has asked for since.

    Seen failing with HDEL in place of HDELIF.
    """
    await subject.wish("one", Wish.ABORT)
    await subject.wish("one", Wish.RETRY)
    await subject.drop_wish("one", Wish.ABORT)
    assert await subject.wishes() == {"one": Wish.RETRY}


async def test_whoever_has_no_claim_may_wish_but_not_fulfil(
    world: World, subject: Subject
) -> None:
    """The command line asks while the daemon works; only the daemon says that it is done."""
    visitor = await world.process()
    await visitor.wish("one", Wish.RETRY)
    assert await subject.wishes() == await visitor.wishes() == {"one": Wish.RETRY}
    with pytest.raises(Fenced):
        await visitor.drop_wish("one", Wish.RETRY)
    assert await subject.wishes() == {"one": Wish.RETRY}


async def test_a_limit_of_the_upload_rate_stands_until_it_is_taken_back(
    world: World, subject: Subject
) -> None:
    """Told together with the wishes, to whoever holds the claim; none is needed to set it."""
    assert await subject.asked() == Asked({}, None)
    visitor = await world.process()
    await visitor.limit_upload("08:00,2M 19:00,off")
    await visitor.wish("one", Wish.ABORT)
    assert await subject.asked() == Asked({"one": Wish.ABORT}, "08:00,2M 19:00,off")
    await world.crash(subject)
    successor = await world.process()
    assert (await successor.asked()).upload_limit == "08:00,2M 19:00,off"
    await successor.limit_upload(None)
    assert (await successor.asked()).upload_limit is None
    await successor.limit_upload("1M")
    await world.lose_everything()
    assert (await successor.asked()).upload_limit is None, "the setting holds again"


async def test_a_wish_outlives_the_process_that_heard_it(
    world: World, subject: Subject
) -> None:
    """It waits in the state server, also while nobody works."""
    await subject.wish("one", Wish.RETRY)
    await world.crash(subject)
    successor = await world.process()
    await successor.claim()
    assert await successor.wishes() == {"one": Wish.RETRY}
