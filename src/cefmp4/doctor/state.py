"""The state server: does it answer, does it keep what it is given, and who works there?"""

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.config import Settings
from cefmp4.doctor.report import Row, failure, fine, not_asked, warning
from cefmp4.errors import RedisOperationError

MEND = "check REDIS_URL, and that the server runs"
ABOUT = ("state server", "state server: writing", "state server: keeping", "instance")
THEN = "mend the state server, and run this again"


async def examine_state(settings: Settings) -> tuple[list[Row], str]:
    """Reads, and tries a write that the server refuses. Rows, and who works there, if any."""
    url, what = settings.redis_url.get_secret_value(), ABOUT[0]
    rows: list[Row] = []
    try:
        async with open_checkpoints(
            url, settings.instance, ca_bundle=settings.redis_ca_bundle
        ) as checkpoints:
            streams = len(await checkpoints.all_streams())
            rows.append(fine(what, f"{await checkpoints.version()}, {streams} streams"))
            what = ABOUT[1]
            await checkpoints.try_to_write()
            rows.append(fine(what, "scripts may be run"))
            what = ABOUT[2]
            weak = await checkpoints.weaknesses()
            rows += [warning(what, problem, mend) for problem, mend in weak]
            if not weak:
                rows.append(fine(what, "nothing is wrong with how it keeps its data"))
            what = ABOUT[3]
            holder = await checkpoints.holder()
    except RedisOperationError as error:
        rest = ABOUT[ABOUT.index(what) + 1 :]
        why = f"cannot be asked while this fails: {what}"
        return [*rows, failure(what, error, MEND), *(not_asked(w, why, THEN) for w in rest)], ""
    works = f"{holder} works" if holder else "no daemon works"
    rows.append(fine(what, f"{works} under INSTANCE_ID {settings.instance}"))
    return rows, str(holder or "")
