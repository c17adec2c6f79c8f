"""The published description of the HTTP API says what the code says."""

import re
from typing import Any

import pytest
import schemathesis
from aiohttp import web

from cefmp4.core.model import SealReason, Wish
from cefmp4.core.safety import Safety
from cefmp4.metrics import Metrics
from cefmp4.problems import Problems
from cefmp4.readiness import COMPONENTS, Readiness
from cefmp4.web import live, view
from cefmp4.web.api import STREAM_ID
from cefmp4.web.server import WebServer
from cefmp4.web.strip import MOST_RUNS, NAMES
from cefmp4.web.throughput import POINTS
from docs.known import endpoints, openapi
from docs.texts import text_of
from web_server.serving import about


def test_it_is_openapi() -> None:
    """By the schema of OpenAPI 3.1. Seen failing with a response without a description."""
    assert openapi()["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(openapi()).validate()


def test_every_route_is_in_it_and_no_other() -> None:
    """Seen failing with one left out, and with one too many."""
    problems = Problems(lambda: 0.0)
    server = WebServer(about(), Metrics(), problems, Readiness(problems), None)
    assert endpoints() == {
        (route.method, path)
        for route in server._application().router.routes()
        for path in _paths(route)
    }


def _paths(route: web.AbstractRoute) -> list[str]:
    assert route.resource is not None
    path = route.resource.canonical
    if "{wish}" not in path:
        return [path]
    return [path.replace("{wish}", wish) for wish in Wish]


SCHEMAS = openapi()["components"]["schemas"]
PARAMETERS = openapi()["components"]["parameters"]


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (SCHEMAS["Verdict"]["enum"], list(Safety)),
        (SCHEMAS["Status"]["enum"], view.STATUSES),
        (SCHEMAS["Sort"]["enum"], view.SORTS),
        (SCHEMAS["Row"]["properties"]["can"]["items"]["enum"], list(Wish)),
        (SCHEMAS["Detail"]["properties"]["seal_reason"]["enum"], [*SealReason, None]),
        (SCHEMAS["Detail"]["properties"]["strip"]["items"]["prefixItems"][0]["enum"], NAMES),
        (SCHEMAS["Readiness"]["required"], ["ready", *COMPONENTS]),
    ],
)
def test_words_are_those_of_the_code(told: list[Any], known: Any) -> None:
    """All of them, and no other. Seen failing with a status left out."""
    assert len(told) == len(set(told))
    assert set(told) == set(known)


def test_bounds_are_those_of_the_code() -> None:
    """Seen failing with one page more."""
    told = {
        "search": PARAMETERS["search"]["schema"]["maxLength"],
        "page": PARAMETERS["page"]["schema"]["maximum"],
        "per_page": PARAMETERS["per_page"]["schema"]["maximum"],
        "rows": SCHEMAS["Page"]["properties"]["rows"]["maxItems"],
        "runs": SCHEMAS["Detail"]["properties"]["strip"]["maxItems"],
        "points": SCHEMAS["LiveThroughput"]["properties"]["points"]["maxItems"],
    }
    assert told == {
        "search": view.LONGEST_SEARCH,
        "page": view.LAST_PAGE,
        "per_page": view.MOST_PER_PAGE,
        "rows": view.MOST_PER_PAGE,
        "runs": MOST_RUNS,
        "points": POINTS,
    }
    pattern = PARAMETERS["stream_id"]["schema"]["pattern"]
    assert re.fullmatch(pattern, "3f2a1c00-0000-8000-0000-a245ff332287")
    assert STREAM_ID.fullmatch("3f2a1c00-0000-8000-0000-a245ff332287")
    assert f"At most {live.MOST_READERS} are told" in " ".join(
        openapi()["paths"]["/api/live"]["get"]["description"].split()
    )


def test_the_guide_tells_of_every_operation() -> None:
    """But for the files of the page. Seen failing with one left out."""
    guide = text_of("docs/http.md")
    told = {span.replace("ID", "{stream_id}") for span in guide.spans}
    wanted = {f"{method} {path}" for method, path in endpoints() if path != "/page/{name}"}
    assert wanted <= told


@pytest.mark.parametrize("name", ["Verdict", "Status", "Sort"])
def test_the_guide_tells_of_every_word(name: str) -> None:
    """Of those that answers have and queries may ask for. Seen failing with one left out."""
    assert set(SCHEMAS[name]["enum"]) <= set(text_of("docs/http.md").spans)
