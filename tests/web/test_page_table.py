"""Finding a recording among many: filters, orders, pages and tiles."""

from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Page, expect

from web.scenery import at_risk, failed, row, stored
from web.stub import Stub


def last_query(stub: Stub) -> dict[str, str]:
    """What the daemon was asked to show last."""
    live = [asked for asked in stub.asked if asked.path == "/api/live"]
    return dict(parse_qsl(live[-1].query_string))


@pytest.fixture
def crowd(stub: Stub) -> None:
    """Five thousand recordings, one of them failed and one at risk."""
    stub.put(
        *(stored(f"cam{n % 7}/{n:05}.mp4", disk_bytes=n, sent_bytes=n) for n in range(4998))
    )
    stub.put(at_risk("cam1/risky.mp4"), failed("cam2/failed.mp4"))


@pytest.mark.usefixtures("crowd")
def test_five_thousand_are_paged(page: Page, stub: Stub) -> None:
    """Of very many recordings fifty are asked for and drawn, and the page answers at once."""
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(50)
    expect(page.locator("#total")).to_have_text("5,000")
    expect(page.locator("#pager")).to_contain_text("1–50 of 5,000 recordings")
    assert last_query(stub)["per_page"] == "50"
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#pager")).to_contain_text("51–100 of 5,000 recordings")
    assert last_query(stub)["page"] == "2"
    page.get_by_role("button", name="Last").click()
    expect(page.locator("#pager")).to_contain_text("4,951–5,000 of 5,000 recordings")
    page.get_by_role("button", name="First").click()
    expect(page.locator("#pager")).to_contain_text("1–50 of 5,000 recordings")
    expect(page.locator("#rows tr").first).to_contain_text("failed.mp4")


@pytest.mark.usefixtures("crowd")
def test_a_page_that_is_no_more(page: Page, stub: Stub) -> None:
    """When recordings go while the last page is shown, the new last page is."""
    page.goto("/")
    page.get_by_role("button", name="Last").click()
    expect(page.locator("#pager")).to_contain_text("4,951–5,000")
    for shown in stub.page_of({"page": "3", "per_page": "2000"})["rows"]:
        stub.remove(shown["stream_id"])
    expect(page.locator("#pager")).to_contain_text("3,951–4,000 of 4,000 recordings")
    expect(page.locator("#rows tr")).to_have_count(50)


@pytest.mark.usefixtures("crowd")
def test_search(page: Page, stub: Stub) -> None:
    """What is typed is looked for by the daemon, from the first page on."""
    page.goto("/")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#pager")).to_contain_text("51–100")
    page.get_by_label("Search").fill("RISKY")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows th")).to_have_text("cam1/risky.mp4")
    searches = [asked.query for asked in stub.asked if "search" in asked.query]
    assert [(query["search"], query["page"]) for query in searches] == [("RISKY", "1")]


def test_nothing_matches(page: Page, stub: Stub) -> None:
    """A search without a match says so and leads back."""
    stub.put(row("a.mp4"))
    page.goto("/")
    page.get_by_label("Search").fill("zebra")
    expect(page.locator("#empty")).to_contain_text("No recording matches.")
    expect(page.locator("#table")).to_be_hidden()
    page.get_by_role("button", name="Show all recordings").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.get_by_label("Search")).to_have_value("")


TILES = {
    "Active": ("active", ["b.mp4", "a.mp4"]),
    "At risk": ("at_risk", ["b.mp4"]),
    "Stored today": ("stored", ["c.mp4"]),
    "Failed": ("not_stored", ["d.mp4"]),
}


def test_a_tile_shows_what_it_counts(page: Page, stub: Stub) -> None:
    """Pressed, a tile filters the table; pressed again, it shows all."""
    stub.put(row("a.mp4"), at_risk("b.mp4"), stored("c.mp4"), failed("d.mp4"))
    page.goto("/")
    for label, (verdict, shown) in TILES.items():
        tile = page.locator("#tiles").get_by_role("button", name=label)
        tile.click()
        expect(page.locator("#rows tr")).to_have_count(len(shown))
        expect(tile.locator(".number")).to_have_text(str(len(shown)))
        for one, name in enumerate(shown):
            expect(page.locator("#rows tr").nth(one)).to_contain_text(name)
        expect(tile).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_label("Show")).to_have_value(verdict)
        assert last_query(stub)["verdict"] == verdict
        tile.click()
        expect(page.locator("#rows tr")).to_have_count(4)
        expect(tile).to_have_attribute("aria-pressed", "false")


def test_the_worst_come_first(page: Page, stub: Stub) -> None:
    """Unless told otherwise the order is the daemon's: the most urgent first."""
    stub.put(stored("a.mp4"), row("b.mp4"), at_risk("c.mp4"), failed("d.mp4"))
    page.goto("/")
    expect(page.locator("#rows th")).to_have_text(["d.mp4", "c.mp4", "b.mp4", "a.mp4"])
    assert last_query(stub)["sort"] == "urgency"
    assert "order" not in last_query(stub)


@pytest.mark.parametrize(
    ("heading", "sort", "first"),
    [
        ("Recording", "name", "asc"),
        ("Progress", "disk_bytes", "desc"),
        ("Unsent for", "at_risk_seconds", "desc"),
        ("Since", "since", "desc"),
    ],
)
def test_a_heading_sorts(page: Page, stub: Stub, heading: str, sort: str, first: str) -> None:
    """A heading sorts, again turns the order round, and says which it is."""
    words = {"asc": "ascending", "desc": "descending"}
    other = {"asc": "desc", "desc": "asc"}[first]
    stub.put(row("a.mp4", disk_bytes=1, since=1.0), row("b.mp4", at_risk_seconds=60.0))
    page.goto("/")
    column = page.get_by_role("columnheader", name=heading)
    for order in (first, other):
        with page.expect_request(lambda asked: "/api/live" in asked.url):
            column.get_by_role("button").click()
        expect(column).to_have_attribute("aria-sort", words[order])
        expect(page.locator("#table")).to_have_attribute("aria-busy", "false")
        assert (last_query(stub)["sort"], last_query(stub)["order"]) == (sort, order)
    assert page.locator("[aria-sort]").count() == 1


def test_sorting_by_choice(page: Page, stub: Stub) -> None:
    """On a phone, where there are no headings, a list of orders does the same."""
    stub.put(row("a.mp4", started_at=5.0), row("b.mp4", started_at=9.0))
    page.goto("/")
    page.get_by_label("Sort").select_option("Begin of recording")
    expect(page.locator("#rows th")).to_have_text(["b.mp4", "a.mp4"])
    page.get_by_role("button", name="turn the order round").click()
    expect(page.locator("#rows th")).to_have_text(["a.mp4", "b.mp4"])
