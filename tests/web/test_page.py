"""What the page at / shows, in a real browser, of what it is told."""

import time

from playwright.sync_api import Page, expect

from web.conftest import Watch
from web.scenery import MIB, at_risk, failed, row, stored
from web.stub import Stub

HOSTILE = {
    "markup": "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>.mp4",
    "quotes": "\"' onmouseover='alert(1)' x=\".mp4",
    "turned": "holiday\u202e4pm.exe",
    "broken": "one\nStored\r\n\ttwo\x1b[31m.mp4",
    "unseen": "a\u200bb\u2066c\ufeff\U000e0041.mp4",
    "edges": " spaced .mp4 ",
    "long": "x" * 3996 + ".mp4",
}


def rows_of(page: Page) -> list[str]:
    return page.locator("#rows tr th").all_inner_texts()


def test_it_loads_from_here_alone(page: Page, stub: Stub, watch: Watch) -> None:
    """Loading it takes nothing from elsewhere and breaks no rule of its policy."""
    stub.put(row("cam1/a.mp4"))
    answer = page.goto("/")
    assert answer is not None
    assert "require-trusted-types-for" in answer.headers["content-security-policy"]
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#place")).to_have_text("edge-gateway-3 · /recordings")
    expect(page.locator("#footer")).to_contain_text("3 of 8 upload slots in use")
    assert not watch.wrong
    assert not watch.elsewhere


def test_the_policy_is_enforced_while_it_runs(page: Page, watch: Watch) -> None:
    """Markup put into the page would be refused by the browser, and seen by these tests."""
    watch.expect("")
    page.goto("/")
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '' } catch { return true } }"
    )
    assert refused
    for _ in range(100):  # the browser says so in its own time
        if any("require-trusted-types-for" in each for each in watch.wrong):
            break
        page.wait_for_timeout(50)
    assert any("require-trusted-types-for" in each for each in watch.wrong)


def test_all_is_well(page: Page, stub: Stub) -> None:
    """It says in words that everything is safe, and what is still to follow."""
    stub.put(row("a.mp4"), stored("b.mp4"))
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Everything is safe.")
    expect(page.locator("#verdict-more")).to_contain_text("the last 10.0 MiB are to follow")
    expect(page.locator("#worst")).to_be_hidden()
    assert page.title() == "Everything is safe – edge-gateway-3"


def test_which_one_is_not_safe_and_why(page: Page, stub: Stub) -> None:
    """The worst one is named first, with why, for how long, and what a person can do."""
    stub.put(row("a.mp4"), at_risk("cam1/b.mp4"))
    page.goto("/")
    expect(page.locator("h1")).to_have_text("1 recording is not safe.")
    expect(page.locator("#worst li p").first).to_have_text(
        "cam1/b.mp4: the store does not answer · for 2 minutes"
    )
    expect(page.locator("#worst .hint")).to_contain_text("is the store up, and S3_ENDPOINT_URL")
    expect(page.locator("#verdict-more")).to_contain_text("goes on trying by itself")
    assert page.title() == "(1) not safe – edge-gateway-3"


def test_the_worst_is_named_whatever_the_table_shows(page: Page, stub: Stub) -> None:
    """A filter hides rows of the table, never the answer."""
    stub.put(stored("a.mp4"), failed("cam1/b.mp4"))
    page.goto("/")
    page.get_by_label("Show").select_option("Stored")
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#verdict-more")).to_have_text("")
    stub.put(at_risk("cam1/c.mp4"))
    expect(page.locator("h1")).to_have_text("2 recordings are not safe.")
    expect(page.locator("#verdict-more")).to_contain_text(
        "what is not stored waits for a person"
    )
    expect(page.locator("#worst li")).to_have_count(2)
    assert rows_of(page) == ["a.mp4"]


def test_many_are_not_safe(page: Page, stub: Stub) -> None:
    """Of very many the worst three are named, and the others counted."""
    stub.put(*(at_risk(f"cam{n}.mp4") for n in range(40)))
    page.goto("/")
    expect(page.locator("h1")).to_have_text("40 recordings are not safe.")
    expect(page.locator("#worst li")).to_have_count(4)
    expect(page.locator("#worst .rest")).to_have_text("and 37 more, below")


def test_something_is_wrong_with_the_instance(page: Page, stub: Stub) -> None:
    """What is wrong with the store or the state server is told with a hint and since when."""
    told = {"what": "redis", "why": "it does not answer", "hint": "is it up?"}
    stub.put(row("a.mp4"))
    away = {**told, "since": time.time() - 7300}
    stub.say(problems=[away])
    page.goto("/")
    expect(page.locator("h1")).to_contain_text("something is wrong")
    expect(page.locator("#problems li")).to_have_text(
        "The state server: it does not answer · for 2 hoursWhat to do: is it up?"
    )
    expect(page.locator("#verdict-more")).to_contain_text("nothing is given up")
    stub.say(problems=[away, {**away, "what": "stopping"}])
    expect(page.locator("#verdict-more")).to_have_text("")


