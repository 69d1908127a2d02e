# Two commands set everything up on a machine that has Python >= 3.11 and make: `make demo` and `make test`.
# PYTHON=python3.12 chooses the interpreter, PIP_FLAGS="…" is handed to every pip install.

VENV    := .venv
PY      := $(VENV)/bin/python
PYTHON  ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
             $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
WORKERS ?= 2
DEMO    ?= demo
PIP     := $(PY) -m pip install --quiet $(PIP_FLAGS)
PINNED  := $(PIP) --constraint constraints.txt

# The shared folder holds reference data that are not part of the project (see CONTRIBUTING.md).
SHARED  := $(or $(PETRG_SHARED),../shared)
CHOSEN  := $(if $(wildcard $(SHARED)/data),,-m "not reference")
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test lint unit docs bench fuzz clean
help:
	@echo "make demo   draft the report of a made-up patient and say where the page lies"
	@echo "make test   style, types, layers, tests with branch coverage"
	@echo "make lint | unit | docs | bench | fuzz | clean"

demo: $(VENV)/.base
	$(VENV)/bin/petrg demo -o $(DEMO)

test: lint unit

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

unit: $(VENV)/.test
	@$(if $(CHOSEN),echo "no $(SHARED)/data: tests of reference data are left out",true)
	$(PY) -m pytest -n $(WORKERS) --durations=15 --durations-min=5 -q -rfE \
	  --cov=petrg --cov-branch --cov-report=term $(CHOSEN)

docs: $(VENV)/.docs
	$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.bench
	$(PY) bench/run.py

fuzz: $(VENV)/.test
	$(PY) bench/fuzz.py --mutations 20000 --workers $(WORKERS)

clean:
	rm -rf $(VENV) $(DEMO) dist docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*

$(PY):
	@sh tools/need-venv.sh "$(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@$(PIP) --upgrade pip || { rm -rf $(VENV); exit 1; }

$(VENV)/.base: pyproject.toml constraints.txt | $(PY)
	$(PINNED) -e '.[score]'
	@touch $@

$(VENV)/.test: $(VENV)/.base
	$(PINNED) -e '.[score,train]' --group test --group lint
	@touch $@

$(VENV)/.docs: $(VENV)/.base
	$(PINNED) -e . --group docs
	@touch $@

$(VENV)/.bench: $(VENV)/.base
	$(PINNED) -e '.[score,train]' --group bench || echo "the bench group did not install: its rows will be skipped with the reason"
	@touch $@
