"""A daemon, a bucket and a directory of its own for every test, as the stories have them."""

from story.conftest import daemon, store

__all__ = ["daemon", "store"]
