"""One upload with boto3 and its s3transfer, as a program would do it.

python boto3_upload.py ENDPOINT PATH BUCKET KEY PART_MIB AT_A_TIME
"""

import sys

import boto3
from boto3.s3.transfer import TransferConfig


def main() -> None:
    endpoint_url, path, bucket, key, part_mib, at_a_time = sys.argv[1:]
    part_bytes = int(part_mib) * 1024**2
    config = TransferConfig(
        multipart_threshold=part_bytes,
        multipart_chunksize=part_bytes,
        max_concurrency=int(at_a_time),
    )
    client = boto3.client("s3", endpoint_url=endpoint_url)
    client.upload_file(path, bucket, key, Config=config)


main()
