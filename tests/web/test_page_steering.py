"""Retry and Abort: asked for with a token, which goes nowhere but into one header."""

from playwright.sync_api import Page, expect

from web.conftest import Watch
from web.scenery import failed, row
from web.stub import TOKEN, Stub


def orders(stub: Stub) -> list[str]:
    """What the daemon was told to do."""
    return [asked.path_qs for asked in stub.asked if asked.method == "POST"]


def give(page: Page, token: str, button: str) -> None:
    """Answer the question for the token."""
    question = page.locator("#ask")
    question.get_by_label("WEB_TOKEN").fill(token)
    question.get_by_role("button", name=button).click()


def test_retry_from_the_table(page: Page, stub: Stub) -> None:
    """A failed recording is taken up again, and what the daemon answered is said."""
    one = failed("cam1/a.mp4")
    stub.put(one)
    stub.told = lambda *_: (202, "taken up where it was")
    page.goto("/")
    page.get_by_role("button", name="Retry cam1/a.mp4").click()
    give(page, TOKEN, "Retry")
    told = page.locator("#told")
    expect(told).to_have_text("Retry: taken up where it was")
    assert told.evaluate("(node) => node.tagName") == "OUTPUT"
    assert orders(stub) == [f"/api/streams/{one['stream_id']}/retry"]


def test_the_token_goes_into_a_header_alone(page: Page, stub: Stub) -> None:
    """It is asked for once, and is in no address, no storage and no part of the page."""
    one, two = failed("a.mp4"), failed("b.mp4")
    stub.put(one, two)
    page.goto("/")
    page.get_by_role("button", name="Retry a.mp4").click()
    field = page.locator("#ask").get_by_label("WEB_TOKEN")
    expect(field).to_have_attribute("type", "password")
    give(page, TOKEN, "Retry")
    expect(page.locator("#told")).to_have_text("Retry: retry: done")
    page.get_by_role("button", name="Retry b.mp4").click()
    expect(page.locator("#told")).to_have_text("Retry: retry: done")
    expect(page.locator("#ask")).to_be_hidden()
    for asked in stub.asked:
        assert TOKEN not in asked.path_qs
        assert TOKEN not in asked.headers.get("Referer", "")
        bearer = f"Bearer {TOKEN}" if asked.method == "POST" else None
        assert asked.headers.get("Authorization") == bearer
    kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert TOKEN not in page.evaluate(kept)
    assert TOKEN not in page.content()
    assert TOKEN not in page.url


def test_a_wrong_token(page: Page, stub: Stub, watch: Watch) -> None:
    """It is told, nothing is claimed to be done, and the next try asks again."""
    watch.expect("401")
    stub.put(failed("a.mp4"))
    page.goto("/")
    retry = page.get_by_role("button", name="Retry a.mp4")
    retry.click()
    give(page, "wrong", "Retry")
    expect(page.locator("#told")).to_contain_text("that is not the token. Nothing was done.")
    retry.click()
    give(page, TOKEN, "Retry")
    expect(page.locator("#told")).to_have_text("Retry: retry: done")


def test_nothing_to_retry(page: Page, stub: Stub, watch: Watch) -> None:
    """A refusal of the daemon is said in its own words."""
    watch.expect("409")
    stub.put(failed("a.mp4"))
    stub.told = lambda *_: (409, "nothing to retry: it is stored")
    page.goto("/")
    page.get_by_role("button", name="Retry a.mp4").click()
    give(page, TOKEN, "Retry")
    expect(page.locator("#told")).to_have_text("Retry: nothing to retry: it is stored")


def test_abort_asks_first(page: Page, stub: Stub) -> None:
    """Abort says what it does and waits for a yes, also when the token is known."""
    one = row("a.mp4")
    stub.put(one)
    page.goto(f"/#stream={one['stream_id']}")
    abort = page.locator("#detail").get_by_role("button", name="Abort")
    abort.click()
    expect(page.locator("#ask")).to_contain_text("The file on the disk is not touched.")
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    expect(page.locator("#detail")).to_be_visible()
    expect(abort).to_be_focused()
    assert not orders(stub)
    abort.click()
    give(page, TOKEN, "Abort the upload")
    expect(page.locator("#detail output")).to_have_text("Abort: abort: done")
    abort.click()
    expect(page.locator("#ask").get_by_label("WEB_TOKEN")).to_have_count(0)
    expect(page.locator("#ask").get_by_role("button", name="Leave it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_hidden()
    assert orders(stub) == [f"/api/streams/{one['stream_id']}/abort"]


def test_the_answer_is_text(page: Page, stub: Stub) -> None:
    """What the daemon answers is as hostile as a name."""
    stub.put(failed("a.mp4"))
    stub.told = lambda *_: (202, "<img src=x>\u202e")
    page.goto("/")
    page.get_by_role("button", name="Retry a.mp4").click()
    give(page, TOKEN, "Retry")
    expect(page.locator("#told")).to_have_text("Retry: <img src=x>\\u202e")


def test_the_daemon_is_away(page: Page, stub: Stub, watch: Watch) -> None:
    """Whoever tells a daemon that is not there is not told that it worked."""
    watch.expect("net::ERR_")
    stub.put(failed("a.mp4"))
    page.goto("/")
    page.route("**/retry", lambda route: route.abort())
    page.get_by_role("button", name="Retry a.mp4").click()
    give(page, TOKEN, "Retry")
    expect(page.locator("#told")).to_contain_text("could not be reached")


def test_without_a_token_of_the_daemon(page: Page, stub: Stub) -> None:
    """Where nothing may be told from here, the command line that does the same is shown."""
    one = failed("a.mp4")
    stub.put(one)
    stub.say(can_steer=False)
    page.goto("/")
    page.get_by_role("button", name="Retry a.mp4").click()
    panel = page.locator("#detail")
    expect(panel).to_contain_text("set WEB_TOKEN")
    expect(panel.locator(".acts code")).to_have_text(f"cefmp4 retry {one['stream_id']}")
    expect(page.locator("#ask")).to_be_hidden()
    assert not orders(stub)
