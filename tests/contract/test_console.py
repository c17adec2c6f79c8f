"""Tables, as they stand on a terminal and in a pipe."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from cefmp4.console import terminal
from cefmp4.console.events import print_event, print_event_json
from cefmp4.console.stream import print_stream
from cefmp4.console.streams import GOES_ON, live, print_rows
from cefmp4.core.model import Status
from cefmp4.core.safety import Safety
from cefmp4.elsewhere import View, rows_of
from cefmp4.ports import Figures, Outline, Presence, Shown
from cefmp4.rows import STALLED
from contract.checkpoint_values import active

IDS = ("9e0d4f0d-1592-84c6-9731-5a998365bb37", "9e0d4f0d-2592-84c6-9731-5a998365bb37")
DAEMON = Presence("here", 12, "0.1.0", 1000.0, "/watch", 2, 8)
GROWING = Figures("", "active", "on_its_way", "growing", 1_000.0, disk_bytes=4 * 1024**2)


def view_of(*paths: str, works: bool = True, **changed: object) -> View:
    """Streams at these paths, sent to a quarter, and what a daemon says of them."""
    outlines = [
        Outline(
            active(path, stream_id=IDS[n] if n < 2 else f"{n:08}", upload_id="upload"),
            1,
            1024**2,
            2,
        )
        for n, path in enumerate(paths)
    ]
    told = {
        outline.checkpoint.stream_id: replace(
            GROWING,
            path=outline.checkpoint.path,
            **changed,  # type: ignore[arg-type]
        )
        for outline in outlines
    }
    return View(
        "here:/watch",
        1_010.0,
        {outline.checkpoint.stream_id: outline for outline in outlines},
        rows_of(outlines, Shown(DAEMON, told), works=works),
        DAEMON if works else None,
        "process 12 on here" if works else "",
        works,
    )


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is printed on a terminal of 120 columns and 10 lines."""
    text = io.StringIO()
    shown = Console(file=text, force_terminal=True, width=120, height=10, color_system=None)
    monkeypatch.setattr(terminal, "out", shown)
    return text


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is printed into a pipe."""
    text = io.StringIO()
    shown = Console(file=text, width=terminal.PIPE_WIDTH, color_system=None)
    monkeypatch.setattr(terminal, "out", shown)
    return text


def test_a_stream_is_one_line_of_a_terminal(text: io.StringIO) -> None:
    """Its id is cut where it still tells it from the others, its path in the watched folder.

    Seen failing with ids that are cut at eight letters, whatever the others are.
    """
    view = view_of("/watch/a.mp4", "/else/b.mp4")
    print_rows(view, view.rows)
    summary, header, *lines = text.getvalue().splitlines()
    assert "here:/watch  2 active  0 at risk  0 failed" in summary
    assert header.split()[0] == "stream"
    assert [line.split()[0] for line in lines] == ["9e0d4f0d-1", "9e0d4f0d-2"]
    assert lines[0].split()[1:4] == ["●", "active", "a.mp4"]
    assert lines[1].split()[3] == "/else/b.mp4"
    assert "25%" in lines[0]
    assert "growing" in lines[0]


def test_a_pipe_is_told_everything(piped: io.StringIO) -> None:
    """Whole ids, whole paths, and no spaces at the end of a line."""
    view = view_of("/watch/a.mp4", "/else/b.mp4")
    print_rows(view, view.rows)
    lines = piped.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["stream", *IDS]
    assert lines[1].split()[1:3] == ["active", "/watch/a.mp4"]
    assert lines == [line.rstrip() for line in lines]


def test_hostile_names_move_nothing(text: io.StringIO, piped: io.StringIO) -> None:
    """No control character reaches a terminal, and wide letters keep the columns in line.

    Seen failing with Text(path) in place of printable(path).
    """
    names = (
        "a\x1b[2Jb.mp4",
        "\u202eevil\u2066.mp4",
        "[red]x\n.mp4",
        "録画録画.mp4",
        "\udcff.mp4",
    )
    view = view_of(*(f"/watch/{name}" for name in names), why="it says\x1b[31m\nno")
    print_rows(view, view.rows)
    assert len(piped.getvalue().splitlines()) == 1 + len(names)
    assert all(c.isprintable() or c == "\n" for c in piped.getvalue())


def test_wide_letters_keep_the_columns_in_line(text: io.StringIO) -> None:
    """A letter of two cells is counted as two."""
    view = view_of("/watch/録画録画.mp4", "/watch/plain.mp4", "/watch/[red]\x1b[2J.mp4")
    print_rows(view, view.rows)
    lines = text.getvalue().splitlines()[2:]
    assert len({cell_len(line[: line.index("25%")]) for line in lines}) == 1
    assert "\x1b" not in text.getvalue()
    assert "[red]" in text.getvalue()


def test_a_live_table_has_as_many_rows_as_there_are_lines(text: io.StringIO) -> None:
    """The most urgent ones, and how many more there are.

    Seen failing with a table that is as long as there are streams.
    """
    view = view_of(*(f"/watch/{n}.mp4" for n in range(50)))
    worst = replace(view.rows[40], verdict=Safety.AT_RISK)
    terminal.out.print(live(view, [worst, *view.rows], 2_000_000.0, ""))
    lines = text.getvalue().splitlines()
    assert len(lines) < 10
    assert "1.9 MiB/s" in lines[0]
    assert "at risk" in lines[2]
    assert "more: make the window larger" in lines[-1]


@pytest.mark.parametrize("columns", [60, 80, 100, 140, 200])
def test_a_line_is_a_line_however_narrow_it_is(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Of a long name the end is shown, and the reason as far as there is room.

    Seen failing with a warning that is wrapped, and with names cut where they end.
    """
    text = io.StringIO()
    shown = Console(file=text, force_terminal=True, width=columns, height=12, color_system=None)
    monkeypatch.setattr(terminal, "out", shown)
    long = "録画" * 30
    view = replace(view_of(*(f"/w/{long}/{n:04}.mp4" for n in range(50))), fresh=False)
    terminal.out.print(live(view, view.rows, 1.0, ""))
    lines = text.getvalue().splitlines()
    assert len(lines) < 12
    assert all(cell_len(line) <= columns for line in lines)
    assert "the figures are old" in lines[1]
    assert all("…" in line and ".mp4" in line for line in lines[3:-1])
    assert "growing" in lines[3]


