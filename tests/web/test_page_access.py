"""For everybody: by keyboard, by screen reader, on a phone, in the light and in the dark."""

import pytest
from playwright.sync_api import Page, expect

from web.scenery import Json, at_risk, detail, failed, row, stored
from web.stub import TOKEN, Stub

CONTRAST = 4.5
LARGE_CONTRAST = 3.0

# Gives every text that stands on the page with its contrast, by the rules of WCAG 2.
CONTRASTS = """() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      const alpha = numbers(color)[3] ?? 1;
      if (alpha === 1) return color;
      if (alpha > 0) throw new Error(`see-through ground: ${color}`);
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    if (node.closest('.unseen, script, noscript, title, svg')) continue;
    const style = getComputedStyle(node);
    const [one, two] = [light(style.color), light(ground(node))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const text = walker.currentNode.data.trim().slice(0, 40);
    found.push([text, (one + 0.05) / (two + 0.05), large]);
  }
  return found;
}"""

# Gives what a screen reader would have no name for, and other faults of the structure.
FAULTS = """() => {
  const name = (node) => (node.getAttribute('aria-label')
    || [...(node.getAttribute('aria-labelledby') ?? '').split(' ')].filter(Boolean)
      .map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
    || [...(node.labels ?? [])].map((label) => label.textContent).join(' ')
    || node.getAttribute('alt')
    || (node.matches('a, button') && node.textContent) || '').trim();
  const faults = [];
  const shown = (selector) =>
    [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility());
  const named = 'a, button, input, select, [role=img], [role=progressbar], dialog, nav, table,'
    + ' main section';
  for (const node of shown(named)) if (!name(node)) faults.push(`no name: ${node.outerHTML}`);
  for (const node of shown('img')) {
    if (!node.hasAttribute('alt')) faults.push(`no alt: ${node.outerHTML}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
  for (const id of ids) {
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`twice: ${id}`);
  }
  for (const one of ['main', 'h1', 'header.top', 'footer', '[role=search]']) {
    if (document.querySelectorAll(one).length !== 1) faults.push(`not one ${one}`);
  }
  for (const use of ['aria-labelledby', 'aria-describedby', 'for']) {
    for (const node of shown(`[${use}]`)) {
      const ids = node.getAttribute(use).split(' ');
      const there = ids.every((id) => document.getElementById(id));
      if (!there) faults.push(`${use} to nothing: ${node.outerHTML}`);
    }
  }
  let level = 0;
  for (const node of shown('h1, h2, h3, h4')) {
    const next = Number(node.tagName[1]);
    if (next > level + 1) faults.push(`heading left out before: ${node.textContent}`);
    level = next;
  }
  if (document.documentElement.lang !== 'en') faults.push('no language');
  if (document.querySelector('[tabindex]:not([tabindex="0"], [tabindex="-1"])')) {
    faults.push('its own order of tabs');
  }
  return faults;
}"""


PATH = "/state" * 20 + ".sock"
"""Nowhere in it can a line be broken."""


@pytest.fixture
def rows(stub: Stub) -> list[Json]:
    """A recording of every kind, and trouble with the instance."""
    every = [
        failed("cam1/a.mp4"),
        at_risk("cam1/b\u202e" + "b" * 200 + ".mp4", why=f"{PATH}: the store does not answer"),
        row("cam2/" + "c" * 200 + ".mp4"),
        stored("d.mp4"),
        *(stored(f"e{n}.mp4") for n in range(60)),
    ]
    stub.put(*every)
    stub.put_detail(detail(every[0], poster=f"/api/streams/{every[0]['stream_id']}/poster"))
    away = f"unix://{PATH}: away"
    stub.say(problems=[{"what": "store", "why": away, "hint": "is it up?", "since": 1.0}])
    return every


def open_all(page: Page, rows: list[Json], *, panel: bool) -> None:
    """The page with everything on it that can be."""
    page.goto(f"/#stream={rows[0]['stream_id']}" if panel else "/")
    expect(page.locator("#rows tr")).to_have_count(50)
    expect(page.locator("#worst li")).to_have_count(2)
    if panel:
        expect(page.locator(".timeline")).to_be_visible()