def test_what_was_seen_last_is_no_size(page: Page, stub: Stub) -> None:
    """While the watched directory is away there may be more to send than is known.

    Seen failing with a full bar, and with the last known figure told as the present one.
    """
    told = {"what": "watch_dir", "why": "it is not there", "hint": "", "since": time.time()}
    stub.put(at_risk("a.mp4", disk_bytes=None))
    stub.say(problems=[told])
    page.goto("/")
    expect(page.locator("#tiles .small").first).to_have_text("at least 10.0 MiB to send")
    expect(page.locator("#rows .progress .small")).to_have_text(
        "10.0 MiB of at least 20.0 MiB sent"
    )
    expect(page.locator("#rows .bar")).to_have_attribute("aria-valuenow", "50")


def test_nobody_knows_before_the_daemon_has_begun(page: Page, stub: Stub) -> None:
    """What it waits for is told, and no figure and no empty table claims that all is well.

    Seen failing with a page that took the figures of a daemon that waits for the truth.
    """
    waits = {"what": "store", "why": "SignatureDoesNotMatch", "hint": "is the key right?"}
    unknown = {"starting": True, "gone_through": False}
    stub.say(**unknown, problems=[{**waits, "since": time.time() - 5}])
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Not known yet: the daemon has not begun to work.")
    expect(page.locator("#problems li")).to_contain_text("SignatureDoesNotMatch")
    expect(page.locator("#tiles .number")).to_have_text(["–"] * 4)
    expect(page.locator("#tiles .small")).to_have_text(["not known yet"] * 4)
    expect(page.locator("#empty")).to_contain_text("Nothing has been seen yet.")
    assert page.title() == ("Not known yet: the daemon has not begun to work – edge-gateway-3")
    stub.say(starting=False, gone_through=True, problems=[])
    expect(page.locator("h1")).to_have_text("Everything is safe.")
    expect(page.locator("#tiles .number").first).to_have_text("0")
    expect(page.locator("#empty")).to_contain_text("No recordings yet.")


def test_nothing_is_called_safe_before_the_directory_was_gone_through(
    page: Page, stub: Stub
) -> None:
    """What is found already is told; what may still be found keeps every 0 from being one.

    Seen failing with a page that asked only whether the daemon had begun.
    """
    stub.say(gone_through=False)
    page.goto("/")
    expect(page.locator("h1")).to_contain_text("Not known yet: the watched directory")
    expect(page.locator("#tiles .number")).to_have_text(["–"] * 4)
    expect(page.locator("#empty")).to_contain_text("Nothing has been seen yet.")
    stub.put(row("a.mp4"))
    expect(page.locator("#tiles .number")).to_have_text(["1", "–", "–", "–"])
    stub.say(gone_through=True)
    expect(page.locator("h1")).to_have_text("Everything is safe.")
    expect(page.locator("#tiles .number")).to_have_text(["1", "0", "0", "0"])


def test_a_recording_grows_and_is_stored(page: Page, stub: Stub) -> None:
    """A row appears, grows and turns to stored without a reload, on one connection."""
    page.goto("/")
    expect(page.locator("#empty")).to_contain_text("Put an MP4 into /recordings")
    growing = row("cam1/a.mp4", disk_bytes=8 * MIB, sent_bytes=2 * MIB)
    stub.put(growing)
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "2.0 MiB of 8.0 MiB sent")
    expect(bar).to_have_attribute("aria-valuenow", "25")
    expect(page.locator(".pill")).to_have_text("On its way")
    stub.put({**growing, "sent_bytes": 6 * MIB})
    expect(bar).to_have_attribute("aria-valuenow", "75")
    stub.put({**stored("cam1/a.mp4"), "stream_id": growing["stream_id"]})
    expect(page.locator(".pill")).to_have_text("Stored")
    expect(page.get_by_role("button", name="Stored today")).to_contain_text("1")
    assert [asked.path for asked in stub.asked].count("/api/live") == 1


def test_only_what_changed_is_drawn(page: Page, stub: Stub) -> None:
    """Of a row that grows the bar moves; its other cells, and other rows, are left alone."""
    one, two = row("a.mp4"), row("b.mp4")
    stub.put(one, two)
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(2)
    page.evaluate(
        "document.querySelectorAll('#rows a, #rows .pill').forEach((n) => n.id = 'x')"
    )
    stub.put({**two, "sent_bytes": 15 * MIB})
    expect(page.locator("#rows tr").nth(1)).to_contain_text("15.0 MiB of 20.0 MiB")
    assert page.locator("#rows a#x, #rows .pill#x").count() == 4


