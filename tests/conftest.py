from kept_verilog import keep

# isort: split
import os
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
from bitline.scripts.asic.cells.roles import PACKAGE, default_files
from bitline.scripts.main import main
from places import MODELS, NETWORKS


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also run tests that are slow, or need an optional tool")
    parser.addoption("--require-tools", action="store_true", help="fail where an optional tool is missing")


def pytest_configure(config):
    # readline, which pytest loads, sets it to 80 for the workers of xdist: tables would be narrower there.
    os.environ.pop("COLUMNS", None)
    keep(config.rootpath / "build" / "verilog")
    # Verilator's makefiles compile with it. Cores that simulate by themselves compile Verilator's library each time.
    if config.getoption("--all") and shutil.which("ccache"):
        os.environ.setdefault("OBJCACHE", "ccache")
        os.environ.setdefault("CCACHE_DIR", str(config.rootpath / "build" / "ccache"))


def pytest_collection_modifyitems(config, items):
    """Without --all no optional tool is used, be it there or not. A test that is named by its id always runs."""
    if config.getoption("--all"):
        return
    if config.getoption("--require-tools"):
        raise pytest.UsageError("--require-tools must come with --all, and does not")
    named = tuple(argument for argument in config.args if "::" in argument)
    left_out = [item for item in items if (item.get_closest_marker("slow") or item.get_closest_marker("needs"))
                and not (named and item.nodeid.startswith(named))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def pytest_runtest_setup(item):
    for marker in item.iter_markers("needs"):
        name, = marker.args
        is_there = default_files() if name == PACKAGE else shutil.which(name) or find_spec(name)
        if not is_there:
            stop = pytest.fail if item.config.getoption("--require-tools") else pytest.skip
            stop(f"{name} not found (bitline doctor says where to get it)")


@pytest.fixture
def published():
    """Gives the path of a published network and its inputs, int8 (N, *shape), or skips the test."""

    def find(name):
        model, shape = NETWORKS[name]
        path = MODELS / name / model
        if not path.exists():
            pytest.skip(f"no published networks at {MODELS} (BITLINE_MODELS says where they are)")
        files = sorted((path.parent / "inputs").iterdir())
        data = [np.fromfile(file, np.int8) for file in files]
        if name == "anomaly_detection":
            # Windows of five frames of 128 bins.
            data = [np.lib.stride_tricks.sliding_window_view(values, 640)[::128] for values in data]
        return path, np.concatenate([values.reshape(-1, *shape) for values in data])

    return find


@pytest.fixture
def cli(capsys):
    """Runs the command in this process: its status, standard output and standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def refused(cli):
    """Runs the command and expects one line that matches, and status 2."""

    def run(*arguments, match):
        import re

        status, _, errors = cli(*arguments)
        assert status == 2
        assert len(errors.splitlines()) == 1 and re.search(match, errors), errors
        assert "Traceback" not in errors

    return run
