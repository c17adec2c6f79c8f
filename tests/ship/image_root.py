"""`make image-root`: the Dockerfile, built and run where there is no Docker.

The base image cannot be had here. A Debian of the same release with its own Python stands in
for it (debootstrap); buildah builds the Dockerfile on that, every instruction of it. What
comes out is then run as the image says (user, environment, entry point), with a read-only
root and without any capability, against a real Valkey and a real SeaweedFS: it must store a
recording byte for byte, answer its health check, and stop in time.

Needs root, debootstrap and buildah. Where packages come from, this machine's own settings of
apt and pip say. It takes ten minutes and 5 GB.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from cefmp4.adapters.embedded import valkey
from servers import S3Server, make_bucket, running_s3, s3_client
from ship.jail import Jail
from story.bucket import Bucket
from story.test_recordings import make_mp4
from waiting import wait_until

HOUSE = Path(__file__).parents[2]
TOOLS = ("debootstrap", "buildah", "unshare", "setpriv")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PIP_CONFIGURATION = "/etc/pip.conf"
IMAGE = "cefmp4-image-root"
GRACE_SECONDS = 30.0
"""The stop_grace_period of docker-compose.yml."""


@dataclass(frozen=True, slots=True)
class Builder:
    """buildah with a storage of its own, which ends with the scratch directory."""

    scratch: str

    def __call__(self, *arguments: str) -> str:
        folders = ("--root", f"{self.scratch}/storage", "--runroot", f"{self.scratch}/run")
        done = subprocess.run(
            [_program("buildah"), *folders, "--storage-driver", "vfs", *arguments],
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed")
    return found


def base_image() -> tuple[str, str]:
    """The one that the Dockerfile names, and the release of Debian that it is of."""
    found = re.search(r"^FROM (python:[0-9.]+-slim-([a-z]+)) ", _dockerfile(), re.MULTILINE)
    assert found, "the Dockerfile does not begin with a slim image of Python"
    return found.group(1), found.group(2)


def _dockerfile() -> str:
    return (HOUSE / "Dockerfile").read_text(encoding="utf-8")


def make_base(build: Builder) -> None:
    """What stands in for the base image, under its name."""
    name, release = base_image()
    root = f"{build.scratch}/base"
    packages = "ca-certificates,netbase,tzdata,python3,python3-venv,python3-pip"
    arguments = ["--variant=minbase", f"--include={packages}", release, root, *_mirror()]
    subprocess.run([_program("debootstrap"), *arguments], stdout=subprocess.DEVNULL, check=True)
    os.symlink("/usr/bin/python3", f"{root}/usr/local/bin/python")
    container = build("from", "scratch")
    build("add", "--quiet", container, root, "/")
    build("commit", "--quiet", "--rm", container, f"docker.io/library/{name}")
    shutil.rmtree(root)


def _mirror() -> list[str]:
    """Where this machine has its Debian from."""
    listed = subprocess.run(
        [_program("apt-get"), "indextargets", "--format", "$(ORIGIN) $(SITE)"],
        capture_output=True,
        text=True,
        check=True,
    )
    sites = [line.split()[-1] for line in listed.stdout.splitlines() if "Debian " in line]
    return sites[:1]


def build_image(build: Builder) -> None:
    """The Dockerfile, as it is; packages come by the way of this machine."""
    mounts = [f"{path}:{path}:ro" for path in (CERTIFICATES, PIP_CONFIGURATION)]
    volumes = [f"--volume={mount}" for mount in mounts if os.path.exists(mount.split(":")[0])]
    options = ["--pull-never", "--format=docker", "--layers=false", f"--tag={IMAGE}"]
    build("bud", "--quiet", *options, *volumes, str(HOUSE))


@contextmanager
def unpacked(build: Builder) -> Iterator[tuple[str, dict[str, Any]]]:
    """The root of the image as a directory, and its configuration."""
    found = json.loads(build("inspect", "--type", "image", f"localhost/{IMAGE}"))
    container = build("from", "--pull-never", f"localhost/{IMAGE}")
    try:
        yield build("mount", container), found["Docker"]["config"]
    finally:
        build("rm", container)


def jail_of(
    root: str, configuration: dict[str, Any], watched: str, settings: dict[str, str]
) -> Jail:
    """As `docker run --read-only --cap-drop ALL` would run the image."""
    environment = dict(line.split("=", 1) for line in configuration["Env"])
    inside = environment["WATCH_DIR"]
    folder = configuration["WorkingDir"]
    environment |= {"HOME": folder, **settings}
    return Jail(root, watched, inside, configuration["User"], folder, environment)


def settings_for(server: S3Server, bucket: str, redis_url: str) -> dict[str, str]:
    return {
        "S3_ENDPOINT_URL": server.endpoint_url,
        "S3_ACCESS_KEY_ID": server.access_key_id,
        "S3_SECRET_ACCESS_KEY": server.secret_access_key,
        "S3_BUCKET_NAME": bucket,
        "REDIS_URL": redis_url,
        "INSTANCE_ID": bucket,
        "PROM_PORT": str(_free_port()),
        "POSTER": "true",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def valkey_by_tcp(scratch: str) -> Iterator[str]:
    """A Valkey on a port of the loopback: its socket lies outside of the jail."""
    port = _free_port()
    with valkey(f"{scratch}/valkey") as server:
        with Redis.from_url(server.url) as client:
            client.config_set("bind", "127.0.0.1")
            client.config_set("port", str(port))
        yield f"redis://127.0.0.1:{port}/0"


async def prove(jail: Jail, configuration: dict[str, Any], bucket: Bucket) -> None:
    """Everything that is promised of the image."""
    told = jail.run(
        "sh", "-c", "id -u; touch /app/x /opt/cefmp4/x 2>&1; grep Cap /proc/$$/status"
    )
    assert told.stdout.startswith("1001\n")
    assert told.stdout.count("Read-only file system") == 2
    assert not re.search(r"^Cap(Eff|Prm|Amb):\s*0*[1-9a-f]", told.stdout, re.MULTILINE)
    assert jail.run("ffprobe", "-version").returncode == 0
    health = configuration["Healthcheck"]["Test"][1:]
    assert jail.run(*health).returncode == 1, "nobody is there yet"
    log = f"{os.path.dirname(jail.mounted)}/log"
    daemon = jail.start([*configuration["Entrypoint"], *configuration["Cmd"]], log)
    try:
        await wait_until(lambda: jail.run(*health).returncode == 0, timeout_seconds=30)
        doctor = jail.run(*configuration["Entrypoint"], "doctor")
        assert doctor.returncode == 0, doctor.stdout
        await _stored(jail.mounted, jail.user.split(":")[0], bucket)
        code = daemon.stop(signal.Signals[configuration["StopSignal"]], GRACE_SECONDS)
        assert code == 0, f"it ended with {code}"
    finally:
        daemon.end()
        told_all = Path(log).read_text(encoding="utf-8")
        sys.stdout.write(told_all)
    assert jail.environment["S3_SECRET_ACCESS_KEY"] not in told_all
    assert "Traceback" not in told_all


async def _stored(watched: str, user: str, bucket: Bucket) -> None:
    path = f"{watched}/a.mp4"
    make_mp4(path)
    os.chown(path, int(user), -1)  # only a file's owner may ask who has it open
    (key,) = await bucket.wait_for_videos(1, timeout_seconds=60)
    assert await bucket.content(key) == Path(path).read_bytes()
    document = await bucket.metadata(key)
    assert document["seal_reason"] == "closed"
    assert document["probe"]["prober"].startswith("ffprobe ")
    assert f"{key}.poster.jpg" in await bucket.keys()


async def main() -> None:
    """Build and run; raises at the first thing that is not as it should be."""
    for name in TOOLS:
        _program(name)
    if os.geteuid() != 0:
        sys.exit("this needs root")
    with tempfile.TemporaryDirectory(prefix="cefmp4-image-") as scratch:
        build = Builder(scratch)
        make_base(build)
        build_image(build)
        with unpacked(build) as (root, configuration):
            await _run(scratch, root, configuration)
    sys.stdout.write("the image does what it should; only its base image was another\n")


async def _run(scratch: str, root: str, configuration: dict[str, Any]) -> None:
    watched = f"{scratch}/recordings"
    os.makedirs(watched)
    with running_s3(f"{scratch}/store") as server, valkey_by_tcp(scratch) as redis_url:
        name = await make_bucket(server)
        settings = settings_for(server, name, redis_url)
        jail = jail_of(root, configuration, watched, settings)
        async with s3_client(server) as client:
            await prove(jail, configuration, Bucket(client, name))


if __name__ == "__main__":
    asyncio.run(main())
