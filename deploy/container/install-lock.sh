#!/bin/sh
# install-lock.sh PREFIX LOCK: a virtual environment with what LOCK names, each by its hash.
# It has no pip of its own, and nothing is compiled from source.
set -eu

prefix=$1 lock=$2
python -m venv --without-pip "$prefix"
python -m pip --disable-pip-version-check --python "$prefix" install --quiet --no-compile \
  --require-hashes --only-binary :all: --requirement "$lock"
