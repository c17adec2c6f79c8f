"""The web server over twins, and a daemon of its own for every story."""

from collections.abc import AsyncIterator

import pytest

from faults.state_fixtures import state_server
from story.conftest import daemon, store
from stream.conftest import _quiet
from web_server.serving import Served, serving

__all__ = ["_quiet", "daemon", "state_server", "store"]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A server with a token, over twins on which a supervisor works."""
    async with serving() as there:
        yield there
