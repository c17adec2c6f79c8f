"""Settings that lie in files, one each, as secrets do in containers and under systemd.

A file has the name of its setting, in any case, and holds its value. Docker and Kubernetes
put them in /run/secrets, systemd where $CREDENTIALS_DIRECTORY says (LoadCredential=). Unlike
the environment, they are seen by no `docker inspect` and by no child process.

What must stay true: a file that has the name of a setting is used, or it is told why not;
the daemon never works with a default in its place without a word.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Set

CONTAINER_SECRETS = "/run/secrets"
LONGEST_VALUE = 65_536
"""Characters. What is longer is no setting, and is not read to its end."""


def secret_places(of_containers: str = CONTAINER_SECRETS) -> list[str]:
    """The directories that there are; of two files for one setting the last one counts.

    On a machine that is no container, /run/secrets may be somebody else's, and closed.
    """
    places = [of_containers] if os.access(of_containers, os.R_OK | os.X_OK) else []
    places.append(os.environ.get("CREDENTIALS_DIRECTORY", ""))
    return [place for place in places if os.path.isdir(place)]


def secret_problems(places: Iterable[str], settings: Iterable[str]) -> list[str]:
    """Which files of settings cannot be used, one line each; an empty one is a mistake."""
    names = set(settings)
    return [problem for place in places for problem in _problems_in(place, names)]


def secrets_not_used(
    places: Iterable[str], settings: Iterable[str], first: Iterable[str]
) -> list[str]:
    """Which files of settings do not count, since their names are among `first`."""
    names = set(settings) & {name.lower() for name in first}
    return [
        f"{os.path.join(place, name)}: is not used, since {name.upper()} is also set in the"
        " environment or in .env, which come first"
        for place in places
        if os.access(place, os.R_OK)
        for name in sorted(os.listdir(place))
        if name.lower() in names
    ]


def _problems_in(place: str, settings: Set[str]) -> Iterator[str]:
    try:
        names = sorted(name for name in os.listdir(place) if name.lower() in settings)
    except OSError as error:
        yield f"{place}: cannot be read: {error.strerror}"
        return
    first: dict[str, str] = {}
    for name in names:
        path = os.path.join(place, name)
        other = first.setdefault(name.lower(), name)
        if other != name:
            yield f"{path}: is the same setting as {other}"
        elif problem := _problem(place, path):
            yield f"{path}: {problem}"


def _problem(place: str, path: str) -> str | None:
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # whoever opens a pipe waits
            return "cannot be read: it is no file"
        with open(path, encoding="utf-8") as file:
            value = file.read(LONGEST_VALUE + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "cannot be read: it is not UTF-8"
    if len(value) > LONGEST_VALUE:
        return f"is longer than {LONGEST_VALUE} characters"
    inside = os.path.join(os.path.realpath(place), "")
    if not os.path.realpath(path).startswith(inside):
        return "leads out of its directory"
    return None if value.strip() else "is empty"
