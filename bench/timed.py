"""Run a command and write down what it cost; itself so small that it does not count.

    python -I -S bench/timed.py RESULT COMMAND ...

A process of its own, because Linux lets a child begin with the peak memory of whoever
started it: started by the harness, every peer would have at least the harness's own.
"""

import json
import os
import sys
import time


def main() -> None:
    result, command = sys.argv[1], sys.argv[2:]
    began = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    told = {
        "code": os.waitstatus_to_exitcode(status),
        "began_at": began,
        "seconds": time.monotonic() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_rss_bytes": usage.ru_maxrss * 1024,
    }
    with open(result, "w", encoding="ascii") as file:
        json.dump(told, file)


main()
