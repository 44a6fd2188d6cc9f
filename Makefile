# Everything runs in .venv, made from the versions in constraints.txt; a second call reuses it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
BROWSER := $(VENV)/browser

.PHONY: demo test kills fuzz check bench package clean
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	$(BIN)/gsseg demo --out demo

test: $(INSTALLED) $(BROWSER)
	$(BIN)/python -m pytest

# Every file-system operation, every kind of failure, and 40 processes of each command killed at random moments.
# POINTS=60 tries so many operations of each command only.
POINTS ?= all
kills: $(INSTALLED)
	GSSEG_KILL_POINTS=$(POINTS) $(BIN)/python -m pytest -q tests/reliability/kills

# Damaged inputs for every reader: make fuzz CASES=20000 SEED=1
CASES ?= 2000
SEED ?= 0
fuzz: $(INSTALLED)
	$(BIN)/python -m tests.reliability.fuzz --cases $(CASES) --seed $(SEED)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(INSTALLED)
	$(BIN)/gsseg bench

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

# A browser for the viewer's tests, which skip where none can be had.
$(BROWSER): $(INSTALLED)
	$(BIN)/python tests/viewer/provide_browser.py
	touch $(BROWSER)

clean:
	rm -rf $(VENV) build demo

# The wheel, installed into an environment of its own, makes the sample room: what a user gets who has no checkout.
PACKAGE := build/package
package: $(INSTALLED)
	rm -rf $(PACKAGE)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(PACKAGE) .
	$(PYTHON) -m venv $(PACKAGE)/venv
	$(PACKAGE)/venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PACKAGE)/gsseg-*.whl
	cd $(PACKAGE) && venv/bin/gsseg demo --out demo
