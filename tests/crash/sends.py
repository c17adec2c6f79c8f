"""How often each part was sent, and whether there was a reason for it.

A part may be sent again for two reasons only: it was forgotten because the file holds
something else by now, or the last sending of it never came to be recorded, because the
process or the state server was killed in between. Both are seen in what was written down.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from crash.effects import Effect, Line, Step


@dataclass(slots=True)
class Sending:
    """One sending of one part of one stream."""

    life: int
    size_bytes: int = 0
    recorded: bool = False
    failed: bool = False


@dataclass(slots=True)
class Account:
    """All sendings of one part."""

    sendings: list[Sending] = field(default_factory=list)
    forgotten: bool = False
    """Since the last sending, it was at least begun to record that the file has changed."""
    changes: int = 0
    """How often it was sent because the file has changed."""
    wasted_bytes: int = 0
    """Of sendings that had to be repeated."""
    without_reason: int = 0

    @property
    def last(self) -> Sending:
        assert self.sendings, "recorded before it was sent"
        return self.sendings[-1]

    def begin(self, life: int) -> None:
        if self.forgotten:
            self.changes += 1
        elif self.sendings:
            last = self.last
            if last.recorded or (last.life == life and not last.failed):
                self.without_reason += 1
            self.wasted_bytes += last.size_bytes
        self.forgotten = False
        self.sendings.append(Sending(life))


def accounts(lines: Iterable[Line]) -> dict[tuple[str, int], Account]:
    """By stream and part number."""
    found: dict[tuple[str, int], Account] = {}
    for line in lines:
        for number in line.parts:
            _take_in(found.setdefault((line.key, number), Account()), line)
    return found


def _take_in(account: Account, line: Line) -> None:
    match line.effect, line.step:
        case ((Effect.PART_SENT | Effect.PUT), Step.BEGUN):
            account.begin(line.life)
        case ((Effect.PART_SENT | Effect.PUT), Step.BYTES):
            account.last.size_bytes += line.size_bytes
        case (Effect.PART_RECORDED, Step.DONE) | (Effect.PUT, Step.DONE):
            account.last.recorded = True
        case ((Effect.PART_SENT | Effect.PART_RECORDED | Effect.PUT), Step.FAILED):
            account.last.failed = True
        case Effect.FORGOTTEN, Step.BEGUN:
            account.forgotten = True
        case _:
            pass
