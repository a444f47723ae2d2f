PYTHON ?= python3
BIN := .venv/bin

.PHONY: install quickstart test check lint wheel docs site bench golden picture

install: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	# two files of the tests, coded and decoded: what numba compiles once and keeps is compiled here
	$(BIN)/bytegolf compress tests/artifact/golden-trellis-v1.bgz LICENSE .venv/compiled.bgc
	$(BIN)/bytegolf decompress tests/artifact/golden-grid-v1.bgz tests/coding/golden-sliding-v1.bgc .venv/compiled.txt
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

wheel: install
	.ci/wheel

docs: install
	cd tests && ../$(BIN)/python -m support.house
	cd tests && ../$(BIN)/python -m support.defects_page
	cd tests && ../$(BIN)/python -m support.recipe_page
	cd tests && ../$(BIN)/python -m support.audit_page
	cd tests && ../$(BIN)/python -m support.robustness
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/packing_page.py
	$(BIN)/python benchmarks/experts_page.py

site: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "site: build/site, to be seen by: $(BIN)/python -m http.server --directory build/site"

bench: install
	$(BIN)/bytegolf bench tiny small benchmarks/full_size.toml --out benchmarks/results/speed.json
	$(BIN)/bytegolf bench tiny --corpus-tokens 500000 --out benchmarks/results/corpus-1MB.json
	$(BIN)/bytegolf bench tiny --corpus-tokens 500000000 --out benchmarks/results/corpus-1GB.json
	$(BIN)/python benchmarks/scoring.py tiny --compiled
	$(BIN)/python benchmarks/scoring.py v10_banked --window 1024
	$(BIN)/python benchmarks/scoring.py v10_banked
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/report.py runs/quickstart/run

picture: runs/quickstart/run/report.html
	cd tests && ../$(BIN)/python -m support.report_picture ../$<

runs/quickstart/run/report.html:
	$(MAKE) quickstart

golden: install
	cd tests && ../$(BIN)/python -m support.regenerate_golden
