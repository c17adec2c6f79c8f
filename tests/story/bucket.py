"""What stands in the bucket, seen with a client that is not ours."""

import json
from dataclasses import dataclass
from typing import Any

from types_aiobotocore_s3 import S3Client

from waiting import wait_until

BESIDE = (".metadata.json", ".poster.jpg")
"""How what stands beside a recording is called."""


@dataclass(frozen=True)
class Bucket:
    """One bucket, and the questions the stories ask of it."""

    client: S3Client
    name: str

    async def keys(self) -> list[str]:
        listing = await self.client.list_objects_v2(Bucket=self.name)
        return sorted(row["Key"] for row in listing.get("Contents", []))

    async def videos(self) -> list[str]:
        return [key for key in await self.keys() if not key.endswith(BESIDE)]

    async def content(self, key: str) -> bytes:
        answer = await self.client.get_object(Bucket=self.name, Key=key)
        content: bytes = await answer["Body"].read()
        return content

    async def metadata(self, key: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(await self.content(f"{key}.metadata.json"))
        return document

    async def uploads(self) -> list[tuple[str, str]]:
        """Key and id of every unfinished upload of a recording.

        What a starting daemon tries out under a key of its own is not one.
        """
        found = await self.all_uploads()
        return [(key, upload_id) for key, upload_id in found if key.endswith(".mp4")]

    async def all_uploads(self) -> list[tuple[str, str]]:
        """Key and id of every unfinished upload, those of a start that was killed too."""
        listing = await self.client.list_multipart_uploads(Bucket=self.name)
        return [(row["Key"], row["UploadId"]) for row in listing.get("Uploads", [])]

    async def parts_in_flight(self) -> dict[str, int]:
        """Parts that are listed for unfinished uploads, by key; empty while there are none."""
        counts: dict[str, int] = {}
        for key, upload_id in await self.uploads():
            rows = await self.client.list_parts(Bucket=self.name, Key=key, UploadId=upload_id)
            if rows.get("Parts"):
                counts[key] = len(rows["Parts"])
        return counts

    async def wait_for_videos(self, count: int, timeout_seconds: float = 30.0) -> list[str]:
        """The keys of so many recordings, once each has its metadata beside it."""

        async def all_there() -> list[str]:
            keys = await self.keys()
            videos = [key for key in keys if not key.endswith(BESIDE)]
            complete = [key for key in videos if f"{key}.metadata.json" in keys]
            return videos if len(videos) == len(complete) == count else []

        return await wait_until(all_there, timeout_seconds=timeout_seconds, every_seconds=0.1)
