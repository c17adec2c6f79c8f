"""What the guide on another machine says of names, keys and log lines is what the code has.

What becomes of the recordings is told by real daemons: `story/test_another_machine.py`.
"""

import re
import socket
import subprocess
from pathlib import Path

import pytest

from cefmp4.adapters.checkpoints.keys import INSTANCES, Keyspace
from cefmp4.app import CLAIMED
from cefmp4.config_rules import default_instance
from cefmp4.core.stream_ids import instance_tag
from cefmp4.metadata import metadata_schema
from cefmp4.settings import Settings
from cefmp4.upkeep import SWEEP_INTERVAL_SECONDS
from docs.pages import HOUSE

GUIDE = (HOUSE / "docs" / "guides" / "another-machine.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
NAME = "nvr-1:/srv/recordings"
TYPED = ("cefmp4", "cp", "printf", "redis-cli", "systemctl")
SOURCES = "\n".join(path.read_text() for path in Path(HOUSE, "src").rglob("*.py"))


def _log_lines() -> list[str]:
    """What is quoted of the log, without the fields behind: several words, not typed."""
    quoted = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", PROSE)]
    said = [span for span in quoted if " " in span and span.split()[0] not in TYPED]
    return [re.split(r" \w+=", span)[0] for span in said]


def test_the_log_says_what_the_guide_quotes() -> None:
    """Word for word, from its beginning. Seen failing with a word changed in the guide."""
    lines = _log_lines()
    assert len(lines) > 6
    assert not [line for line in lines if f'"{line}' not in SOURCES]


def test_the_name_is_the_host_and_the_directory_unless_it_is_set() -> None:
    """Seen failing with the directory alone."""
    assert default_instance("/srv/recordings") == f"{socket.gethostname()}:/srv/recordings"
    assert Settings.model_fields["instance_id"].default is None
    assert f"`{NAME}`" in GUIDE
    assert f"INSTANCE_ID={NAME}" in GUIDE


def test_the_name_is_read_where_the_guide_says() -> None:
    """In the keys of the state server, and by the command that hashes what one guesses.

    Seen failing with a hash of eleven digits.
    """
    assert f"`{Keyspace(NAME).paths.decode()}`" in GUIDE
    assert f"redis-cli ZRANGE {INSTANCES.decode()} 0 -1" in GUIDE
    found = re.search(r"`(printf %s [^`]+)`", GUIDE)
    assert found is not None
    told = subprocess.run(["sh", "-c", found[1]], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == instance_tag(NAME)


@pytest.mark.parametrize("field", ["host", "original_file_path"])
def test_the_metadata_tell_who_it_may_have_been(field: str) -> None:
    """Seen failing with another name of the field in the guide."""
    assert f"`{field}`" in GUIDE
    assert field in metadata_schema()["required"]


def test_the_figures_and_defaults_are_those_of_the_code() -> None:
    """The conditions hold with the settings as they are. Seen failing with another lease."""
    default = {name: field.default for name, field in Settings.model_fields.items()}
    assert f"`CLAIM_LEASE_SECONDS` ({default['claim_lease_seconds']:g})" in GUIDE
    assert f"exit code {CLAIMED}" in GUIDE
    assert "{stream_id}" in default["s3_key_template"]
    assert default["write_metadata"] is True
    assert SWEEP_INTERVAL_SECONDS == 3600, "seen twice, an hour apart"
