# make demo      from nothing to a trained sentence encoder and its test accuracy
# make test      everything that is tested, the third-party example included
# make check     style, format and types, and known vulnerabilities of what is installed
# make matrix    the lowest and the newest releases of what is required, installed and tried (docs/supported-versions.md)
# make sanitize  the tests of the compiled parts, built to stop at a wrong address or undefined behaviour
# make trust     every promise tried at full size (resume after kill -9, damaged files ...), in an hour or more
# make bench     every benchmark that needs no more to be told, one table each
# make docs      the site, into build/docs; its tutorials are run
# make clean     away with .venv and what was built
#
# The first of them makes .venv. A second run finds it as it was left, and needs no network.

PYTHON ?= python3
TORCH  ?= torch==2.13.0
JOBS   ?= 2

bin := .venv/bin
# One thread to each process: make test runs JOBS of them at once, and a benchmark compares CPU seconds.
test trust sanitize bench: export OMP_NUM_THREADS = 1
# Our sources are compiled to bytecode once, and not by each of a thousand processes that tests start.
test trust sanitize: export PYTHONDONTWRITEBYTECODE =
# A run's files are written through to the disk: a training of a moment waits for it longer than it computes. So tests
# write to memory, where that has 4 GB of room and may hold programs.
memory := $(shell grep ' /dev/shm ' /proc/mounts 2>/dev/null | grep -qv noexec && \
	df -P /dev/shm | awk 'NR == 2 && $$4 > 4e6 { print $$6 }')
test: export TMPDIR := $(or $(memory),$(TMPDIR))
# What is tested and measured is the compiled ops: one that does not compile is an error.
test trust sanitize bench .venv/.dev: export LIGHTNING_SUITE_REQUIRE_OPS = 1

.PHONY: help demo test check matrix trust sanitize bench docs clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/q'

demo: .venv/.demo
	$(bin)/suite fit --plugin dsa

test: .venv/.dev
	$(bin)/python -m pytest --numprocesses $(JOBS) --dist worksteal

check: .venv/.dev
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/python .ci/audit

matrix: .venv/.dev
	$(bin)/python .ci/matrix

# The table is made of what there is, also when something did not hold.
trust: .venv/.dev
	rm -rf build/trust
	LIGHTNING_SUITE_TRUST=full $(bin)/pytest --numprocesses $(JOBS) --dist worksteal --timeout 3600 \
		tests/trust tests/lightning_suite/ops tests/lightning_suite/test_testing.py; \
		status=$$?; $(bin)/python -m benchmarks.trust; $(bin)/python -m benchmarks._readme; exit $$status

# A whole second build, which comes first on the path: `pytest` does not put this folder before it, `python -m` would.
# The sanitizers are loaded before Python, which knows nothing of them; that it keeps memory at its end is no leak.
# The path is for ninja, which compiles in parallel; without optimisation it has a quarter of the work.
sanitized := build/sanitized
sanitizers = $(foreach name,asan ubsan stdc++,$(shell $(CXX) -print-file-name=lib$(name).so))
sanitize: .venv/.dev
	SUITE_OPTIMIZATION=0 PATH=$(CURDIR)/$(bin):$$PATH LDFLAGS='-fsanitize=address,undefined' \
		CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=undefined -g1' \
		python setup.py --quiet build --build-base $(sanitized) --build-lib $(sanitized)/lib
	rm -f $(sanitized)/report.*
	LD_PRELOAD='$(sanitizers)' PYTHONPATH=$(sanitized)/lib \
		ASAN_OPTIONS=detect_leaks=0:log_path=$(sanitized)/report UBSAN_OPTIONS=log_path=$(sanitized)/report \
		$(bin)/pytest --numprocesses $(JOBS) -p no:cacheprovider tests/lightning_suite/ops \
		tests/suite_recnn/test_clustering.py tests/suite_spectral/test_kernels.py \
		tests/suite_spectral/clusters/test_lloyd.py tests/suite_spectral/clusters/test_refinement.py tests/suite_spectral/clusters/test_loose_ends.py \
		tests/suite_spectral/eigen/test_aggregation.py tests/suite_spectral/eigen/test_blocks.py tests/suite_spectral/graphs/test_products.py \
		tests/trust/test_fuzz_ops.py \
		|| { cat $(sanitized)/report.* 2> /dev/null; exit 1; }

bench: .venv/.dev
	@set -e; for file in benchmarks/[a-z]*.py; do \
		if grep -q 'required=True' $$file; then echo "== $$file asks for more, see its first lines"; continue; fi; \
		echo "== $$file"; $(bin)/python -m benchmarks.$$(basename $$file .py); done
	$(bin)/python -m benchmarks._readme

# A warning is an error (strict, in mkdocs.yml). The theme's news of another release of MkDocs is not shown.
docs: export NO_MKDOCS_2_WARNING = 1
docs: .venv/.docs
	$(bin)/mkdocs build --strict --quiet
	@echo "next: $(bin)/python -m http.server --directory build/docs"

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Set-up. A stamp file remembers that it was done; it is done again when a file below changes, which is also how
# edited C++ is compiled again. torch comes first: the build works against the torch that it finds, and a torch
# that is already in .venv is kept.

package := pyproject.toml setup.py MANIFEST.in _build/backend.py $(shell find csrc -type f 2>/dev/null) \
	$(shell find plugins -name "*.cpp" 2>/dev/null)

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

.venv/.docs: .venv/.dev
	@echo "== installing lightning-suite[docs]"
	$(bin)/pip install --editable '.[all,dev,docs]'
	@touch $@

.venv/.dev: .venv/.torch $(package)
	@echo "== installing lightning-suite[all,dev]"
	$(bin)/pip install --editable '.[all,dev]'
	@touch $@ .venv/.demo
