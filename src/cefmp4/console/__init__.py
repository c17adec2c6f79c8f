"""What the command line prints: tables for people, JSON for programs.

What must stay true: into a pipe goes one row a line, whole and without colour; on a terminal
nothing that came from outside can act as a control character.
"""

from cefmp4.console.reports import (
    finding_facts,
    judged_facts,
    print_answer,
    print_finding,
    print_foresight,
    print_judged,
)
from cefmp4.console.terminal import (
    complain,
    err,
    note,
    out,
    print_json,
    print_table,
    printable,
    show_any_letter,
)

__all__ = [
    "complain",
    "err",
    "finding_facts",
    "judged_facts",
    "note",
    "out",
    "print_answer",
    "print_finding",
    "print_foresight",
    "print_json",
    "print_judged",
    "print_table",
    "printable",
    "show_any_letter",
]