@pytest.mark.parametrize("panel", [False, True], ids=["table", "detail"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(page: Page, rows: list[Json], scheme: str, panel: bool) -> None:
    """In the light and in the dark all text has the contrast that WCAG AA asks for."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_all(page, rows, panel=panel)
    page.locator("#tiles button").first.dispatch_event("click")
    expect(page.locator("#table")).to_have_attribute("aria-busy", "false")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 60
    low = [each for each in found if each[1] < (LARGE_CONTRAST if each[2] else CONTRAST)]
    assert not low


SHAPES = """() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const light = (hex) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.trim().slice(at, at + 2), 16) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pairs = ['--edge', '--fill', '--fill-good', '--again', '--warn', '--accent']
    .flatMap((shape) => ['--surface', '--ground'].map((ground) => [shape, ground]));
  pairs.push(['--fill', '--raised'], ['--fill-good', '--raised'], ['--warn', '--raised'],
    ['--edge', '--raised']);
  return pairs.map(([shape, ground]) => {
    const [one, two] = [light(style(shape)), light(style(ground))].sort((a, b) => b - a);
    return [shape, ground, (one + 0.05) / (two + 0.05)];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_shape_can_be_seen(page: Page, scheme: str) -> None:
    """Bars, lines, parts and edges of controls stand out from their ground, 3 to 1."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/")
    assert not [each for each in page.evaluate(SHAPES) if each[2] < LARGE_CONTRAST]


@pytest.mark.parametrize("panel", [False, True], ids=["table", "detail"])
def test_everything_has_a_name(page: Page, rows: list[Json], panel: bool) -> None:
    """Each control, picture and region has a name, and the structure is in order."""
    open_all(page, rows, panel=panel)
    assert page.evaluate(FAULTS) == []


def test_the_question_has_names(page: Page, rows: list[Json]) -> None:
    """So has the question for the token."""
    open_all(page, rows, panel=True)
    page.locator("#detail").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("dialog", name="Retry cam1/a.mp4")).to_be_visible()
    assert page.evaluate(FAULTS) == []


def test_verdicts_are_words(page: Page, rows: list[Json]) -> None:
    """No verdict is told by its colour alone: a shape and a word stand there."""
    open_all(page, rows, panel=False)
    expect(page.locator("#rows .pill").nth(0)).to_have_text("Not stored")
    expect(page.locator("#rows .pill").nth(1)).to_have_text("At risk")
    paths = page.locator("#rows .pill path").evaluate_all(
        "(all) => all.map((path) => path.getAttribute('d'))"
    )
    assert len(set(paths)) == 4


def test_only_the_answer_is_announced(page: Page, stub: Stub) -> None:
    """A screen reader hears the answer when it changes, not the figures that run."""
    one = row("cam1/a.mp4")
    stub.put(one)
    page.goto("/")
    said = page.locator("#announcer")
    expect(said).to_have_text("Everything is safe.")
    expect(said).to_have_attribute("role", "status")
    page.evaluate(
        "() => { window.said = []; const node = document.getElementById('announcer');"
        " new MutationObserver(() => window.said.push(node.textContent))"
        ".observe(node, { childList: true, characterData: true, subtree: true }) }"
    )
    stub.put({**one, "sent_bytes": 1, "unsent_bytes": 77})
    expect(page.locator("#verdict-more")).to_contain_text("77 B")
    assert page.evaluate("() => window.said") == []
    stub.put({**at_risk("cam1/a.mp4"), "stream_id": one["stream_id"]})
    expect(said).to_have_text("1 recording is not safe. cam1/a.mp4: the store does not answer.")
    live = page.locator("[aria-live], [role=status], [role=alert], output")
    inside = live.evaluate_all(
        "(all) => all.map((node) => node.querySelectorAll('time').length)"
    )
    assert sum(inside) == 0


def test_by_keyboard_alone(page: Page, stub: Stub) -> None:
    """From the first Tab to a retried recording without a pointer, and always seen where."""
    one = failed("a.mp4")
    stub.put(one)
    page.goto("/")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the recordings")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()
    walked = []
    for _ in range(12):
        page.keyboard.press("Tab")
        walked.append(page.evaluate("document.activeElement.textContent"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline in ("solid", "auto"), walked
        if walked[-1] == "a.mp4":
            break
    assert walked[-6:] == ["State", "Recording", "Progress", "Unsent for", "Since", "a.mp4"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="a.mp4")).to_be_visible()
    retry = page.locator("#detail").get_by_role("button", name="Retry")
    expect(retry).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Tab")
    expect(retry).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#detail output")).to_have_text("Retry: retry: done")
    page.keyboard.press("Escape")
    expect(page.locator("#rows a")).to_be_focused()


@pytest.mark.parametrize("panel", [False, True], ids=["table", "detail"])
def test_nothing_hangs_out_at_the_side(page: Page, rows: list[Json], panel: bool) -> None:
    """From the smallest phone on nothing has to be scrolled sideways."""
    open_all(page, rows, panel=panel)
    for width in (320, 390, 760, 820, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("innerWidth") == width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            page.locator("dialog[open], .answer, .worst li, #rows :is(td, th, a)").evaluate_all(
                "(all) => all.filter((node) => node.scrollWidth > node.clientWidth + 1"
                " && getComputedStyle(node).display !== 'inline').map((node) => node.outerHTML)"
            )
            == []
        )


def test_a_phone_shows_cards(page: Page, rows: list[Json]) -> None:
    """On a phone a row is a card with all that the row has, and still a row to a reader."""
    page.set_viewport_size({"width": 390, "height": 844})
    open_all(page, rows, panel=False)
    card = page.locator("#rows tr").nth(1)
    assert card.evaluate("(node) => getComputedStyle(node).display") == "grid"
    for text in ("At risk", "cam1/b\\u202ebbb", "the store does not answer", "ago", "2 min"):
        expect(card).to_contain_text(text)
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(51)
    assert card.locator("> [role=cell]").count() == 5
    assert card.locator("> [role=rowheader]").count() == 1
    target = page.get_by_role("button", name="Retry cam1/a.mp4").bounding_box()
    assert target is not None
    assert target["height"] >= 40


def test_less_motion(page: Page, rows: list[Json]) -> None:
    """Whoever asks for less motion gets none."""
    page.emulate_media(reduced_motion="reduce")
    open_all(page, rows, panel=False)
    moving = "(all) => all.some((n) => parseFloat(getComputedStyle(n).transitionDuration) > 0)"
    assert not page.locator("*").evaluate_all(moving)
