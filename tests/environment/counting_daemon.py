"""`cefmp4`, writing down how many tasks it has at most. Only for tests.

The figure is kept in the file named in COUNT_TASKS_IN.
"""

import asyncio
import os
from functools import partial

from cefmp4 import app
from cefmp4.cli import main
from cefmp4.world import World

running: set[asyncio.Task[None]] = set()


async def count() -> None:
    most = 0
    while True:
        most = max(most, len(asyncio.all_tasks()))
        path = os.environ["COUNT_TASKS_IN"]
        with open(f"{path}.new", "w", encoding="ascii") as file:
            file.write(str(most))
        os.replace(f"{path}.new", path)
        await asyncio.sleep(0.1)


def counted(world: World) -> World:
    running.add(asyncio.create_task(count()))
    return world


if __name__ == "__main__":
    app.Daemon = partial(app.Daemon, around=counted)  # type: ignore[assignment,misc]
    main()
