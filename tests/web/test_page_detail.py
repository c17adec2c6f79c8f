"""One recording in full: opened by hand, by keyboard and by link."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from web.scenery import MIB, at_risk, detail, failed, given_up, row, stored
from web.stub import Stub
from web.test_page import HOSTILE


@pytest.fixture
def shown(page: Page, stub: Stub) -> dict[str, object]:
    """A recording at risk, in the table of an open page."""
    risky = at_risk("cam1/a.mp4")
    stub.put(risky, stored("b.mp4"))
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(2)
    return risky


def test_opened_with_a_click(page: Page, shown: dict[str, object]) -> None:
    """A click anywhere in its row opens it; the address holds its id and nothing more."""
    page.locator("#rows td.why .reason").first.click()
    panel = page.get_by_role("dialog", name="cam1/a.mp4")
    expect(panel).to_be_visible()
    expect(panel.locator(".state .reason")).to_contain_text("the store does not answer")
    expect(panel.locator(".state")).to_contain_text("failed 3 times in a row")
    expect(panel.locator(".hint")).to_contain_text("S3_ENDPOINT_URL")
    assert page.url.endswith(f"/#stream={shown['stream_id']}")


def test_opened_by_keyboard(page: Page, shown: dict[str, object]) -> None:
    """Enter on its name opens it, Esc shuts it, and the focus is where it was."""
    name = page.locator("#rows a").first
    name.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    expect(panel.get_by_text("CRC-64")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(name).to_be_focused()
    expect(page).to_have_url(re.compile("/$"))


def test_opened_by_link(page: Page, stub: Stub) -> None:
    """A link to a recording opens it, also when the table does not show it."""
    stub.put(*(row(f"a{n}.mp4") for n in range(60)), last := stored("z.mp4"))
    page.goto(f"/#stream={last['stream_id']}")
    expect(page.get_by_role("dialog", name="z.mp4")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#rows tr")).to_have_count(50)


def test_back_and_forth(page: Page, shown: dict[str, object]) -> None:
    """The browser's Back shuts it, Forward opens it again."""
    page.locator("#rows a").first.click()
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    page.go_back()
    expect(panel).to_be_hidden()
    page.go_forward()
    expect(panel).to_be_visible()


@pytest.mark.parametrize("told", ["at once", "later"])
def test_back_and_forth_in_a_hurry(page: Page, shown: dict[str, object], told: str) -> None:
    """Forward pressed before the panel has told that Back shut it: it stands, and is live."""
    page.locator("#rows a").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.locator(".timeline")).to_be_visible()
    page.evaluate(
        "(told) => new Promise((done) => { const { hash, pathname } = location;"
        " const tell = () => dispatchEvent(new HashChangeEvent('hashchange'));"
        " history.replaceState(null, '', pathname); tell();"
        " history.replaceState(null, '', hash);"
        " if (told === 'at once') tell();"
        " setTimeout(() => { if (told === 'later') tell(); done() }, 100) })",
        told,
    )
    expect(panel.locator(".timeline")).to_be_visible()
    assert page.url.endswith(f"/#stream={shown['stream_id']}")


def test_an_old_link(page: Page) -> None:
    """A link to what there is not says so."""
    page.goto("/#stream=00000000-0000-0000-0000-00000000ffff")
    expect(page.get_by_text("There is no such recording")).to_be_visible()


def test_a_link_that_is_none(page: Page, stub: Stub) -> None:
    """What is no id in the address is never sent anywhere."""
    stub.put(row("a.mp4"))
    page.goto("/#stream=../../x%3Fy")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert all("x" not in asked.query.get("detail", "") for asked in stub.asked)


def test_the_parts_are_a_strip(page: Page, stub: Stub, shown: dict[str, object]) -> None:
    """Each part has its kind, told in words too; the timeline and the facts stand below."""
    page.locator("#rows a").first.click()
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("img", name="12 parts")).to_have_attribute(
        "aria-label",
        "12 parts: 6 stored; 1 stored, sent more than once; 1 being sent; "
        "3 on disk, to be sent; 1 still filling",
    )
    assert panel.locator(".strip rect").count() == 12
    assert panel.locator(".strip .in_flight title").text_content() == "part 8: being sent"
    expect(panel.locator(".legend li")).to_have_count(5)
    expect(panel.locator(".timeline li")).to_have_count(2)
    expect(panel.locator(".timeline li").first).to_contain_text("sealed closed")
    expect(panel).to_contain_text("h264, 1280 × 720, 25 frames/s, 1,100 kbit/s")
    expect(panel).to_contain_text("10.0 MiB in 9 parts, 1 of them more than once")


def test_ten_thousand_parts(page: Page, stub: Stub) -> None:
    """One part of ten thousand is still wide enough to be seen."""
    big = row("big.mp4")
    runs = [["stored", 1, 4999], ["resent", 5000, 5000], ["stored", 5001, 9999]]
    stub.put(big)
    stub.put_detail(detail(big, strip=[*runs, ["growing", 10000, 10000]]))
    page.goto(f"/#stream={big['stream_id']}")
    again = page.locator(".strip .resent rect")
    expect(again).to_have_count(1)
    box = again.bounding_box()
    assert box is not None
    assert box["width"] >= 1.5
    expect(page.locator(".legend")).to_contain_text("9,998 stored")


def test_two_thousand_runs(page: Page, stub: Stub) -> None:
    """The most runs there may be are drawn without trouble."""
    big = row("big.mp4")
    kinds = ["stored", "resent"]
    stub.put(big)
    stub.put_detail(
        detail(big, strip=[[kinds[n % 2], 5 * n + 1, 5 * n + 5] for n in range(2000)])
    )
    page.goto(f"/#stream={big['stream_id']}")
    expect(page.locator(".strip rect")).to_have_count(2000)


