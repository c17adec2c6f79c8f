"""The command line: every command, and how each of them ends."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated
from urllib.parse import unquote, urlsplit

import structlog
import typer
from pydantic import SecretStr

from cefmp4 import __version__, app, console
from cefmp4.adapters.embedded import EmbeddedServers, embedded_servers, tell_when_one_ends
from cefmp4.assembly import EMBEDDED_BUCKET, passed_over, with_servers
from cefmp4.commands import (
    clearing,
    doctoring,
    limiting,
    listing,
    looking,
    tailing,
    verifying,
    wishing,
)
from cefmp4.commands.grouping import Commands
from cefmp4.config import (
    Settings,
    WrongSettings,
    load_settings,
    make_watch_dir,
    settings_warnings,
)
from cefmp4.config_webhook import secrets_in
from cefmp4.errors import CefMP4Error
from cefmp4.logging_config import configure_logging, hide
from cefmp4.watchdog import Watchdog

log = structlog.get_logger(__name__)
WRONG_SETTINGS = 2
STATE_SERVER_SCHEMES = ("redis", "rediss", "unix")
"""Of these URLs only the password is a secret; where it is down is to be said."""

HELP = """Uploads MP4 recordings to S3-compatible storage while they are still being written.

Settings come from the environment and from .env; example.env explains every one.

\b
  cefmp4 run --embedded     upload what appears in ./local_watch_dir, no servers needed
  cefmp4 doctor             is everything there, and how is what is not mended?
  cefmp4 streams            every recording, live: is it safe?
  cefmp4 COMMAND --help     with examples

\b
Exit codes: 0 done or stopped, 1 something failed, 2 wrong settings or options,
3 another process works on this instance, 130 interrupted.
"""
cli = typer.Typer(
    help=HELP,
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Embedded = Annotated[
    bool, typer.Option("--embedded", help="Use an embedded store and state server.")
]


def main() -> None:
    """Entry point: every failure is one line with a hint, never a traceback."""
    console.show_any_letter()
    try:
        cli(prog_name="cefmp4")
    except WrongSettings as error:
        for line in (*error.lines, *settings_warnings()):
            console.complain(line)
        raise SystemExit(WRONG_SETTINGS) from None
    except CefMP4Error as error:
        console.complain(str(error), error.hint)
        raise SystemExit(app.FAILED) from None
    except OSError as error:
        console.complain(str(error), "can what is printed be written where it is to go?")
        raise SystemExit(app.FAILED) from None


@cli.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """See HELP."""
    if show:
        console.out.print(__version__)
        raise typer.Exit


@cli.command()
def run(
    embedded: Embedded = False,
    once: Annotated[
        bool, typer.Option("--once", help="Finish what is present, then exit.")
    ] = False,
) -> None:
    """Watch the directory and upload recordings until stopped.

    The first Ctrl-C or SIGTERM lets what is in flight land; the second ends it at once.
    What is unfinished, the next start takes up.

    \b
      cefmp4 run                with a store and a state server of yours
      cefmp4 run --embedded     with servers of its own, kept in .cefmp4
      cefmp4 run --once         finish what is present, then exit: for cron
    """
    settings = load_settings(needs_store=not embedded)
    configure_logging(settings.app_env, settings.log_level)
    hide_secrets(settings)
    made = make_watch_dir(settings)
    tell_of_start(settings)
    tell_of_made(settings, made=made, embedded=embedded)
    for warning in settings_warnings():
        log.warning(warning)
    with ExitStack() as stack:
        servers = None
        if embedded:
            servers = stack.enter_context(
                embedded_servers(
                    settings.embedded_data_dir, settings.s3_bucket_name or EMBEDDED_BUCKET
                )
            )
            own = with_servers(settings, servers)
            if unused := passed_over(settings, own):
                log.warning("not used, since --embedded is", settings=", ".join(unused))
            settings = own
            hide(servers.secret_access_key)

        def on_ready(url: str) -> None:
            greet(settings, servers, url)

        watchdog = Watchdog()
        with asyncio.Runner(loop_factory=watchdog.make_loop) as runner:
            code = runner.run(_run(settings, servers, watchdog, once=once, on_ready=on_ready))
    raise typer.Exit(code)


async def _run(
    settings: Settings,
    servers: EmbeddedServers | None,
    watchdog: Watchdog,
    *,
    once: bool,
    on_ready: Callable[[str], None],
) -> int:
    looking = asyncio.create_task(tell_when_one_ends(servers)) if servers else None
    try:
        daemon = app.Daemon(settings, once=once, on_ready=on_ready, watchdog=watchdog)
        return await daemon.run()
    finally:
        if looking:
            looking.cancel()


def tell_of_start(settings: Settings) -> None:
    """What this run is of: the first word, as the next one may come after an outage only."""
    log.info(
        "starting",
        version=__version__,
        watch_dir=settings.watch_dir,
        bucket=settings.s3_bucket_name or EMBEDDED_BUCKET,
        instance=settings.instance,
    )


def tell_of_made(settings: Settings, *, made: bool, embedded: bool) -> None:
    """It may be misspelt, or forgotten where a real store is named: nobody would record into
    it. Only who tries the embedded one without a word has the directory that was meant."""
    told, path = "the watched directory was not there: it was made", settings.watch_dir
    named = "watch_dir" in settings.model_fields_set
    hint = "is WATCH_DIR what was meant?" if named else "WATCH_DIR is not set: is this meant?"
    if made and (named or not embedded):
        log.warning(told, path=path, hint=hint)
    elif made:
        log.info(told, path=path)


def greet(settings: Settings, servers: EmbeddedServers | None, url: str) -> None:
    """Tell a person where everything is."""
    lines = {"watching": settings.watch_dir, "bucket": settings.s3_bucket_name}
    if servers:
        lines |= {"store": servers.s3_endpoint_url, "credentials": servers.credentials_file}
    lines |= {"page": f"{url}/", "metrics": f"{url}/metrics"}
    for name, value in lines.items():
        console.out.print(console.printable(f"{name:>12}  {value}"), soft_wrap=True)


def hide_secrets(settings: Settings) -> None:
    """No secret of the settings may ever appear in a log line, nor a password in an URL."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str):
            continue
        url = urlsplit(text) if "://" in text else None
        if url is not None and url.password:
            hide(url.password)
            hide(unquote(url.password))
        if isinstance(value, SecretStr) and not (url and url.scheme in STATE_SERVER_SCHEMES):
            for secret in secrets_in(text) if url else [text]:
                hide(secret)


for command in (
    *(listing.streams, looking.show, tailing.tail, looking.plan),
    *(wishing.retry, wishing.abort, limiting.limit),
    *(verifying.verify, doctoring.doctor, clearing.gc),
):
    cli.command()(command)
