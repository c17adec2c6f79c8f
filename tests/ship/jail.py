"""A directory tree as the root of a process, as a container engine would run it.

A user of its own, no capabilities and no way to get any, a root that nobody can write, an
empty /tmp, and one directory of ours mounted into it. The network is the one of this machine.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ENTER = """
set -eu
root=$1 mounted=$2 inside=$3 user=$4 folder=$5
shift 5
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mount --bind "$mounted" "$root$inside"
mount -o remount,bind,ro "$root"
mount -o remount,bind,ro "$root/dev"
exec setpriv --bounding-set=-all,+setuid,+setgid,+sys_chroot --no-new-privs \\
  chroot --userspec="$user" --groups= "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


@dataclass(frozen=True, slots=True)
class Jail:
    """A root, what is mounted where, and who works in it."""

    root: str
    mounted: str
    inside: str
    user: str
    folder: str
    environment: Mapping[str, str]

    def start(self, command: Sequence[str], log_path: str) -> "Prisoner":
        """Start a command as process 1 of its own processes."""
        with open(log_path, "ab") as log:
            process = subprocess.Popen(
                self._entering(command), env=dict(self.environment), stdout=log, stderr=log
            )
        return Prisoner(process)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._entering(command),
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _entering(self, command: Sequence[str]) -> list[str]:
        unshare = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"]
        places = [self.root, self.mounted, self.inside, self.user, self.folder]
        return [*unshare, "/bin/sh", "-c", _ENTER, "jail", *places, *command]


@dataclass(frozen=True, slots=True)
class Prisoner:
    """A command that runs in there."""

    process: subprocess.Popen[bytes]

    def stop(self, number: signal.Signals, timeout_seconds: float) -> int:
        """Send its process 1 a signal, as `docker stop` does, and wait for its end."""
        os.kill(self._first(), number)
        return self.process.wait(timeout_seconds)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _first(self) -> int:
        """The only child of `unshare`."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return int(children.read())
