#!/bin/sh
# The user of the daemon, and the directory that recordings are mounted on.
# /app itself is root's: nothing in the image can be changed by the daemon.
set -eu

groupadd --gid 1001 appuser
useradd --uid 1001 --gid 1001 --no-create-home --home-dir /app --shell /usr/sbin/nologin appuser
install --directory /app
install --directory --owner=appuser --group=appuser /app/local_watch_dir
