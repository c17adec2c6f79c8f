"""Whatever anybody sends, the server answers as its published description says it does.

Schemathesis reads the description and asks for what it allows and for what it does not: every
bound of every parameter, wrong methods, and some at random, the same in every run.
"""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from cefmp4.web.api import STREAM_ID
from docs.texts import HOUSE
from web_server.every_kind import Kinds, served_elsewhere
from web_server.serving import TOKEN

CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "generation": {"deterministic": True},
        # Wrong tokens are answered slowly, on purpose; test_guard has them.
        "checks": {"ignored_auth": {"enabled": False}},
    }
)
API = schemathesis.openapi.from_path(
    str(HOUSE / "docs" / "reference" / "openapi.yaml"), config=CONFIG
)
SOME = settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # it does


@pytest.fixture(scope="module")
def there() -> Iterator[tuple[str, Kinds]]:
    """Where the server is, and what it knows."""
    with served_elsewhere() as served:
        yield served


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that are used again."""
    with requests.Session() as kept:
        yield kept


@API.exclude(path="/api/live").parametrize()
@SOME
def test_answers_are_as_described(
    case: schemathesis.Case[Any], there: tuple[str, Kinds], session: requests.Session
) -> None:
    """Of every operation: status, headers, content type and shape; never an error of its own.

    Half of the well-formed ids are of recordings there are. Seen failing with a field too many
    in a row, with 500 for a page too far, and with 400 for a search.
    """
    url, kinds = there
    _name_one_that_is_there(case, kinds)
    case.call_and_validate(base_url=url, session=session, headers=HEADERS, timeout=20)


def _name_one_that_is_there(case: schemathesis.Case[Any], kinds: Kinds) -> None:
    asked = str(case.path_parameters.get("stream_id", ""))
    number = crc32(asked.encode()) % (2 * len(kinds.all))
    if STREAM_ID.fullmatch(asked) and number < len(kinds.all):
        case.path_parameters["stream_id"] = kinds.all[number]


@API.include(path="/api/live").parametrize()
@SOME
def test_a_live_line_is_as_described(
    case: schemathesis.Case[Any], there: tuple[str, Kinds], session: requests.Session
) -> None:
    """It has no end: where events begin, no more is read of it."""
    call = case.as_transport_kwargs(base_url=there[0], headers=HEADERS)
    with session.request(**call, stream=True, timeout=20) as answer:
        if answer.status_code == requests.codes.ok:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert answer.raw.readline().startswith(b"retry: ")
        else:
            case.validate_response(answer)
