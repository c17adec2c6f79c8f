#!/bin/sh
# build-wheel.sh SOURCE FOLDER: the project's wheel into FOLDER, built by the tools that
# build-tools.txt beside this script names, each by its hash.
set -eu

source=$1 folder=$2
lock=$(dirname "$0")/build-tools.txt
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python -m venv --without-pip "$tools"
python -m pip --disable-pip-version-check --python "$tools" install --quiet \
  --require-hashes --only-binary :all: --requirement "$lock"
python -m pip --disable-pip-version-check --python "$tools" wheel --quiet \
  --no-deps --no-build-isolation --wheel-dir "$folder" "$source"
