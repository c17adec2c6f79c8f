"""`cefmp4` on a machine whose wall clock is set while it runs. Only for tests.

The file named in CLOCK_SET_BY holds by how many seconds the clock is wrong. It is not
only our time that jumps: the SDK signs its requests with the same clock.
"""

import datetime
import os
import time

import botocore.auth

right_time = time.time


def wrong_by_seconds() -> float:
    with open(os.environ["CLOCK_SET_BY"], encoding="ascii") as file:
        return float(file.read())


def wrong_time() -> float:
    return right_time() + wrong_by_seconds()


def wrong_datetime(remove_tzinfo: bool = True) -> datetime.datetime:
    """What the SDK asks when it signs."""
    now = datetime.datetime.fromtimestamp(wrong_time(), datetime.UTC)
    return now.replace(tzinfo=None) if remove_tzinfo else now


time.time = wrong_time
botocore.auth.get_current_datetime = wrong_datetime

if __name__ == "__main__":
    from cefmp4.cli import main  # only now: it takes the clock as it finds it

    main()
