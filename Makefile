PYTHON ?= python3
BIN := .venv/bin

.PHONY: install quickstart test check lint bench golden

install: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

quickstart: install
	$(BIN)/bytegolf quickstart --out runs/quickstart

test: install lint
	$(BIN)/pytest -m "not slow" --numprocesses 2

check: install
	$(BIN)/pytest -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/bytegolf bench tiny small --out benchmarks/results/speed.json

golden: install
	cd tests && ../$(BIN)/python -m golden.regenerate