def test_a_row_that_goes_leaves(page: Page, stub: Stub) -> None:
    """What is forgotten by the daemon is no longer shown."""
    one, two = row("a.mp4"), row("b.mp4")
    stub.put(one, two)
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(2)
    stub.remove(one["stream_id"])
    expect(page.locator("#rows tr")).to_have_count(1)
    assert rows_of(page) == ["b.mp4"]


def test_hostile_names_are_text(page: Page, stub: Stub) -> None:
    """Markup, quotes, turned, broken, unseen and endless names are shown as what they are."""
    names = {kind: row(name, why=name, hint=name) for kind, name in HOSTILE.items()}
    stub.put(*names.values())
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(len(HOSTILE))

    def shown(kind: str) -> str:
        return page.locator(f"[data-id='{names[kind]['stream_id']}'] th").inner_text()

    assert shown("markup") == HOSTILE["markup"]
    assert shown("quotes") == HOSTILE["quotes"]
    assert shown("turned") == "holiday\\u202e4pm.exe"
    assert shown("broken") == "one\\nStored\\r\\n\\ttwo\\x1b[31m.mp4"
    assert shown("unseen") == "a\\u200bb\\u2066c\\ufeff\\U000e0041.mp4"
    assert shown("edges") == "\\x20spaced .mp4\\x20"
    assert len(shown("long")) <= 90
    assert shown("long").endswith("x.mp4")
    whole = page.locator(f"[data-id='{names['long']['stream_id']}'] bdi")
    assert whole.get_attribute("title") == HOSTILE["long"]
    assert page.locator("#rows img, #rows script").count() == 0
    assert "owned" not in page.title()


def test_a_hostile_name_is_isolated(page: Page, stub: Stub) -> None:
    """A name written from right to left does not turn the sentence around it."""
    stub.put(at_risk("שלום עולם.mp4"))
    page.goto("/")
    name = page.locator("#worst bdi")
    assert name.evaluate("(node) => getComputedStyle(node).unicodeBidi") == "isolate"
    assert name.evaluate("(node) => getComputedStyle(node).direction") == "ltr"


def test_words_it_does_not_know(page: Page, stub: Stub) -> None:
    """A verdict or status of a newer daemon is shown as it comes."""
    stub.put(row("a.mp4", "<new>", status="<newer>"))
    page.goto("/")
    expect(page.locator("#rows .pill")).to_have_text("<new>")
    expect(page.locator("td.verdict .small")).to_have_text("<newer>")


def test_the_summary_is_hostile_too(page: Page, stub: Stub) -> None:
    """Host, directory, version and problems are text as well."""
    evil = "<b onclick=alert(1)>\u202e\n"
    problem = {"what": evil, "why": evil, "hint": evil, "since": 1.0}
    stub.say(host=evil, watch_dir=evil, version=evil, instance=evil, problems=[problem])
    page.goto("/")
    expect(page.locator("#problems")).to_contain_text("<b onclick=alert(1)>\\u202e\\n")
    expect(page.locator("#empty")).to_contain_text("<b onclick=alert(1)>\\u202e\\n")
    assert page.locator("main b[onclick]").count() == 0
    assert "\u202e" not in page.inner_text("body")
    assert "\u202e" not in page.title()


def test_the_throughput_is_drawn_and_said(page: Page, stub: Stub) -> None:
    """The chart has a line, and its words say what is sent now and what was the most."""
    stub.say(bytes_per_second=12.5 * MIB, rate_limit_bytes_per_second=15 * MIB)
    page.goto("/")
    words = page.locator("#throughput-words")
    expect(words).to_contain_text("Now 12.5 MiB/s, most in the last 5 min: 12.5 MiB/s")
    expect(words).to_contain_text("limited to 15.0 MiB/s")
    assert len(page.locator(".chart .line").get_attribute("d") or "") > 1000
    assert page.locator(".chart .limit").get_attribute("d")
    expect(page.locator(".chart svg")).to_have_attribute("aria-labelledby", "throughput-words")


def test_times_walk_on(page: Page, stub: Stub) -> None:
    """Ages are kept true by the page itself; the exact time is in their title."""
    page.clock.install(time=1_764_090_000)
    stub.say(now=1_764_090_000.0)
    stub.put(row("a.mp4", since=1_764_090_000 - 50, at_risk_seconds=4.2))
    page.goto("/")
    since = page.locator("td.since time")
    expect(since).to_have_text("50 s ago")
    expect(page.locator("td.risk")).to_have_text("4.2 s")
    page.clock.run_for(2000)
    stub.say(now=1_764_090_070.0)
    expect(since).to_have_text("2 min ago")
    expect(page.locator("td.risk")).to_have_text("1 min")
    assert "2025-11-25" in (since.get_attribute("title") or "")
