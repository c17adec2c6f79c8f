"""Many recorders in one process: every recording grows by so much a second.

    python -m bench.writer PLAN

PLAN is a JSON file: `recordings` (path and size), `bytes_per_second`, `part_bytes`,
`seconds`, `new_every_seconds`, `folder`, `result`. Files are made longer, not written: that
is what a watcher sees of it. It waits for a line on standard input, and writes to `result`
when each recording crossed each part boundary and when each new one got its first byte.
"""

import json
import os
import resource
import sys
import time
from typing import Any

from bench.footage import growing_mp4

STEPS_PER_SECOND = 20


class Writer:
    """All recordings, held open as recorders hold them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.paths: list[str] = []
        self.files: list[int] = []
        self.sizes: list[int] = []
        self.crossed: list[tuple[str, int, float]] = []
        self.appeared: list[tuple[str, float]] = []
        self._step_bytes = 0
        for path, size in plan["recordings"]:
            self._take(path, size)

    def run(self) -> None:
        """Until the time is over; each once a second, a twentieth of them in each step.

        Fewer than twenty grow more often, by less.
        """
        turns = min(STEPS_PER_SECOND, len(self.files))
        self._step_bytes = self.plan["bytes_per_second"] * turns // STEPS_PER_SECOND
        began, step, due = time.monotonic(), 0, 0.0
        while (now := time.monotonic() - began) < self.plan["seconds"]:
            for index in range(step % turns, len(self.files), turns):
                self._grow(index)
            if self.plan["new_every_seconds"] and now >= due:
                self._appear()
                due += self.plan["new_every_seconds"]
            step += 1
            time.sleep(max(0.0, began + step / STEPS_PER_SECOND - time.monotonic()))

    def _take(self, path: str, size: int) -> None:
        self.paths.append(path)
        self.files.append(os.open(path, os.O_RDWR))
        self.sizes.append(size)

    def _grow(self, index: int) -> None:
        part_bytes, old = self.plan["part_bytes"], self.sizes[index]
        self.sizes[index] = new = old + self._step_bytes
        os.ftruncate(self.files[index], new)
        if new // part_bytes > old // part_bytes:
            name = os.path.basename(self.paths[index])
            self.crossed.append((name, new // part_bytes, time.monotonic()))

    def _appear(self) -> None:
        path = os.path.join(self.plan["folder"], f"new-{len(self.appeared):04}.mp4")
        growing_mp4(path)
        self.appeared.append((os.path.basename(path), time.monotonic()))
        self._take(path, os.path.getsize(path))


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    writer = Writer(plan)
    sys.stdin.readline()
    writer.run()
    with open(plan["result"] + ".new", "w", encoding="utf-8") as file:
        json.dump({"crossed": writer.crossed, "appeared": writer.appeared}, file)
    os.replace(plan["result"] + ".new", plan["result"])
    sys.stdin.readline()  # the files stay open until all was looked at


if __name__ == "__main__":
    main()
