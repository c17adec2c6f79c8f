"""Tables, as they stand on a terminal and in a pipe."""

import io

import pytest
from rich.console import Console

from cefmp4 import console
from contract.checkpoint_values import active

IDS = ("9e0d4f0d-1592-84c6-9731-5a998365bb37", "9e0d4f0d-2592-84c6-9731-5a998365bb37")


def printed(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> list[str]:
    """Two streams, one of them in the watched directory, on a terminal of 80 columns."""
    text = io.StringIO()
    width = 80 if terminal else console.PIPE_WIDTH
    shown = Console(file=text, force_terminal=terminal, width=width, color_system=None)
    monkeypatch.setattr(console, "out", shown)
    streams = [
        active("/watch/a.mp4", stream_id=IDS[0]),
        active("/else/b.mp4", stream_id=IDS[1]),
    ]
    console.print_streams(streams, "/watch")
    return text.getvalue().splitlines()


def test_a_stream_is_one_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id is cut where it still tells it from the others.

    Seen failing with ids that are cut at eight letters, whatever the others are.
    """
    lines = printed(monkeypatch, terminal=True)
    assert [line.split()[0] for line in lines] == ["stream", "9e0d4f0d-1", "9e0d4f0d-2"]
    assert lines[1].split()[2:3] == ["a.mp4"]
    assert lines[2].split()[2:3] == ["/else/b.mp4"]


def test_a_pipe_is_told_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole ids, whole paths, and no spaces at the end of a line."""
    lines = printed(monkeypatch, terminal=False)
    assert [line.split()[0] for line in lines] == ["stream", *IDS]
    assert "/watch/a.mp4" in lines[1]
    assert lines == [line.rstrip() for line in lines]
