"""How much work something is, told without a clock: the instructions Python carries out."""

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def instructions(work: Callable[[], object]) -> int:
    """The bytecode instructions it takes, in every function it calls."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    tracing, here = sys.gettrace(), inspect.currentframe()
    assert here is not None
    here.f_trace_opcodes = True  # Python 3.12 asks for it when tracing begins, not later
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(tracing)
    return count
