"""The state server: does it answer, does it keep what it is given, and who works there?"""

from cefmp4.adapters.checkpoints import open_checkpoints
from cefmp4.config import Settings
from cefmp4.doctor.report import Row, failure, fine, warning
from cefmp4.errors import RedisOperationError

MEND = "check REDIS_URL, and that the server runs"


async def examine_state(settings: Settings) -> list[Row]:
    """Reads, and tries a write that the server refuses."""
    url, what = settings.redis_url.get_secret_value(), "state server"
    rows: list[Row] = []
    try:
        async with open_checkpoints(
            url, settings.instance, ca_bundle=settings.redis_ca_bundle
        ) as checkpoints:
            streams = len(await checkpoints.all_streams())
            rows.append(fine(what, f"{await checkpoints.version()}, {streams} streams"))
            what = "state server: writing"
            await checkpoints.try_to_write()
            rows.append(fine(what, "scripts may be run"))
            what = "state server: keeping"
            weak = await checkpoints.weaknesses()
            rows += [warning(what, problem, mend) for problem, mend in weak]
            if not weak:
                rows.append(fine(what, "nothing is wrong with how it keeps its data"))
            holder = await checkpoints.holder()
    except RedisOperationError as error:
        return [*rows, failure(what, error, MEND)]
    works = f"{holder} works" if holder else "no daemon works"
    return [*rows, fine("instance", f"{works} under INSTANCE_ID {settings.instance}")]
