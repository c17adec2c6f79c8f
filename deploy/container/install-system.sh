#!/bin/sh
# The system packages of the image: ffmpeg for its ffprobe, tini to be process 1.
set -eu

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends ffmpeg tini
rm -rf /var/lib/apt/lists/*
