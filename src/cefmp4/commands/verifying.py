"""`verify`: objects held against their recordings, while the daemon works or not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import typer

from cefmp4 import console
from cefmp4.adapters.checkpoints import RedisCheckpoints, open_checkpoints
from cefmp4.adapters.disk import LocalDisk
from cefmp4.adapters.disposal import archived_paths
from cefmp4.adapters.s3 import S3Store, view_store
from cefmp4.assembly import make_selection, store_settings
from cefmp4.commands.asking import AsJson, Embedded, command_line, settings_for
from cefmp4.commands.completing import complete_streams
from cefmp4.config import Settings
from cefmp4.core.model import STORED, Checkpoint
from cefmp4.errors import CefMP4Error
from cefmp4.verification import Finding, Verdict, verify_key, verify_stream


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID|KEY",
            help="Stream ids, their beginnings, or object keys.",
            autocompletion=complete_streams,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every stored stream that is remembered.")
    ] = False,
    as_json: AsJson = False,
    embedded: Embedded = False,
) -> None:
    """Hold stored objects against their recordings, by checksum.

    Against the recording where it is still there, or its copy in ARCHIVE_DIR; else against
    the metadata JSON beside the object. Where the store tells no checksum of the object, it
    is read back. Exit code 0 only when all are identical.

    \b
      cefmp4 verify 3f2a                      one stream, by the beginning of its id
      cefmp4 verify streams/3f2a…/a.mp4       one object, by its key
      cefmp4 verify --all --json              everything that is remembered, for programs
    """
    if everything == bool(names):
        see = f"see: {command_line('cefmp4 streams', embedded)}"
        raise CefMP4Error("name streams or keys, or say --all", hint=see)
    findings = asyncio.run(_verified(settings_for(embedded), names or [], as_json=as_json))
    if as_json:
        console.print_json([console.finding_facts(finding) for finding in findings])
    elif not findings:
        console.out.print("Nothing is stored yet.")
    identical = all(finding.verdict is Verdict.IDENTICAL for finding in findings)
    raise typer.Exit(0 if identical else 1)


async def _verified(
    settings: Settings, names: Sequence[str], *, as_json: bool
) -> list[Finding]:
    """What was found of each; told as it comes, for it can take long."""
    disk, findings = LocalDisk(make_selection(settings)), []
    try:
        async with (
            open_checkpoints(
                settings.redis_url.get_secret_value(),
                settings.instance,
                ca_bundle=settings.redis_ca_bundle,
            ) as checkpoints,
            view_store(store_settings(settings)) as store,
        ):
            async for meant in _meant(checkpoints, names):
                finding = await _find(settings, store, disk, meant)
                findings.append(finding)
                if not as_json:
                    console.print_finding(finding)
    finally:
        disk.close()
    return findings


async def _meant(
    checkpoints: RedisCheckpoints, names: Sequence[str]
) -> AsyncIterator[Checkpoint | str]:
    """The streams of these names, or the names themselves as keys; without any, all."""
    if not names:
        for stream in await checkpoints.all_streams():
            if stream.status in STORED:
                yield stream
    for name in names:
        found = await checkpoints.find(name) if "/" not in name else []
        if len(found) > 1:
            raise CefMP4Error(f"several streams begin with {name!r}", hint="say more of it")
        owner = None if found else await checkpoints.owner_of(name)
        yield found[0] if found else owner or name


async def _find(
    settings: Settings, store: S3Store, disk: LocalDisk, meant: Checkpoint | str
) -> Finding:
    if isinstance(meant, str):
        return await verify_key(store, meant)
    copies: Sequence[str] = ()
    if settings.archive_dir is not None:
        copies = archived_paths(
            meant.path, meant.stream_id, settings.watch_dir, settings.archive_dir
        )
    return await verify_stream(store, disk, meant, copies)
