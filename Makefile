# make demo    from nothing to a trained sentence encoder and its test accuracy
# make test    everything that is tested, the third-party example included
# make check   style, format and types
# make bench   every benchmark, one table each
# make clean   away with .venv and what was built
#
# The first of them makes .venv. A second run finds it as it was left, and needs no network.

PYTHON ?= python3
TORCH  ?= torch==2.13.0
JOBS   ?= 2

bin := .venv/bin
# One thread to each process: make test runs JOBS of them at once, and a benchmark compares CPU seconds.
test bench: export OMP_NUM_THREADS = 1

.PHONY: help demo test check bench clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/q'

demo: .venv/.demo
	$(bin)/suite fit --plugin dsa

test: .venv/.dev
	$(bin)/python -m pytest --numprocesses $(JOBS) --dist loadfile

check: .venv/.dev
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

bench: .venv/.dev
	@set -e; for file in benchmarks/[a-z]*.py; do \
		echo "== $$file"; $(bin)/python -m benchmarks.$$(basename $$file .py); done
	$(bin)/python -m benchmarks._readme

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Set-up. A stamp file remembers that it was done; it is done again when a file below changes, which is also how
# edited C++ is compiled again. torch comes first: the build works against the torch that it finds, and a torch
# that is already in .venv is kept.

package := pyproject.toml setup.py MANIFEST.in _build/backend.py $(shell find csrc -type f 2>/dev/null)

.venv/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=python3.11"; exit 1; }
	@test -x $(bin)/python || { echo "== making .venv"; $(PYTHON) -m venv .venv; }
	@$(bin)/python -c 'import torch' 2>/dev/null || { echo "== installing $(TORCH)"; $(bin)/pip install '$(TORCH)'; }
	@touch $@

.venv/.demo: .venv/.torch $(package)
	@echo "== installing lightning-suite[dsa]"
	$(bin)/pip install --editable '.[dsa]'
	@touch $@

.venv/.dev: .venv/.torch $(package)
	@echo "== installing lightning-suite[all,dev]"
	$(bin)/pip install --editable '.[all,dev]'
	@touch $@ .venv/.demo
