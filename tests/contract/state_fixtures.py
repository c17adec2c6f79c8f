"""Fixtures for the contract of the Checkpoints port, as a plugin of its test modules.

One plugin, because two modules that import a session's fixture would start it twice.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack

import pytest
from redis import Redis

from contract.state_servers import (
    RedisWorld,
    Subject,
    TwinWorld,
    World,
    cluster_is_whole,
    cluster_node,
    wait_for,
)


@pytest.fixture(scope="session")
def cluster_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Redis]]:
    """A cluster of two nodes, each with half of the slots."""
    base = str(tmp_path_factory.mktemp("cluster"))
    with ExitStack() as stack:
        ports = [stack.enter_context(cluster_node(f"{base}/{n}")) for n in range(2)]
        nodes = [stack.enter_context(Redis(port=port)) for port in ports]
        wait_for(lambda: all(node.ping() for node in nodes), "a node does not start")
        for node, (first, last) in zip(nodes, ((0, 8191), (8192, 16383)), strict=True):
            node.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", ports[1])
        wait_for(lambda: all(map(cluster_is_whole, nodes)), "the nodes do not find each other")
        yield nodes


@pytest.fixture(params=["twin", "valkey", "cluster"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Every kind of state server in turn."""
    if request.param == "twin":
        yield TwinWorld()
        return
    if request.param == "valkey":
        url = request.getfixturevalue("redis_url")
        clients = [Redis.from_url(url)]
    else:
        clients = request.getfixturevalue("cluster_nodes")
        url = f"redis://127.0.0.1:{clients[0].connection_pool.connection_kwargs['port']}"

    def flush() -> None:
        for client in clients:
            client.flushall()

    async with AsyncExitStack() as stack:
        yield RedisWorld(url, flush, stack)
    flush()
    if request.param == "valkey":
        clients[0].close()


@pytest.fixture
async def subject(world: World) -> Subject:
    """A process that holds the claim."""
    process = await world.process()
    await process.claim()
    return process
