"""What tests of settings must not see."""

import os
from pathlib import Path

import pytest

from cefmp4.config import Settings
from cefmp4.config_misspelt import misspelt_among_others


@pytest.fixture
def empty_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting comes from the environment or from a `.env` of this machine, and none that
    is almost one."""
    known = {name.upper() for name in Settings.model_fields}
    for name in list(os.environ):
        if name.upper() in known or misspelt_among_others([name], known):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
