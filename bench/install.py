"""Install what CefMP4 is compared with from its hashed lock, or as much of it as there is.

    bench/.venv/bin/python -P bench/install.py bench/requirements.txt

All at once; when that fails, each package by itself, so that one that is not to be had
here costs only the peer that needs it. The exit code is 1 when something is missing.
"""

import os
import re
import subprocess
import sys
import tempfile

PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
PIP += ["--require-hashes", "--no-deps", "--requirement"]
ENTRY = re.compile(r"^[\w.-]+==.*(?:\n[ \t]+.*)*", re.MULTILINE)
"""A pinned package, and the indented lines of its hashes."""


def main() -> int:
    lock = sys.argv[1]
    if subprocess.run([*PIP, lock], check=False).returncode == 0:
        return 0
    with open(lock, encoding="utf-8") as file:
        entries = ENTRY.findall(file.read())
    missing = [entry.partition("==")[0] for entry in entries if not _installed(entry)]
    print(f"could not be installed: {', '.join(missing)}")
    return 1 if missing else 0


def _installed(entry: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "one.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(entry + "\n")
        return subprocess.run([*PIP, path], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
