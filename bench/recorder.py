"""An ordinary MP4, recorded in real time by FFmpeg's own muxer.

    python -m bench.recorder PATH SECONDS BITS_PER_SECOND

It prints when the file was closed (monotonic seconds).
"""

import sys
import time

from cefmp4.demo.recorder import Kind, record


def main() -> None:
    path, seconds, bits_per_second = sys.argv[1:]
    rate = int(bits_per_second)
    record(path, Kind.ORDINARY, seconds=float(seconds), bits_per_second=rate)
    sys.stdout.write(f"{time.monotonic()}\n")


main()
