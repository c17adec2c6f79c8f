"""Which documents are made of the code, and of which.

What must stay true: they are the same on every machine, so that a test can hold those that
are committed to what would be made now.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference.metadata import metadata_page
from tools.reference.metrics import metrics_page
from tools.reference.settings import example_env, settings_page

HOUSE = Path(__file__).parents[2]

PAGES: Mapping[str, Callable[[], str]] = {
    "example.env": example_env,
    "docs/reference/settings.md": settings_page,
    "docs/reference/metrics.md": metrics_page,
    "docs/reference/metadata.md": metadata_page,
}
