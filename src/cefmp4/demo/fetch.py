"""`make fetch`: copy what the embedded store holds into a folder, to look at and to play.

For a first look, by people who have no S3 client at hand. The daemon has to be running with
`--embedded`. What must stay true: nothing is written outside of the folder, whatever keys
somebody has put into the bucket.

    python -m cefmp4.demo.fetch FOLDER
"""

import argparse
import asyncio
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from cefmp4.adapters.s3 import StoreSettings
from cefmp4.adapters.s3.client import open_client
from cefmp4.assembly import store_settings
from cefmp4.commands.asking import settings_for
from cefmp4.console import printable
from cefmp4.errors import CefMP4Error

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_BLOCK_BYTES = 1024**2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cefmp4.demo.fetch", description=__doc__)
    parser.add_argument("folder")
    folder = os.path.realpath(parser.parse_args().folder)
    return asyncio.run(fetch(store_settings(settings_for(embedded=True)), folder))


async def fetch(settings: StoreSettings, folder: str) -> int:
    """Copy all objects and tell of each; 1 when there was none. `folder` is a real path."""
    fetched = 0
    async with open_client(settings) as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket)
        async for page in pages:
            for row in page.get("Contents", []):
                path = path_of(folder, row["Key"])
                if path:
                    await _copy(client, settings.bucket, row["Key"], path)
                    fetched += 1
                    sys.stdout.write(f"{printable(path)}  {row['Size']:,} bytes\n")
    if not fetched:
        sys.stdout.write("Nothing is stored yet.\n")
    return 0 if fetched else 1


def path_of(folder: str, key: str) -> str | None:
    """Where the object goes; None for a key that is no name of a file in the folder."""
    path = os.path.normpath(os.path.join(folder, key))
    return path if path.startswith(folder + os.sep) and not key.endswith("/") else None


async def _copy(client: "S3Client", bucket: str, key: str, path: str) -> None:
    answer = await client.get_object(Bucket=bucket, Key=key)
    file = await asyncio.to_thread(_opened, path)
    with file:
        async for block in answer["Body"].iter_chunks(_BLOCK_BYTES):
            await asyncio.to_thread(file.write, block)


def _opened(path: str) -> BinaryIO:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return open(path, "wb")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CefMP4Error as error:
        sys.exit(f"fetch: {error} ({error.hint})")
