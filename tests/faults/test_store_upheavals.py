"""What is done to the store itself while recordings are on their way, behind our back."""

import asyncio
import re
from collections.abc import Callable

from faults import wire
from faults.proxy import Rule
from faults.recordings import Recording
from faults.store_bench import SLOTS, Bench, bench, daemon_bench
from faults.store_cases import COMPLETE, CREATE, LIST_PARTS, LIST_UPLOADS, PART, PUT
from servers import s3_client
from waiting import wait_until

__all__ = ["bench", "daemon_bench"]


def aborting(bench: Bench, recording: Recording) -> Callable[[], None]:
    """Aborts the recording's upload as a lifecycle rule does: without a word."""

    async def abort() -> None:
        async with s3_client(bench.server) as client:
            listing = await client.list_multipart_uploads(Bucket=bench.bucket)
            for row in listing.get("Uploads", []):
                if row["Key"].endswith(f"/{recording.name}"):
                    await client.abort_multipart_upload(
                        Bucket=bench.bucket, Key=row["Key"], UploadId=row["UploadId"]
                    )

    return lambda: asyncio.run(abort())


def said(bench: Bench, recording: Recording, event: str) -> list[str]:
    """The hints of all log lines with this event."""
    return [
        str(line.get("hint", ""))
        for line in bench.lines(recording)
        if line["event"].startswith(event)
    ]


async def test_an_upload_that_is_aborted_behind_our_back_begins_again(bench: Bench) -> None:
    """Between two parts, right before a part, right before Complete: it says so each time.

    Seen failing with NoSuchUpload after Complete taken for stored.
    """
    between, part, complete = (bench.recording(f"aborted-{n}").grow() for n in range(3))
    recordings = (between, part, complete)
    await bench.wait_for_part(*recordings)
    await asyncio.to_thread(aborting(bench, between))
    bench.rule(PART, wire.after(aborting(bench, part)), part)
    bench.rule(COMPLETE, wire.after(aborting(bench, complete)), complete)
    for recording in recordings:
        recording.grow()
        recording.close()
    await bench.wait_until_stored(*recordings)
    for recording in recordings:
        assert await bench.problems(recording) == []
        hints = said(bench, recording, "the upload is gone: beginning again")
        assert len(hints) == 1, recording.name
        assert "lifecycle rule" in hints[0]
        assert bench.proxy.times(CREATE, f"/{recording.name}", status=200) == 2


async def test_a_bucket_that_is_deleted_and_made_again(bench: Bench) -> None:
    """Nothing is given up while it is away, nothing is lost, and it says what is missing."""
    growing, small = bench.recording("bucket-growing").grow(), bench.recording("bucket-small")
    await bench.wait_for_part(growing)
    for key in await bench.store.keys():
        await bench.store.client.delete_object(Bucket=bench.bucket, Key=key)
    await bench.store.client.delete_bucket(Bucket=bench.bucket)
    small.grow(0)
    small.close()
    growing.grow()

    def both_say() -> bool:
        hints = [said(bench, recording, "failed") for recording in (growing, small)]
        return all(any("create it" in hint for hint in told) for told in hints)

    await wait_until(both_say, timeout_seconds=60)
    await bench.store.client.create_bucket(Bucket=bench.bucket)
    growing.close()
    await bench.wait_until_stored(growing, small)
    for recording in (growing, small):
        assert await bench.problems(recording) == []
        assert bench.statuses()[recording.path] == "completed_with_meta"


async def test_bad_recordings_hurt_no_other(bench: Bench) -> None:
    """As many as there are slots fail again and again: the others are stored meanwhile.

    Seen failing with a part tried again and again in the turn that it was due in.
    """
    bad = [bench.recording(f"bad-{n}").grow(0) for n in range(SLOTS)]
    good = [bench.recording(f"good-{n}").grow(n) for n in range(2)]
    for number, recording in enumerate(bad):
        fault = wire.silent(done=False) if number % 2 else wire.refused(403, "AccessDenied")
        bench.rule(PUT, fault, recording, times=1_000)
        recording.close()
    await wait_until(lambda: all(said(bench, r, "failed") for r in bad), timeout_seconds=60)
    for recording in good:
        recording.close()
    await bench.wait_until_stored(*good)
    statuses = bench.statuses()
    assert {statuses[recording.path] for recording in bad} == {"pending_completion"}
    bench.proxy.rules.clear()
    await bench.wait_until_stored(*bad)
    for recording in (*good, *bad):
        assert await bench.problems(recording) == []


