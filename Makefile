# Two commands, each complete on a bare machine with Python >= 3.11, make and git:
#   make verify   check every claim at the quick level and write the report
#   make test     lint, types, import direction, every test of the default tier
# and make bench    measures speed against named baselines, on one core
#     make mutants  plants faults in the sources, one at a time, and counts those that the tests notice
.PHONY: verify test lint bench mutants clean
.DEFAULT_GOAL := verify

BIN := .venv/bin
READY := .venv/.ready

# The first interpreter that is new enough and can make a virtual environment.
$(READY): requirements.lock pyproject.toml
	@set -e; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make: needs Python >= 3.11 with venv and ensurepip (Debian: apt-get install python3-venv)" >&2; exit 1; \
	fi; \
	echo "Installing the locked environment into .venv (once; a few minutes on a slow line)"; \
	"$$found" -m venv --clear .venv; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch $@

verify: $(READY)
	@$(BIN)/icl-claims verify

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

# The second run: exact results may not depend on the number types that SymPy happens to use.
test: lint
	@$(BIN)/python -m pytest -n auto
	@SYMPY_GROUND_TYPES=python $(BIN)/python -m pytest -n auto -q \
	  tests/theory/algebra/test_words.py tests/theory/algebra/test_gaussian.py tests/theory/test_task.py \
	  tests/theory/test_evaluation.py tests/theory/one_layer tests/theory/wishart

# One process and one thread; a gate that is missed fails the run, after the table of all of them.
bench: $(READY)
	@mkdir -p build
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest benchmarks -q -p no:xdist \
	  --benchmark-columns=min,median,rounds --benchmark-json=build/benchmarks.json

# MUTANTS="--changed main": options of the program, listed by MUTANTS=--help. It goes on where the last run stopped.
mutants: $(READY)
	@$(BIN)/python -m tests.mutants $(MUTANTS)

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
