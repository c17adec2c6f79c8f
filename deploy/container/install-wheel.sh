#!/bin/sh
# install-wheel.sh PREFIX FOLDER: the wheel in FOLDER into the environment that
# install-lock.sh made, and bytecode of everything there, since nobody can write it later.
set -eu

prefix=$1 folder=$2
python -m pip --disable-pip-version-check --python "$prefix" install --quiet --no-compile \
  --no-deps --no-index "$folder"/*.whl
"$prefix/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$prefix/lib"
