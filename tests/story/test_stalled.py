"""A recording that gets nowhere is told of, once, and stored when the way is free again."""

from faults import wire
from faults.proxy import Rule, running_proxy
from servers import S3Server
from story.bucket import Bucket
from story.daemon import Daemon
from story.test_events import published
from story.test_recordings import make_mp4
from waiting import wait_until


async def test_a_stall_is_told_and_comes_to_an_end(
    daemon: Daemon, store: Bucket, s3_server: S3Server, redis_url: str
) -> None:
    """In an event and a line of the log with the reason, and not again at every look.

    Seen failing with a hook that tells nobody.
    """
    with running_proxy(s3_server.endpoint_url) as proxy:
        refusal = wire.refused(503, "SlowDown")
        proxy.rules.append(Rule("UploadPart", refusal, "a.mp4", times=1_000))
        daemon.environment |= {
            "S3_ENDPOINT_URL": proxy.endpoint_url,
            "STALLED_AFTER_SECONDS": "6",
        }
        make_mp4(daemon.path("a.mp4"))
        daemon.start()

        def kinds() -> list[str]:
            return [event["type"] for event in published(redis_url)]

        await wait_until(lambda: "stream.stalled" in kinds(), timeout_seconds=60)
        event = published(redis_url)[-1]
        assert "SlowDown" in event["data"]["reason"]
        assert event["data"]["original_file_path"] == daemon.path("a.mp4")
        proxy.rules.clear()
        await store.wait_for_videos(1, timeout_seconds=90)
        await wait_until(lambda: "stream.stored" in kinds(), timeout_seconds=30)
    assert kinds() == ["stream.started", "stream.stalled", "stream.stored"]
    assert daemon.log.count("] stalled ") == 1
