"""Where settings come from, and what is said of wrong ones.

They come from the environment, then from a `.env` file, then from secrets in files; an empty
value of the first two counts as unset (docker compose passes empty ones). What must stay true:
a wrong configuration is told as a whole, one line per setting, and never with the value of a
secret. Of a `.env` that cannot be read only that is told: what it sets nobody knows.
"""

import os
from typing import Any

from pydantic import ValidationError, field_validator

from cefmp4.config_directories import check_directory, make_directory
from cefmp4.config_misspelt import misspelt, misspelt_among_others
from cefmp4.config_problems import (
    WrongSettings,
    assignment,
    env_file_problem,
    names_in,
    names_with_values,
    no_env_file,
    problem_lines,
)
from cefmp4.config_secrets import secret_places, secret_problems, secrets_not_used
from cefmp4.settings import Settings

__all__ = [
    "Settings",
    "WrongSettings",
    "load_settings",
    "make_watch_dir",
    "settings_warnings",
]


NO_BUCKET = "name the bucket for recordings, or run with --embedded"


class _WithStore(Settings):
    """The settings of what brings no store of its own."""

    @field_validator("s3_bucket_name")
    @classmethod
    def _named(cls, value: str | None) -> str:
        if value is None:
            raise ValueError(NO_BUCKET)
        return value


class _ToStart(Settings):
    """The settings of a daemon; a command may be wanted because the directory is gone."""

    @field_validator("watch_dir")
    @classmethod
    def _can_be_watched(cls, value: str) -> str:
        check_directory(value)
        return value


class _ToStartWithStore(_ToStart, _WithStore):
    """Both."""


def load_settings(
    *,
    needs_store: bool = True,
    to_start: bool = True,
    env_file: str | None = ".env",
    **overrides: Any,
) -> Settings:
    """Read the environment, `env_file` and secrets in files; overrides come before them all.

    Overrides that are None or empty do not count.

    Without `needs_store` a missing bucket name is none of their mistakes; without `to_start` a
    WATCH_DIR that cannot be made is none.
    Raises WrongSettings, which tells everything that is wrong at once.
    """
    kind: type[Settings] = _WithStore if needs_store else Settings
    if to_start:
        kind = _ToStartWithStore if needs_store else _ToStart
    given = {name: value for name, value in overrides.items() if value not in (None, "")}
    if unreadable := env_file_problem(env_file):
        raise WrongSettings([unreadable])  # what else is missing may stand there
    places = secret_places()
    if lines := secret_problems(places, Settings.model_fields):
        places = []
    try:
        settings = kind(_env_file=env_file, _secrets_dir=places or None, **given)
    except ValidationError as error:
        # `from None`: the error holds the values of secrets.
        wrong = problem_lines(error, Settings.model_fields)
        if missing := no_env_file(env_file):
            wrong = [f"{line}; {missing}" if NO_BUCKET in line else line for line in wrong]
        raise WrongSettings(lines + wrong) from None
    if lines:
        raise WrongSettings(lines)
    return settings


def make_watch_dir(settings: Settings) -> bool:
    """Make the watched directory unless it is there; whether it was made.

    Raises WrongSettings when it cannot be made.
    """
    try:
        return make_directory(settings.watch_dir)
    except ValueError as error:
        field = Settings.model_fields["watch_dir"]
        told = assignment("watch_dir", field, settings.watch_dir)
        raise WrongSettings([f"{told}: {error}"]) from None


def settings_warnings(env_file: str | None = ".env") -> list[str]:
    """What likely is not as it was meant, one line each.

    Names in `env_file` and in the environment that look like a setting and are none, and
    secrets in files that do not count since these two come first.
    """
    settings, in_file = Settings.model_fields, names_in(env_file)
    around = {name for name, value in os.environ.items() if value}
    told_alone = sorted(around - set(in_file))  # `.env` may have been exported, too
    return [
        *(f"{env_file}: {line}" for line in misspelt(in_file, settings)),
        *(f"environment: {line}" for line in misspelt_among_others(told_alone, settings)),
        *secrets_not_used(secret_places(), settings, around | names_with_values(env_file)),
    ]