def oddly(answer: str) -> str:
    """Part 2 is lost; part 1 has stale rows before and behind the real one; no order."""
    rows = re.findall(r"<Part>.*?</Part>", answer, re.DOTALL)
    numbers = [int(re.search(r"<PartNumber>(\d+)", row)[1]) for row in rows]  # type: ignore[index]
    kept = [row for row, number in zip(rows, numbers, strict=True) if number != 2]
    (first,) = [row for row, number in zip(rows, numbers, strict=True) if number == 1]
    stale = re.sub(r"\b[0-9a-f]{32}\b", 32 * "0", first)
    told = "".join([stale, *reversed(kept), stale])
    start, end = answer.index("<Part>"), answer.rindex("</Part>") + len("</Part>")
    return answer[:start] + told + answer[end:]


async def test_only_the_part_that_is_missing_is_sent_again(bench: Bench) -> None:
    """Refused to complete, it looks through all rows of a part, in whatever order they are.

    Some stores refuse with NoSuchUpload although the upload stands. Seen failing with the
    first row of a part taken for it.
    """
    refusals = {"InvalidPart": 400, "NoSuchUpload": 404}
    recordings = {code: bench.recording(f"odd-{code}").grow(2) for code in refusals}
    for code, recording in recordings.items():
        bench.rule(COMPLETE, wire.refused(refusals[code], code), recording)
        bench.rule(LIST_PARTS, wire.rewritten(oddly), recording)
    await bench.wait_for_part(*recordings.values())
    for recording in recordings.values():
        recording.close()
    await bench.wait_until_stored(*recordings.values())
    for recording in recordings.values():
        assert await bench.problems(recording) == []
        assert [bench.sent(recording, part) for part in (1, 2, 3)] == [1, 2, 1]


async def test_a_metadata_document_is_put_until_it_stands(bench: Bench) -> None:
    """The object is safe by then; only the document is sent again."""
    faults = [wire.refused(503, "SlowDown"), wire.swallowed, wire.empty(done=True)]
    recordings = [bench.recording(f"document-{n}").grow(0) for n in range(len(faults))]
    for recording, fault in zip(recordings, faults, strict=True):
        key = f"/{recording.name}.metadata.json"
        bench.proxy.rules.append(Rule(PUT, fault, key, times=2))
        recording.close()
    await bench.wait_until_stored(*recordings)
    for recording in recordings:
        assert await bench.problems(recording) == []
        assert bench.proxy.times(PUT, f"/{recording.name}", status=200) == 1


async def test_a_start_waits_for_its_store(bench: Bench) -> None:
    """Busy, silent, with a token that is refused: it says so, and is there in the end."""
    daemon = bench.daemon
    assert await asyncio.to_thread(daemon.terminate) == 0
    before = len(daemon.log)
    faults = [
        Rule("HeadBucket", wire.refused(503, "")),
        Rule(LIST_UPLOADS, wire.refused(400, "ExpiredToken")),
        Rule(CREATE, wire.silent(done=True)),
    ]
    bench.proxy.rules.extend(faults)
    recording = bench.recording("after-start").grow()
    daemon.start()
    recording.close()
    await bench.wait_until_stored(recording)
    assert await bench.problems(recording) == []
    log = daemon.log[before:]
    assert log.count("open the store: not yet") == 3
    assert "ExpiredToken" in log
    assert '"checks": "crc64nvme"' in log
    assert all(rule.times == 0 for rule in faults)
    uploads = await bench.store.client.list_multipart_uploads(Bucket=bench.bucket)
    assert uploads.get("Uploads", []) == []
