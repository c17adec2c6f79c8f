"""Nothing in the documents contradicts the code: what they name is there, under that name.

The documents are found by where they lie (`texts.py`), what there is comes from the code
(`known.py`), and `contradictions.py` says what is held against what.
"""

import pytest

from docs.contradictions import KINDS
from docs.texts import Text, all_texts

WRONG = {
    "settings": ("set `WATCH_DIRECTORY` first", "WATCH_DIRECTORY"),
    "metrics": ("sum(cefmp4_unsend_bytes)", "cefmp4_unsend_bytes"),
    "statuses": ("curl 'x/api/streams?status=finished'", "status=finished"),
    "words": ("it is `completed_without_meta` then", "completed_without_meta"),
    "endpoints": ("`GET /api/stream/ID`", "GET /api/stream/ID"),
    "commands": ("`cefmp4 run --embeded`", "cefmp4 run --embeded"),
    "targets": ("```bash\nmake tests\n```\n", "make tests"),
    "keys": ("`cefmp4:{INSTANCE_ID}:part`", "cefmp4:{INSTANCE_ID}:part"),
    "files": ("see `core/plans.py`", "core/plans.py"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_documents_name_what_there_is(kind: str) -> None:
    """Settings, metrics, statuses, endpoints, commands, targets, keys and files."""
    found = [f"{text.path}: {word}" for text in all_texts() for word in KINDS[kind](text)]
    assert not found, "\n" + "\n".join(sorted(set(found)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_contradiction_is_seen(kind: str) -> None:
    """A wrong name of each kind is told; so the test above does not pass for nothing."""
    told, word = WRONG[kind]
    assert list(KINDS[kind](Text("docs/x.md", told))) == [word]