def test_without_a_daemon_nothing_is_called_well(text: io.StringIO) -> None:
    """The figures are nobody's any more; what is unsent is at risk.

    Seen failing with figures that are believed whoever works.
    """
    view = view_of("/watch/a.mp4", works=False)
    print_rows(view, view.rows)
    told = text.getvalue()
    assert "no daemon works on this instance" in told.splitlines()[1]
    assert "▲ at risk" in told
    assert "25%" not in told
    assert "by itself" not in told


def test_what_is_at_risk_goes_on_by_itself(text: io.StringIO) -> None:
    """That is said before a person is told of abort, and what abort does; not without a daemon.

    Seen failing with a `show` that offered abort alone, and said it whoever works.
    """
    view = view_of("/watch/a.mp4", verdict="at_risk", at_risk_since=1_000.0)
    print_rows(view, view.rows)
    [row] = view.rows
    print_stream(view, row, None, parts=False)
    table, shown = text.getvalue().split("▲ at risk: ")
    assert f"at risk: {GOES_ON}" in table.splitlines()[1]
    assert "unsent for" in table.splitlines()[2]
    assert shown.index(GOES_ON) < shown.index(f"cefmp4 abort {IDS[0]}  # gives it up")
    alone = view_of("/watch/a.mp4", works=False)
    text.truncate(0)
    print_stream(alone, alone.rows[0], None, parts=False)
    assert "it carries on where it was" in text.getvalue()
    assert GOES_ON not in text.getvalue()


def test_what_was_stored_is_stored_whatever_old_figures_say(text: io.StringIO) -> None:
    """The checkpoint has the last word.

    Seen failing with figures that are believed of what has ended.
    """
    view = view_of("/watch/a.mp4")
    over = replace(
        next(iter(view.outlines.values())).checkpoint,
        status=Status.COMPLETED,
        ended_at=1_005.0,
    )
    told = {over.stream_id: replace(GROWING, path=over.path)}
    rows = rows_of([Outline(over, 4, 4 * 1024**2, 5)], Shown(DAEMON, told), works=True)
    print_rows(replace(view, rows=rows), rows)
    assert "✓ stored" in text.getvalue()
    assert "growing" not in text.getvalue()


def test_an_object_that_stands_is_not_called_stalled_by_old_figures() -> None:
    """Its metadata JSON is still to come, and the daemon spoke half a minute ago.

    Seen failing with `stalled` and `stored` in one line.
    """
    [outline] = view_of("/watch/a.mp4").outlines.values()
    cp = replace(outline.checkpoint, status=Status.S3_COMPLETED)
    told = {cp.stream_id: replace(GROWING, status=STALLED, verdict="at_risk")}
    [row] = rows_of([Outline(cp, 4, 4 * 1024**2, 5)], Shown(DAEMON, told), works=True)
    assert (row.status, row.verdict) == ("s3_completed", Safety.STORED)


ODD = "a\u2028b\x85c\x9b31m\x7f\u202e\U000e0001 \\ \u00e9\U0001f3a5.mp4"
"""A name that ends lines, colours, deletes, and turns round, with letters that do not."""


@pytest.mark.parametrize("printed", [print_event_json, terminal.print_json])
def test_json_on_a_terminal_acts_in_no_way_and_says_the_same(
    printed: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """On as many lines as without the name.

    Seen failing with a name that had lost a letter, and with one that coloured the terminal.
    """
    told = {"original_file_path": ODD}
    printed(told if printed is terminal.print_json else json.dumps(told, ensure_ascii=False))
    text = capsys.readouterr().out
    assert json.loads(text) == told
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\u00e9\U0001f3a5" in text
    print_event_json('{"a":\r\n\t1}\n')
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_an_event_of_somebody_else_ends_no_tail(text: io.StringIO) -> None:
    """Whoever may write to `cefmp4:events` may write what is no text at all.

    Seen failing with a traceback.
    """
    name = '{"data": {"original_file_path": "a\\ud800.mp4", "reason": "\\udfff"}}'
    size = f'{{"data": {{"total_size_bytes": {10**400}}}}}'
    for odd in (name, size, "[", '"', "[" * 100_000):
        print_event(odd, "in\udcffst")
    assert "a?.mp4" in text.getvalue()
