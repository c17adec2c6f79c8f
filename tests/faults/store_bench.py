"""A real daemon whose store is reached through the proxy, shared by many cases.

Every case has a recording of its own, and its rules meet only that one's key; so all
cases of a test run at the same time, next to each other, as recordings do.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cefmp4.adapters.embedded import valkey
from faults.proxy import Fault, Proxy, Rule, running_proxy
from faults.recordings import Recording
from faults.store_cases import Case
from servers import S3Server, make_bucket, s3_client
from story.bucket import Bucket
from story.daemon import Daemon, settings_of, whole_lines
from waiting import wait_until

STALL_SECONDS = 4
SLOTS = 12
PATIENCE_SECONDS = 90.0


@dataclass
class Bench:
    """The daemon, its proxy and its bucket."""

    daemon: Daemon
    proxy: Proxy
    server: S3Server
    bucket: str
    store: Bucket = field(init=False)

    def recording(self, name: str) -> Recording:
        return Recording(self.daemon.path(f"{name}.mp4"))

    def rule(self, operation: str, fault: Fault, recording: Recording, times: int = 1) -> None:
        """This happens to the next so many such requests of this recording."""
        self.proxy.rules.append(Rule(operation, fault, f"/{recording.name}", times))

    def sent(self, recording: Recording, part: int = 1) -> int:
        """How often the store has taken this part."""
        name = f"/{recording.name}"
        return self.proxy.times("UploadPart", name, part=part, status=200)

    def lines(self, recording: Recording) -> list[dict[str, Any]]:
        """What the log says of it."""
        return [line for line in self._log() if line.get("file_path") == recording.path]

    def told(self, event: str) -> list[dict[str, Any]]:
        """What the log says of this, whatever recording it is about."""
        return [line for line in self._log() if line["event"] == event]

    def _log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in whole_lines(self.daemon.log) if line[:1] == "{"]

    async def wait_for_part(self, *recordings: Recording) -> None:
        """Part 1 of each is in the store, as far as the daemon knows."""
        await self.wait_for("part sent", *recordings)

    async def wait_until_stored(self, *recordings: Recording) -> None:
        """Each stands in the store with its metadata, and the daemon has finished with it."""
        await self.wait_for("finished", *recordings)

    async def wait_for(self, event: str, *recordings: Recording) -> None:
        """The log has told it of each."""

        def late() -> list[str]:
            return [r.name for r in recordings if event not in self.events(r)]

        try:
            await wait_until(
                lambda: not late(), timeout_seconds=PATIENCE_SECONDS, every_seconds=0.1
            )
        except AssertionError:
            raise AssertionError(f"never {event!r}: {late()}") from None

    def events(self, recording: Recording) -> set[str]:
        return {line["event"] for line in self.lines(recording)}

    async def key_of(self, recording: Recording) -> str:
        (key,) = [k for k in await self.store.videos() if k.endswith(f"/{recording.name}")]
        return key

    async def problems(self, recording: Recording) -> list[str]:
        """What is not as it should be about a recording that was stored; best nothing."""
        found = []
        try:
            key = await self.key_of(recording)
        except ValueError:
            return ["not just one object"]
        content = await self.store.content(key)
        if content != recording.content or content != Path(recording.path).read_bytes():
            found.append("not the bytes of the recording")
        document = await self.store.metadata(key)
        if document["total_size_bytes"] != len(content):
            found.append(f"the metadata says {document['total_size_bytes']} bytes")
        if document["original_file_path"] != recording.path:
            found.append(f"the metadata is of {document['original_file_path']}")
        if any(upload_key == key for upload_key, _ in await self.store.uploads()):
            found.append("an upload is left over")
        return found

    def problems_told(self, recording: Recording, case: Case) -> list[str]:
        """Where the log does not say what it should of the fault."""
        told = [line for line in self.lines(recording) if line["level"] != "debug"]
        words = [f"{line['event']}: {line.get('error')} {line.get('why')}" for line in told]
        failed = [x for x in told if str(x.get("error")).startswith(f"{case.operation}: ")]
        hints = [str(line["hint"]) for line in failed]
        found = []
        if not any(case.says in text for text in words):
            found.append(f"it says {words}")
        nothing = all(hint == "" or hint.startswith("nothing yet") for hint in hints)
        if not (case.hint in "".join(hints) if case.hint else nothing):
            found.append(f"the hints are {hints}")
        if any("the upload is gone" in text for text in words):
            found.append("it says that the upload is gone, which is not so")
        return found

    def statuses(self) -> dict[str, str]:
        """What `cefmp4 streams` says, by path."""
        answer = json.loads(self.daemon.command("streams", "--json").stdout)
        return {row["original_file_path"]: row["status"] for row in answer}


@pytest.fixture(scope="module")
def daemon_bench(
    tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server
) -> Iterator[Bench]:
    """One daemon for all tests of a module, running."""
    folder = str(tmp_path_factory.mktemp("faults"))
    bucket = asyncio.run(make_bucket(s3_server))
    with (
        valkey(os.path.join(folder, "valkey"), append_only=False) as state,
        running_proxy(s3_server.endpoint_url) as proxy,
    ):
        environment = settings_of(folder, s3_server, bucket, state.url) | {
            "APP_ENV": "production",
            "MAX_CONCURRENT_STREAMS": str(SLOTS),
            "MAX_PARTS_IN_FLIGHT": "24",
            "MISSING_GRACE_SECONDS": "1",
            "S3_ENDPOINT_URL": proxy.endpoint_url,
            "STALL_SECONDS": str(STALL_SECONDS),
        }
        os.mkdir(environment["WATCH_DIR"])
        daemon = Daemon(
            environment["WATCH_DIR"],
            os.path.join(folder, "daemon.log"),
            environment,
            module="faults.hasty",
        )
        try:
            daemon.start()
            yield Bench(daemon, proxy, s3_server, bucket)
        finally:
            daemon.end()


@pytest.fixture
async def bench(daemon_bench: Bench) -> AsyncIterator[Bench]:
    """The module's daemon, and a client that goes past the proxy."""
    await wait_until(daemon_bench.daemon.is_ready, timeout_seconds=PATIENCE_SECONDS)
    async with s3_client(daemon_bench.server) as client:
        daemon_bench.store = Bucket(client, daemon_bench.bucket)
        yield daemon_bench
    print(daemon_bench.daemon.log)  # noqa: T201 - shown by pytest when the test failed
