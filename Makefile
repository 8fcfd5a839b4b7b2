# `make verify` (the main job), `make test`, and `make formal` (needs Coq). Everything lives in .venv and .pisa_lab; nothing else is touched.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c .ci/constraints.txt
# Two threads on two shared cores are up to 100 times slower than one.
ONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONHASHSEED=0

.PHONY: verify test slow check formal clean

verify: .venv/.verify
	$(ONE) $(BIN)/pisa-lab verify $(ARGS)

test: .venv/.test check
	$(ONE) $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not gpu" $(ARGS)

slow: .venv/.test
	$(ONE) $(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not gpu" $(ARGS)

# Coq 8.16: apt-get install --no-install-recommends coq; without Debian: docker run --rm -v "$$PWD":/w -w /w python:3.11-bookworm
# sh -c 'apt-get update && apt-get install -y --no-install-recommends coq && make formal'
formal: .venv/.verify
	$(BIN)/python -m proofs_check.formal $(ARGS)

check: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pisa_lab needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/.verify: .venv/bin/python pyproject.toml
	$(PIP) -e '.[lab,certify]'
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml .ci/constraints.txt
	$(PIP) -e '.[lab,certify,torch,fast,dask,notebooks,test]'
	@touch $@ .venv/.verify

clean:
	rm -rf .venv .pisa_lab build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
