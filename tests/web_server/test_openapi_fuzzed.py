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
from docs.known import METHODS, openapi
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


def asked(operation_id: str) -> Any:
    """A test of one operation, to be given a name: those of one name are run once by xdist.

    Half of the well-formed ids are of recordings there are. Seen failing with a field too many
    in a row, with 500 for a page too far, and with 400 for a search.
    """

    @API.include(operation_id=operation_id).parametrize()
    @SOME
    def test(
        case: schemathesis.Case[Any], there: tuple[str, Kinds], session: requests.Session
    ) -> None:
        """The answers are as described: status, headers, content type and shape."""
        url, kinds = there
        _name_one_that_is_there(case, kinds)
        case.call_and_validate(base_url=url, session=session, headers=HEADERS, timeout=20)

    ASKED.add(operation_id)
    return test


def _name_one_that_is_there(case: schemathesis.Case[Any], kinds: Kinds) -> None:
    wanted = str(case.path_parameters.get("stream_id", ""))
    number = crc32(wanted.encode()) % (2 * len(kinds.all))
    if STREAM_ID.fullmatch(wanted) and number < len(kinds.all):
        case.path_parameters["stream_id"] = kinds.all[number]


ASKED = {"live"}
test_recordings_are_listed = asked("listStreams")
test_a_recording_is_shown = asked("showStream")
test_a_poster_is_shown = asked("showPoster")
test_a_recording_is_retried = asked("retryStream")
test_a_recording_is_aborted = asked("abortStream")
test_a_scan_is_asked_for = asked("scan")
test_health_is_told = asked("health")
test_readiness_is_told = asked("readiness")
test_metrics_are_scraped = asked("metrics")
test_the_page_is_opened = asked("page")
test_a_file_of_the_page_is_loaded = asked("pageFile")


@API.include(operation_id="live").parametrize()
@SOME
def test_a_live_line_is_opened(
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


def test_every_operation_is_asked() -> None:
    """None of the description is left out above."""
    paths = openapi()["paths"].values()
    assert {
        item[way]["operationId"] for item in paths for way in METHODS if way in item
    } == ASKED
