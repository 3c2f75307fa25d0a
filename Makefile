# Verbs of this repository. The interpreter is that of .venv where there is one: `make test PYTHON=...` takes another.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

.PHONY: check test bench docs

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n auto --dist loadfile

bench:
	$(PYTHON) tests/benchmarks/bench.py

docs:
	$(PYTHON) docs/generate.py
