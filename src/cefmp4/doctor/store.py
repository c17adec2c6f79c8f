"""The store: does it answer, does it know us, what does it let us do, what does it check?"""

from collections.abc import Iterable, Iterator

from cefmp4.adapters.s3 import Capabilities, Checksum, StoreSettings
from cefmp4.adapters.s3.examination import (
    OPERATIONS,
    Contact,
    Examination,
    Trial,
    open_examination,
)
from cefmp4.doctor.report import Health, Row, failed, failure, fine, not_asked, warning
from cefmp4.errors import CefMP4Error

REFUSED_FROM_SECONDS = 15 * 60.0
WORTH_A_WORD_SECONDS = 60.0
MEND = "check S3_ENDPOINT_URL, and that the store runs"
PERMISSIONS = tuple(f"permission: {operation}" for operation in OPERATIONS)
CHECKSUM = "checksum of parts"


async def examine_store(settings: StoreSettings, key: str) -> list[Row]:
    """On throw-away uploads under `key`, which is for trials only."""
    where, what = settings.endpoint_url or "AWS", "store"
    rows: list[Row] = []
    try:
        async with open_examination(settings) as examination:
            contact = await examination.contact()
            rows += [fine(what, f"{where} answers"), *_clock(contact)]
            bucket = _bucket(settings, contact)
            if not contact.bucket_stands:
                why = "there is no bucket to try it in"
                return [*rows, bucket, *_unasked(["permissions", CHECKSUM], why, "bucket")]
            what = "permissions"
            trials = await examination.trials(key)
            if unknown := list(_unknown(trials, contact)):
                return [*rows, *([] if contact.denied else [bucket]), *unknown]
            rows.append(bucket)
            return rows + await _tried(settings, examination, trials, key)
    except CefMP4Error as error:
        rest = [CHECKSUM] if what == "permissions" else ["bucket", "permissions", CHECKSUM]
        why = f"cannot be asked while this fails: {what}"
        return [*rows, failure(what, error, MEND), *_unasked(rest, why, what)]


def _unknown(trials: Iterable[Trial], contact: Contact) -> Iterator[Row]:
    """What is to be said where the store does not know who asks; else nothing."""
    for trial in trials:
        if trial.problem is not None and trial.about_credentials:
            mend = "check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY"
            yield failure("credentials", trial.problem, mend)
            why = "the store does not know these credentials"
            rest = ["permissions", CHECKSUM]
            yield from _unasked(
                ["bucket", *rest] if contact.denied else rest, why, "credentials"
            )
            return


def _unasked(whats: Iterable[str], why: str, after: str) -> Iterator[Row]:
    for what in whats:
        yield not_asked(what, why, f"mend this first: {after}; then run this again")


def _clock(contact: Contact) -> Iterator[Row]:
    if contact.clock_ahead_seconds is None:
        return
    ahead = contact.clock_ahead_seconds
    found = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the store's"
    mend = "set the clock of this machine, or that of the store, by NTP"
    if abs(ahead) >= REFUSED_FROM_SECONDS:
        yield failed("clock", found, mend)
    elif abs(ahead) >= WORTH_A_WORD_SECONDS:
        yield warning("clock", found, mend)
    else:
        yield fine("clock", "as the store's, within a minute")


def _bucket(settings: StoreSettings, contact: Contact) -> Row:
    bucket = settings.bucket
    if contact.denied:
        return warning(
            "bucket",
            f"whether {bucket} is there may not be asked",
            "where only this is forbidden, nothing need be done; else allow s3:ListBucket, "
            "or correct S3_BUCKET_NAME: of another's bucket nothing may be asked either",
        )
    if contact.bucket_stands:
        return fine("bucket", f"{bucket} is there")
    if settings.create_bucket:
        return warning(
            "bucket",
            f"{bucket} is not there; the start creates it",
            "create it, and run this again to see what may be done in it",
        )
    mend = "create it, or correct S3_BUCKET_NAME, or set S3_CREATE_BUCKET=true"
    return failed("bucket", f"{bucket} is not there", mend)


async def _tried(
    settings: StoreSettings, examination: Examination, trials: list[Trial], key: str
) -> list[Row]:
    rows = [_permission(settings.bucket, trial) for trial in trials]
    if refused := [row for row in rows if row.health is Health.FAILED]:
        left_out = [what for what in PERMISSIONS if what not in {row.what for row in rows}]
        why = f"it needs what failed: {refused[0].what}"
        rows += _unasked([*left_out, CHECKSUM], why, refused[0].what)
    else:
        rows += _abilities(await examination.capabilities(key))
    listed = trials[0].problem is None
    if listed and (left := await examination.uploads_left(key)):
        mend = "the next start, or examination, that may abort them does"
        rows.append(warning("left behind", f"{left} uploads under {key}", mend))
    return rows


def _permission(bucket: str, trial: Trial) -> Row:
    what = f"permission: {trial.operation}"
    if trial.problem is None:
        return fine(what, "allowed")
    mend = f"allow {trial.permission} on the bucket {bucket}"
    hint = trial.problem.hint
    if hint and not trial.about_permission:
        return failed(what, str(trial.problem), hint)
    return failed(what, str(trial.problem), f"{hint}; {mend}" if hint else mend)


def _abilities(able: Capabilities) -> Iterator[Row]:
    what = CHECKSUM
    if able.checksum is not Checksum.NONE:
        yield fine(what, f"{able.checksum} is verified by the store")
    elif able.etag_is_md5:
        yield warning(
            what,
            "the store verifies none; its ETags are held against the MD5 instead",
            "nothing need be done; it costs CPU time",
        )
    else:
        yield warning(
            what,
            "the store verifies none, and its ETags tell nothing",
            "use https, and `cefmp4 verify` where it matters",
        )
    signed = "need not be signed" if able.unsigned_payload else "must be signed: read once more"
    yield fine("payload", f"parts {signed}")
    yield fine("ETag of a part", "is its MD5" if able.etag_is_md5 else "tells nothing")