def test_it_grows_while_it_is_open(page: Page, stub: Stub, shown: dict[str, object]) -> None:
    """What is shown follows the recording; a mark in its text stays."""
    page.locator("#rows a").first.click()
    panel = page.get_by_role("dialog")
    key = panel.locator("dd .copied code").first
    key.evaluate("(node) => getSelection().selectAllChildren(node)")
    risky = {**shown, "sent_bytes": 15 * MIB, "unsent_bytes": 5 * MIB}
    stub.put(risky)
    stub.put_detail(detail(risky, strip=[["stored", 1, 12]]))
    expect(panel.locator(".progress")).to_contain_text("15.0 MiB of 20.0 MiB sent")
    expect(panel.locator(".legend")).to_have_text("12 stored")
    assert page.evaluate("getSelection().toString()") == shown["key"]


def test_the_focus_outlives_a_change(page: Page, stub: Stub, shown: dict[str, object]) -> None:
    """Whoever stands on a button by keyboard still does when its surroundings change."""
    page.locator("#rows a").first.click()
    copy = page.get_by_role("button", name="Copy streams/")
    copy.focus()
    stub.put_detail(detail(shown, etag="an-etag"))
    expect(page.get_by_role("dialog")).to_contain_text("an-etag")
    expect(page.get_by_role("button", name="Copy streams/")).to_be_focused()


def test_the_poster(page: Page, stub: Stub) -> None:
    """A frame is shown where there is one, and nothing where there is none."""
    with_poster, without = stored("a.mp4"), stored("b.mp4")
    stub.put(with_poster, without)
    stub.put_detail(
        detail(with_poster, poster=f"/api/streams/{with_poster['stream_id']}/poster")
    )
    page.goto(f"/#stream={with_poster['stream_id']}")
    picture = page.get_by_role("img", name="A frame of the recording")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    page.goto(f"/#stream={without['stream_id']}")
    expect(page.get_by_role("dialog", name="b.mp4")).to_be_visible()
    expect(picture).to_have_count(0)


def test_a_poster_from_elsewhere(page: Page, stub: Stub) -> None:
    """An address that is not the daemon's own is not asked for."""
    one = stored("a.mp4")
    stub.put(one)
    stub.put_detail(detail(one, poster="https://example.com/x.jpg"))
    page.goto(f"/#stream={one['stream_id']}")
    expect(page.get_by_role("dialog")).to_contain_text(
        "CRC" if one["ended_at"] is None else "Key"
    )
    expect(page.locator(".poster img")).to_have_count(0)


def test_hostile_details(page: Page, stub: Stub) -> None:
    """Every text of the detail is text."""
    evil = HOSTILE["markup"] + HOSTILE["turned"]
    one = at_risk(evil, path=evil, key=evil, why=evil, hint=evil, status=evil)
    media = {"video": {"codec": evil}, "audio": {"codec": evil}, "playable": None}
    facts = {"duration_seconds": None, "prober": evil, "problem": evil}
    stub.put(one)
    stub.put_detail(
        detail(
            one,
            media={**media, **facts},
            history=[{"at": 1.0, "what": evil, "why": evil}],
            bucket=evil,
            upload_id=evil,
            etag=evil,
            checksum=evil,
            seal_reason=evil,
            strip=[],
        )
    )
    page.goto(f"/#stream={one['stream_id']}")
    panel = page.get_by_role("dialog")
    expect(panel.locator(".timeline")).to_contain_text("<img src=x onerror=")
    assert panel.locator("img, script").count() == 0
    assert "\u202e" not in panel.inner_text()


def test_the_key_is_copied_as_it_is(page: Page, context: BrowserContext, stub: Stub) -> None:
    """Copy gives the very key, not what stands for it on the page."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    one = stored("a.mp4", key="streams/1/turned\u202e4pm.exe")
    stub.put(one)
    page.goto(f"/#stream={one['stream_id']}")
    page.get_by_role("button", name="Copy streams/").click()
    expect(page.get_by_role("dialog")).to_contain_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == one["key"]


@pytest.mark.parametrize(
    ("told", "progress", "in_store", "not_in_store"),
    [
        (failed("a.mp4", sent_bytes=0, unsent_bytes=0, parts=0), "0 B of 20.0 MiB sent", "nothing", "20.0 MiB"),  # noqa: E501
        (given_up("a.mp4"), "0 B of 20.0 MiB sent", "nothing", "20.0 MiB"),
        (given_up("a.mp4", disk_bytes=None), "nothing of it is stored", "nothing", "nothing"),
        (stored("a.mp4"), "all 20.0 MiB sent", "20.0 MiB in 9 parts", "nothing"),
    ],
    ids=["refused", "aborted", "retried", "stored"],
)  # fmt: skip
def test_nothing_is_called_sent_that_is_not_in_the_store(
    page: Page,
    stub: Stub,
    told: dict[str, object],
    progress: str,
    in_store: str,
    not_in_store: str,
) -> None:
    """A recording that was refused, aborted or retried has nothing there."""
    stub.put(told)
    stub.put_detail(detail(told, strip=[]))
    page.goto(f"/#stream={told['stream_id']}")
    expect(page.locator("td.progress")).to_contain_text(progress)
    facts = page.get_by_role("dialog")
    expect(facts.locator("dt:text-is('In the store') + dd")).to_contain_text(in_store)
    expect(facts.locator("dt:text-is('Not in the store') + dd")).to_have_text(not_in_store)
