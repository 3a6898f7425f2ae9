# Everyday commands. Needs only Python 3.11 with venv, git and make; works as root or not.
# The outside contract of these names: docs/decisions and README; they change only with both.

PYTHON3 = python3
VENV = .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
# make test T=tests/unit/policies          make run ARGS="--base-port 3500"
T =
ARGS =
WORKERS = 2

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 | \2/p' Makefile | \
	  awk -F ' [|] ' '{ printf "%-19s %s\n", $$1, $$2 }'

install: $(STAMP) ## make .venv from requirements.lock, with the script mss

# setuptools is in the lock, so the project itself is installed without fetching a builder.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON3) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --no-build-isolation -e .
	@touch $(STAMP)

run: install ## start the demo on loopback: every server, invented people, a throw-away PKI
	$(BIN)/mss demo $(ARGS)

test: install ## every test that belongs in CI, on both cores; T=path for some of them
	$(BIN)/python -m pytest $(if $(T),$(T),-n $(WORKERS) --dist loadfile)

lint: install ## ruff
	$(BIN)/ruff check .

types: install ## mypy --strict
	$(BIN)/mypy

check: lint types test ## lint, types and tests

bench: install ## one JSON object per benchmark
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: install ## our servers beside Debian's Dovecot and Postfix, alternating; wants root
	@$(BIN)/python -m tests.bench peers $(ARGS)

soak: install ## kill -9 under load: nothing acknowledged is lost or doubled
	$(BIN)/python -m tests.crash.soak $(ARGS)

crossed: install ## tests against other programs; says which are missing
	$(BIN)/python -m pytest tests/crossed $(ARGS)

screens: install ## pictures of every page, phone and desktop, light and dark, into var/screens
	$(BIN)/python -m tests.browser.screens var/screens $(ARGS)

fuzz: install ## grammars, MIME and DER with random input, for longer than CI does
	MSS_PROFILE=fuzz $(BIN)/python -m pytest tests/fuzz $(ARGS)

docs: install ## print the tables of the code into docs/specifications.md
	$(BIN)/python -m tests.support.printed_tables

lock: ## compile requirements.lock again (in a venv of its own)
	$(PYTHON3) -m venv var/lock
	var/lock/bin/python -m pip install --quiet pip-tools
	var/lock/bin/pip-compile --quiet --extra dev --build-deps-for editable --allow-unsafe \
	  --strip-extras --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options $(ARGS) --output-file requirements.lock pyproject.toml

clean: ## remove what the tools leave behind; keeps .venv and var
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help install run test lint types check bench bench-peers soak crossed fuzz screens docs lock clean
