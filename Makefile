# Meshline's commands. `make demo` and `make test` are all that a newcomer needs.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
# Names are relative on purpose: the checkout may lie under a path with a space.
BIN := .venv/bin
# Two runs at once would work on one virtual environment.
.NOTPARALLEL:
.PHONY: help demo demo-reset test lint lock install vendor browser

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

demo: .venv/.demo ## run everything with a story to watch; CHECK=1 plays it at once and compares the books
	@if [ "$(CHECK)" = 1 ]; then exec $(BIN)/meshline demo --check; fi; exec $(BIN)/meshline demo

demo-reset: .venv/.demo ## stop the demo and forget what it kept
	@exec $(BIN)/meshline down --forget

# One job more than there are cores: the tests that start whole sets of processes mostly wait.
test: .venv/.test browser ## run every test, in parallel
	@exec $(BIN)/python -m pytest -n $${JOBS:-$$(($$(getconf _NPROCESSORS_ONLN) + 1))} --maxprocesses 8 \
	  --dist loadgroup $(ARGS)

lint: .venv/.test ## format, style, types, import rules, migrations, deployment checks
	@sh .ci/lint

install: .venv/.test ## only install

vendor: ## copy the browser files named in package.json to static/vendor (needs npm)
	@sh tools/vendor.sh

lock: pyproject.toml ## resolve the pinned, hashed requirements anew
	@UV="$$(command -v uv || echo $(BIN)/uv)"; \
	[ -x "$$UV" ] || { echo "make: uv is missing. Install it with: $(BIN)/python -m pip install uv" >&2; exit 1; }; \
	lock() { "$$UV" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$$@"; }; \
	lock --extra embedded --extra sandbox --extra build -o requirements/demo.txt; \
	lock --extra embedded --extra sandbox --extra build --extra test --extra lint \
	  -c requirements/demo.txt -o requirements/test.txt

.venv/bin/python:
	@sh .ci/venv

# pip refuses an editable install beside hashes, so the checkout itself comes second.
.venv/.demo: requirements/demo.txt .ci/install | .venv/bin/python
	@sh .ci/install demo
	@touch $@

.venv/.test: requirements/test.txt .ci/install | .venv/bin/python
	@sh .ci/install test
	@touch $@ .venv/.demo

browser:
	@sh .ci/browser
