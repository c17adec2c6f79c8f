"""The names of recordings on their way out: they fit, and tell what was hidden."""

import os

from hypothesis import given
from hypothesis import strategies as st

from cefmp4.core.hiding import LONGEST_NAME_BYTES, distinct_path, hidden_path, names_behind

ID = "7f9c24e5-2f31-4a0e-9d3c-0b1f6a4d8e21"
FOLDER = "/w/~ cam/"
NAMES = (
    st.binary(min_size=1, max_size=LONGEST_NAME_BYTES)
    .filter(lambda name: b"/" not in name and b"\0" not in name)
    .map(os.fsdecode)
)


@given(NAMES)
def test_a_hidden_name_tells_the_name_it_hides(name: str) -> None:
    """Whole where it fits, else its end, so that it still is the name of a recording."""
    hidden = hidden_path(FOLDER + name, ID)
    names = names_behind(hidden)
    assert names is not None
    told = names[0].removeprefix(FOLDER)
    assert name.endswith(told)
    assert told == name or len(os.fsencode(name)) > 200
    assert names[1] == distinct_path(names[0], ID)


@given(NAMES)
def test_every_name_fits_into_a_directory(name: str) -> None:
    """However long the first one was; none is that of another file by accident."""
    made = {hidden_path(FOLDER + name, ID), distinct_path(FOLDER + name, ID)}
    for path in made:
        assert path.startswith(FOLDER)
        assert len(os.fsencode(path.removeprefix(FOLDER))) <= LONGEST_NAME_BYTES
        assert ID in path
    assert len(made) == 2
