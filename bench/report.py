"""What was found, kept as JSON, shown as tables, and told in `docs/bench/README.md`."""

import json
import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.measure import Numbers
from bench.tables import Rows, all_tables
from bench.targets import targets

HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATE = os.path.join(HERE, "method.md")
RESULTS, DOCUMENT = "results.json", "README.md"


def merge(folder: str, head: Numbers, name: str, section: Numbers) -> None:
    """Put one bench's section into the results; the others stand as they were."""
    os.makedirs(folder, exist_ok=True)
    found = load(folder)
    found |= head
    found.setdefault("sections", {})[name] = section
    path = os.path.join(folder, RESULTS)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    os.replace(f"{path}.new", path)


def load(folder: str) -> Numbers:
    """What was found so far."""
    path = os.path.join(folder, RESULTS)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        found: Numbers = json.load(file)
    return found


def show(folder: str, console: Console) -> None:
    """All tables, for whoever has waited."""
    found = load(folder)
    for rows in [_targets(found), *all_tables(found["sections"])]:
        table = Table(title=rows.title, title_justify="left")
        for number, name in enumerate(rows.head):
            table.add_column(name, justify="right" if number else "left")
        for row in rows.rows:
            table.add_row(*(cell.replace("**", "") for cell in row))
        console.print(table)


def write(folder: str) -> None:
    """The document, made anew from the results and the template."""
    found = load(folder)
    tables = [_markdown(rows) for rows in all_tables(found["sections"])]
    with open(TEMPLATE, encoding="utf-8") as file:
        document = file.read()
    filled = {
        "targets": _markdown(_targets(found)),
        "machine": _markdown(_machine(found)),
        "runs": _markdown(_runs(found)),
        "tables": "\n".join(tables),
        "plots": _plots(folder),
    }
    for name, text in filled.items():
        document = document.replace(f"<!-- {name} -->\n", text)
    with open(os.path.join(folder, DOCUMENT), "w", encoding="utf-8") as file:
        file.write(document)


def _targets(found: Numbers) -> Rows:
    """Of full runs only: a smoke run says nothing about them."""
    full = {name: told for name, told in found["sections"].items() if not told["quick"]}
    rows = [
        (t.what, t.wanted, "" if t.measured is None else f"{t.measured:.3g}", t.verdict)
        for t in targets(full)
    ]
    return Rows("Targets", ("what", "wanted", "measured", "verdict"), rows)


def _machine(found: Numbers) -> Rows:
    told = found["machine"]
    rows = [
        ("CPU", f"{told['cpu']}, {told['cores']} cores"),
        ("memory", f"{told['memory_bytes'] / 10**9:.0f} GB"),
        ("kernel", told["kernel"]),
        ("Python", told["python"]),
        *sorted(told["versions"].items()),
    ]
    left_out = found.get("peers_left_out")
    rows += [("not installed, so left out", ", ".join(left_out))] if left_out else []
    return Rows("The machine", ("", "of the last run"), rows)


def _runs(found: Numbers) -> Rows:
    rows = [
        (
            name,
            told["ran_at"],
            told["revision"],
            f"{told['load_before']}",
            "smoke run" if told["quick"] else "full",
        )
        for name, told in found["sections"].items()
    ]
    head = ("bench", "ran at", "revision (+: changed files)", "load before", "size")
    return Rows("When each was run", head, rows)


def _plots(folder: str) -> str:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".png"))
    return "".join(f"![{name.removesuffix('.png')}]({name})\n\n" for name in names)


def _markdown(rows: Rows) -> str:
    lines = [_row(rows.head), _row(["---", *("---:" for _ in rows.head[1:])])]
    lines += [_row(row) for row in rows.rows]
    note = f"\n{rows.note}\n" if rows.note else ""
    return f"### {rows.title}\n\n" + "\n".join(lines) + f"\n{note}\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
