# TDS Atlas. `make site` measures the report's models and builds the site; `make test` checks everything.

PYTHON ?= python3
VENV   ?= .venv
VLLM   ?= .vllm
RAY    ?= .ray
REPORT ?= data/reports/pocket.yml
# Recipes read it from their environment: neither make nor the shell expands what a user or a workflow's input wrote.
override REPORT := $(value REPORT)
export REPORT
BIN    := $(VENV)/bin
# A package is installed only if its hash is in a lock file. Torch has another build on each platform and index: its
# version is fixed here, its file is pip's choice, and it comes with the project itself in a second step.
TORCH   := torch==2.13.0
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
WEB    := VENV=$(VENV) .ci/web/run
export NO_MKDOCS_2_WARNING := 1
# As `tds` sets it: threads that wait for one another soon sleep, which counts on a busy machine.
export GOMP_SPINCOUNT ?= 10000

.DEFAULT_GOAL := help
.PHONY: help site check generate score probe store report serve publish zip test large notebook vllm ray random lint format docs types bench calibrate interrupt hostile evaluate pocket lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z ]+:.*## /{printf "  make %-28s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '  REPORT=path/to/report.yml chooses another report (now %s)\n' "$$REPORT"

site: $(VENV)/.site  ## The main job: measure, store, report, build the static site into site/
	@$(BIN)/tds site --report="$$REPORT"

check generate score probe store: $(VENV)/.site  ## One stage alone (with what it needs); check only reads the report file
	@$(BIN)/tds $@ --report="$$REPORT"

report: $(VENV)/.site  ## Figures and pages from data/tds.duckdb into build/docs
	@$(BIN)/tds report

serve: $(VENV)/.site  ## Show the built site at http://127.0.0.1:8000/
	@$(BIN)/tds serve

publish: site  ## Put the site on the branch gh-pages of origin, after asking
	@$(BIN)/tds publish

zip: site  ## The site as one file, report.zip, which opens without a server
	@$(BIN)/tds publish --zip report.zip

test: $(VENV)/.test  ## All tests; those in a browser need Chromium or Chrome on the PATH
	@$(BIN)/pytest -n auto --dist worksteal

large: $(VENV)/.test  ## The tests that take minutes and gigabytes
	@$(BIN)/pytest -m large

vllm: $(VENV)/.test  ## The tests of the engine vllm, in an environment of its own: VLLM, 3.5 GB (twenty minutes)
	@PYTHON=$(PYTHON) .ci/vllm "$(VLLM)" >/dev/null && TDS_VLLM_PYTHON="$$(cd "$(VLLM)" && pwd)/bin/python" $(BIN)/pytest -m vllm

ray: $(VENV)/.test  ## The tests of the runner ray, on Ray itself: RAY, 240 MB (three minutes)
	@PYTHON=$(BIN)/python .ci/ray "$(RAY)" && PYTHONPATH="$$(cd "$(RAY)" && pwd)" $(BIN)/pytest -m ray

notebook: $(VENV)/.test  ## Run the notebooks of examples/, each by a kernel of its own
	@$(BIN)/pytest -m notebook

random: $(VENV)/.test  ## The tests of properties with examples drawn anew
	@HYPOTHESIS_PROFILE=random $(BIN)/pytest -n auto -m hypothesis

lint: $(VENV)/.web  ## Style of Python, SQL, CSS and JavaScript, and what the scripts' types say
	@$(BIN)/ruff check .
	@$(BIN)/python .ci/width.py
	@$(BIN)/python .ci/format_sql.py --check
	@$(BIN)/sqlfluff lint --nocolor --processes 2 builder
	@$(WEB) biome check --config-path .ci/web site_src/assets builder/tds_atlas/cli
	@$(WEB) tsc -p .ci/web
	@$(WEB) tsc -p .ci/web/typed.json

format: $(VENV)/.web  ## Lay out SQL, CSS and JavaScript
	@$(BIN)/python .ci/format_sql.py
	@$(WEB) biome check --write --config-path .ci/web site_src/assets builder/tds_atlas/cli

docs: $(VENV)/.test  ## Write what README and ARCHITECTURE take from the code
	@$(BIN)/python -m tests.house

types: $(VENV)/.test  ## Types
	@$(BIN)/mypy

bench: $(VENV)/.bench  ## Speed and memory beside other ways to score and generate (a quarter of an hour)
	@$(BIN)/python -m tests.bench

calibrate: $(VENV)/.test  ## Coverage of the intervals and false calls in simulated reports, as tables (four minutes)
	@$(BIN)/python -m tests.calibrate

interrupt: $(VENV)/.test  ## kill -9 at 30 random moments, resume, compare (ten minutes)
	@$(BIN)/python -m tests.bench.interrupt

hostile: $(VENV)/.test  ## Malformed inputs to the command, hostile texts on the pages; a table of what went wrong (half an hour)
	@$(BIN)/python -m tests.hostile

evaluate: $(VENV)/.test  ## The pocket family's own evaluation, against the shipped weights
	@$(BIN)/python -m data.pocket.recipe evaluate

pocket: $(VENV)/.test  ## Train the pocket family and its controls anew (an hour and a quarter on two cores)
	@$(BIN)/python -m data.pocket.recipe

lock:  ## Resolve all dependencies anew into requirements*.lock
	@sh .ci/lock $(TORCH) $(PYTHON)

clean:  ## Remove what was built; shards and the virtual environment stay
	rm -rf build site data/tds.duckdb

$(VENV)/.site: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 5) and "TDS Atlas needs Python 3.11.5 or newer: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once; a few minutes) ..."
	@$(PIP) --require-hashes --no-deps -r requirements.lock
	@$(PIP) $(TORCH) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.site requirements-dev.lock
	@$(PIP) --require-hashes --no-deps -r requirements-dev.lock
	@$(PIP) $(TORCH) -e '.[dev]'
	@touch $@

$(VENV)/.web: $(VENV)/.test .ci/web/package-lock.json
	@$(WEB) ci
	@touch $@

$(VENV)/.bench: $(VENV)/.test requirements-bench.lock
	@$(PIP) --require-hashes --no-deps -r requirements-bench.lock
	@$(PIP) $(TORCH) -e '.[bench]'
	@touch $@
