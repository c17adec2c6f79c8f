"""Nothing in the documents contradicts the code: what they name is there, under that name.

The documents are found by where they lie (`texts.py`), what there is comes from the code
(`known.py`), and `contradictions.py` says what is held against what.
"""

import pytest

from docs.contradictions import KINDS
from docs.texts import Text, all_texts

WRONG = (
    ("settings", "set `WATCH_DIRECTORY` first", "WATCH_DIRECTORY"),
    ("settings", "with `AFTER_UPLOAD=remove`", "AFTER_UPLOAD=remove"),
    ("metrics", "sum(cefmp4_unsend_bytes)", "cefmp4_unsend_bytes"),
    ("metrics", '`cefmp4_streams{state="failed"}`', "cefmp4_streams{state}"),
    ("statuses", "curl 'x/api/streams?status=finished'", "status=finished"),
    ("statuses", "`cefmp4 streams --status activ`", "status=activ"),
    ("words", "it is `completed_without_meta` then", "completed_without_meta"),
    ("endpoints", "`GET /api/stream/ID`", "GET /api/stream/ID"),
    ("endpoints", "`DELETE /api/streams/ID`", "DELETE /api/streams/ID"),
    ("endpoints", "`curl localhost:8000/health`", "/health"),
    ("commands", "`cefmp4 run --embeded`", "cefmp4 run --embeded"),
    ("commands", "```bash\nsudo cefmp4 stream\n```\n", "cefmp4 stream"),
    ("targets", "```bash\nmake tests\n```\n", "make tests"),
    ("keys", "`cefmp4:{INSTANCE_ID}:part`", "cefmp4:{INSTANCE_ID}:part"),
    ("files", "see `core/plans.py`", "core/plans.py"),
    ("files", "see `docs/nothing/`", "docs/nothing/"),
    ("links", "see [there](failures.md#the-moon)", "failures.md#the-moon"),
    ("links", "see ![a picture](images/none.png)", "images/none.png"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_documents_name_what_there_is(kind: str) -> None:
    """Settings, metrics, statuses, endpoints, commands, targets, keys, files and links."""
    found = [f"{text.path}: {word}" for text in all_texts() for word in KINDS[kind](text)]
    assert not found, "\n" + "\n".join(sorted(set(found)))


@pytest.mark.parametrize(("kind", "told", "word"), WRONG)
def test_a_contradiction_is_seen(kind: str, told: str, word: str) -> None:
    """A wrong name of each kind is told; so the test above does not pass for nothing."""
    assert list(KINDS[kind](Text("docs/x.md", told))) == [word]
