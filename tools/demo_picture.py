"""Draw what `make demo` shows on a terminal, as an animated SVG of a real run.

    .venv/bin/python -m pip install pyte==0.8.2    # a terminal in memory; needed here alone
    .venv/bin/python tools/demo_picture.py docs/images/demo.svg

The demo runs on a pseudo terminal, what it writes is kept with the time at which it came, and
played to a terminal in memory that is looked at every so often. Each look that differs from
the one before is a frame. Nothing is made up, and nothing but long waits is shortened. Who
asks for less motion, or cannot play it, sees the last frame.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import pyte

COLUMNS, LINES = 80, 16
COMMAND = ("make", "demo")
FRAME_SECONDS = 0.5
LONGEST_SECONDS = 1.5
"""A frame that stood for longer is shown for so long."""
LAST_SECONDS = 6.0
CHARACTER, LINE, MARGIN, BAR = 8.4, 19.0, 16.0, 30.0
FONTS = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace'
TITLE = (
    f"A terminal: {' '.join(COMMAND)}. Three recordings grow, are sent while they grow, and are"
    " compared byte for byte."
)
LIGHTS = ("#ff5f57", "#febc2e", "#28c840")
FOREGROUND, BACKGROUND = "#d7dae0", "#16181d"
COLOURS = {
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
}

Row = tuple[tuple[str, str, bool], ...]
"""Pieces of a line: text, colour, whether bold."""


@dataclass(frozen=True)
class Frame:
    """What stood on the terminal, and for how long it is shown."""

    rows: tuple[Row, ...]
    seconds: float


def main(target: str) -> None:
    frames = list(_frames(_written()))
    with open(target, "w", encoding="utf-8") as file:
        file.write(_svg(frames))
    size = os.path.getsize(target)
    sys.stdout.write(f"{target}: {len(frames)} frames, {size / 1000:.0f} kB\n")


def _written() -> Iterator[tuple[float, bytes]]:
    """What the command writes, and when, in seconds since its start."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    environment.pop("NO_COLOR", None)
    demo = subprocess.Popen(
        COMMAND, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    began = time.monotonic()
    while True:
        readable, _, _ = select.select([ours], [], [], 0.05)
        if readable:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            yield time.monotonic() - began, data
    if demo.wait() != 0:
        raise SystemExit("the demo has failed: no picture")


def _frames(written: Iterator[tuple[float, bytes]]) -> Iterator[Frame]:
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {' '.join(COMMAND)}\r\n".encode())
    shown, since, next_look = _look(screen), 0.0, FRAME_SECONDS
    for at, data in written:
        if at >= next_look:
            next_look = at + FRAME_SECONDS
            now = _look(screen)
            if now != shown:
                yield Frame(shown, min(at - since, LONGEST_SECONDS))
                shown, since = now, at
        stream.feed(data)
    yield Frame(shown, FRAME_SECONDS)
    yield Frame(_look(screen), LAST_SECONDS)


def _look(screen: pyte.Screen) -> tuple[Row, ...]:
    return tuple(_row(screen, number) for number in range(LINES))


def _row(screen: pyte.Screen, number: int) -> Row:
    pieces: list[tuple[str, str, bool]] = []
    for column in range(COLUMNS):
        cell = screen.buffer[number][column]
        colour = COLOURS.get(cell.fg, FOREGROUND)
        if pieces and pieces[-1][1:] == (colour, cell.bold):
            pieces[-1] = (pieces[-1][0] + cell.data, colour, cell.bold)
        else:
            pieces.append((cell.data, colour, cell.bold))
    while pieces and not pieces[-1][0].strip():
        pieces.pop()
    return tuple(pieces)


def _svg(frames: list[Frame]) -> str:
    """Every row that differs is drawn once; frames stand side by side, shown one at a time."""
    width = round(COLUMNS * CHARACTER + 2 * MARGIN)
    height = round(BAR + LINES * LINE + MARGIN)
    rows = list(dict.fromkeys(row for frame in frames for row in frame.rows if row))
    drawn = "".join(f'<g id="r{n}">{_text(row)}</g>' for n, row in enumerate(rows))
    strips = "".join(
        f'<g transform="translate({number * width},0)">{_uses(frame, rows)}</g>'
        for number, frame in enumerate(frames)
    )
    lights = "".join(
        f'<circle cx="{18 + 18 * n}" cy="15" r="5" fill="{colour}"/>'
        for n, colour in enumerate(LIGHTS)
    )
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="t">',
            f'<title id="t">{TITLE}</title>',
            f"<style>\n{_style(frames, width)}\n</style>",
            f'<defs><clipPath id="screen"><rect width="{width}" height="{height}"/></clipPath>',
            f"{drawn}</defs>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>{lights}',
            f'<g clip-path="url(#screen)"><g id="film">{strips}</g></g>\n</svg>\n',
        )
    )


def _style(frames: list[Frame], width: int) -> str:
    whole, passed, steps = sum(frame.seconds for frame in frames), 0.0, []
    for number, frame in enumerate(frames):
        steps.append(
            f"{100 * passed / whole:.3f}%{{transform:translateX(-{number * width}px)}}"
        )
        passed += frame.seconds
    last = f"transform:translateX(-{(len(frames) - 1) * width}px)"
    return "\n".join(
        (
            f"text {{ font: 14px {FONTS}; white-space: pre }}",
            ".b { font-weight: bold }",
            f"#film {{ {last}; animation: film {whole:.2f}s steps(1, end) infinite }}",
            f"@keyframes film {{ {''.join(steps)} 100%{{{last}}} }}",
            "@media (prefers-reduced-motion: reduce) { #film { animation: none } }",
        )
    )


def _uses(frame: Frame, rows: list[Row]) -> str:
    return "".join(
        f'<use href="#r{rows.index(row)}" y="{BAR + (number + 0.75) * LINE:.1f}"/>'
        for number, row in enumerate(frame.rows)
        if row
    )


def _text(row: Row) -> str:
    """Each piece is set to its exact width, whatever font there is."""
    column, drawn = 0, ""
    for text, colour, bold in row:
        if text.strip():
            at, length = MARGIN + column * CHARACTER, len(text) * CHARACTER
            kind = ' class="b"' if bold else ""
            drawn += (
                f'<text x="{at:.1f}" textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"'
                f' xml:space="preserve" fill="{colour}"{kind}>{escape(text)}</text>'
            )
        column += len(text)
    return drawn


if __name__ == "__main__":
    main(sys.argv[1])
