"""What there is, by the names it has in the code: documents may speak of nothing else."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import typer
import yaml

from cefmp4.adapters.checkpoints.keys import EVENTS, HOMES, INSTANCES, Keyspace
from cefmp4.cli import cli
from cefmp4.config_problems import what_is_allowed
from cefmp4.core.happenings import Sink
from cefmp4.settings import Settings
from cefmp4.web.view import SORTS, STATUSES, VERDICTS
from docs.texts import HOUSE, files_of_the_house
from tools.reference.metrics import described

SETTINGS = frozenset(name.upper() for name in Settings.model_fields)
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
SOURCES = (".py", ".js", ".mjs", ".json", ".html", "Makefile")
OF_HISTOGRAMS = ("_bucket", "_sum", "_count")
OF_PROMETHEUS = frozenset({"instance", "job", "le"})
"""Labels that every series has, or every histogram."""
QUERY: Mapping[str, frozenset[str]] = {
    "status": frozenset(STATUSES),
    "verdict": frozenset(VERDICTS),
    "sort": frozenset(SORTS),
    "order": frozenset({"asc", "desc"}),
}


@cache
def choices() -> dict[str, frozenset[str]]:
    """What those settings may be that have a few values to choose from."""
    told = {
        name.upper(): what_is_allowed(name, field).removeprefix("must be ").split(" or ")
        for name, field in Settings.model_fields.items()
    }
    return {
        name: frozenset(value.lower() for value in values)
        for name, values in told.items()
        if len(values) > 1
    }


@cache
def metrics() -> dict[str, frozenset[str]]:
    """The labels of every metric, and of what a histogram puts behind its own name."""
    found: dict[str, frozenset[str]] = {}
    for metric in described():
        labels = frozenset(metric.labels) | OF_PROMETHEUS
        found[metric.name] = labels
        if metric.kind == "histogram":
            found |= {f"{metric.name}{end}": labels for end in OF_HISTOGRAMS}
    return found


@cache
def openapi() -> dict[str, Any]:
    """The published description of what the daemon answers."""
    text = (HOUSE / "docs" / "reference" / "openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


@cache
def endpoints() -> frozenset[tuple[str, str]]:
    """Method and path of every operation; `test_openapi` holds them to the server."""
    return frozenset(
        (method.upper(), path)
        for path, item in openapi()["paths"].items()
        for method in METHODS
        if method in item
    )


@cache
def commands() -> dict[str, frozenset[str]]:
    """The options of every command; of the program itself under the empty name."""
    group: Any = typer.main.get_command(cli)
    found = {"": group, **group.commands}
    return {name: _options(command) | {"--help"} for name, command in found.items()}


def _options(command: Any) -> frozenset[str]:
    return frozenset(
        option for param in command.params for option in param.opts + param.secondary_opts
    )


@cache
def targets() -> frozenset[str]:
    """What `make` makes."""
    text = (HOUSE / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


@cache
def state_keys() -> frozenset[str]:
    """Keys of the state server, each up to what differs from stream to stream."""
    space = Keyspace("i")
    of_instance = [
        value for name in dir(Keyspace) if isinstance(value := getattr(space, name), bytes)
    ]
    of_instance += [space.streams(home) for home in set(HOMES.values())]
    of_instance += [space.outbox(sink) for sink in Sink]
    of_instance += [space.meta("ID"), space.parts("ID")]
    return frozenset(key.decode() for key in (EVENTS, INSTANCES, *of_instance))


@cache
def code(*folders: str) -> str:
    """All our sources in these folders, their names included; but for these very tests."""
    return "\n".join(
        f"{path}\n{(HOUSE / path).read_text(encoding='utf-8')}"
        for path in sorted(files_of_the_house())
        if path.startswith(folders) and path.endswith(SOURCES) and "tests/docs" not in path
    )


@cache
def words_of_the_code() -> frozenset[str]:
    """Every word in them, but for the tests: these have wrong ones on purpose."""
    return frozenset(re.findall(r"\w+", code("src/", "bench/", "tools/", "Makefile")))
