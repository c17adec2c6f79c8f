"""Settings that lie in files, one each, as secrets do in containers and under systemd.

A file has the name of its setting, in any case, and holds its value. Docker and Kubernetes
put them in /run/secrets, systemd where $CREDENTIALS_DIRECTORY says (LoadCredential=). Unlike
the environment, they are seen by no `docker inspect` and by no child process.
"""

import os
from collections.abc import Iterable

CONTAINER_SECRETS = "/run/secrets"


def secret_places(of_containers: str = CONTAINER_SECRETS) -> list[str]:
    """The directories that there are; of two files for one setting the last one counts."""
    places = (of_containers, os.environ.get("CREDENTIALS_DIRECTORY", ""))
    return [place for place in places if os.path.isdir(place)]


def secret_problems(places: Iterable[str], settings: Iterable[str]) -> list[str]:
    """Which files of settings cannot be used, one line each; an empty one is a mistake."""
    names = set(settings)
    found = (
        os.path.join(place, name)
        for place in places
        for name in sorted(os.listdir(place))
        if name.lower() in names
    )
    return [problem for path in found if (problem := _problem(path))]


def _problem(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            empty = not file.read().strip()
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return f"{path}: cannot be read: it is not UTF-8"
    return f"{path}: is empty" if empty else None
