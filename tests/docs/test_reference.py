"""What `make reference` makes of the code is what stands in the tree, and says the truth."""

import json
import re

import jsonschema
import pytest

from cefmp4.metadata import metadata_schema
from cefmp4.settings import Settings
from docs.texts import HOUSE, text_of
from tools.reference.metadata import EXAMPLE, metadata_page
from tools.reference.pages import PAGES
from tools.reference.settings import setting_groups

_ROW = re.compile(r"^\| *((?:`[A-Z0-9_]+`(?:, )?)+) *\| *([^|]*?) *\|", re.MULTILINE)


@pytest.mark.parametrize("path", PAGES)
def test_what_is_made_of_the_code_is_current(path: str) -> None:
    """Else `make reference` was forgotten. Seen failing with a default changed in the code."""
    assert (HOUSE / path).read_text(encoding="utf-8") == PAGES[path](), "run make reference"


def test_every_setting_is_in_a_group() -> None:
    """None is left out of the page, and each is told of in whole sentences.

    Seen failing with one written in an unusual way, and with one without a docstring.
    """
    told = [setting for group in setting_groups().values() for setting in group]
    assert [setting.name.lower() for setting in told] == list(Settings.model_fields)
    assert all(setting.meaning.endswith(".") and setting.allowed for setting in told)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("CHUNK_SIZE_BYTES", "a whole number between 5242880 (5 MiB) and 5368709120 (5 GiB)"),
        (
            "S3_SECRET_ACCESS_KEY",
            "text; together with S3_ACCESS_KEY_ID; what is secret of it is never logged",
        ),
        ("S3_UNIFORM_PARTS", "`auto` or `true` or `false`"),
        ("AFTER_UPLOAD", "`keep` or `delete` or `move`"),
        ("WATCH_DIR", "a directory that exists or can be created"),
        ("WATCH_PATTERNS", "file name patterns without `/`, separated by commas"),
    ],
)
def test_what_a_setting_may_be(name: str, allowed: str) -> None:
    """Comes from its type, its bounds and its rules."""
    told = {setting.name: setting for group in setting_groups().values() for setting in group}
    assert told[name].allowed == allowed


def test_tables_of_settings_have_their_defaults() -> None:
    """In README and everywhere: a row `NAME` | `default`; words where it is unset.

    Seen failing with another default, and with a default of one that is unset.
    """
    readme = text_of("README.md").prose
    defaults = {
        setting.name: setting.default
        for group in setting_groups().values()
        for setting in group
    }
    rows = [(re.findall(r"`(\w+)`", names), told) for names, told in _ROW.findall(readme)]
    rows = [(names, told) for names, told in rows if set(names) <= defaults.keys()]
    assert len(rows) >= 5
    for names, told in rows:
        given = re.findall(r"`([^`]*)`", told)
        wanted = [defaults[name] for name in names if defaults[name]]
        if wanted or re.fullmatch(r"`[^`]*`", told):
            assert given == wanted, names


def test_the_metadata_that_is_shown_is_one() -> None:
    """The real document in the reference has the published shape."""
    document = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    checker = jsonschema.FormatChecker()
    jsonschema.validate(document, metadata_schema(), format_checker=checker)


def test_every_field_of_the_metadata_is_told_of() -> None:
    """None is left without a word in the published schema. Seen failing with one."""
    rows = re.findall(r"^\| `[^|]*\|[^|]*\|[^|]*\|([^|]*)\|$", metadata_page(), re.MULTILINE)
    assert len(rows) > 50
    assert all(told.strip().endswith(".") for told in rows)
