# Everything that a newcomer needs: `make demo` to see it, `make test` to trust it.
# It asks for Python >= 3.11 and nothing else; all the rest is installed into .venv.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
FRONTEND := $(shell find frontend -path frontend/node_modules -prune -o -type f -print 2>/dev/null)
STATIC := src/davy/api/static
SHORT := not long

.PHONY: demo test test-long check bench clean frontend-test

demo: $(VENV)/.core
	@$(BIN)/davy demo $(ARGS)

test: $(VENV)/.dev frontend-test
	$(BIN)/python -m pytest -m "$(SHORT)" $(ARGS)

test-long: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks all $(ARGS)

frontend-test: $(VENV)/.dev
	$(BIN)/python -c "from pathlib import Path; import hatch_build as b; f = Path('frontend'); \
	(f / 'node_modules').is_dir() or b.run('ci', '--include=dev', cwd=f); b.run('test', cwd=f)"
	@echo "dashboard tests: passed"

clean:
	rm -rf $(VENV) $(STATIC) site build dist .pytest_cache .mypy_cache .ruff_cache \
	.hypothesis .import_linter_cache frontend/node_modules

# An editable install runs the build hook, which builds the dashboard where it is missing.
$(VENV)/.core: pyproject.toml hatch_build.py $(FRONTEND) | $(VENV)/bin/python
	@echo "Installing Davy into $(VENV) (a minute or two, once) ..."
	@rm -rf $(STATIC)
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) install --editable '.[dev]'
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Davy needs Python 3.11 or newer; install it, or say \
	make PYTHON=/path/to/python"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment; on \
	Debian: apt install python3-venv"; exit 2; }
