"""No command needs a package of an extra to say what it does; one that needs it for its work says so in one line."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires

import pytest
from bitline.scripts.main import COMMANDS
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def installed(lines):
    """Names of all distributions that requirements bring with them."""
    found, todo = set(), [Requirement(line) for line in lines]
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        if name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found.add(name)
            todo += map(Requirement, requires(name) or ())
    return found


EXTRAS = {canonicalize_name(Requirement(line).name) for lines in PROJECT["optional-dependencies"].values()
          for line in lines} - installed(PROJECT["dependencies"])
# By the names that Python imports.
MODULES = sorted(module for module, owners in packages_distributions().items()
                 if EXTRAS.intersection(map(canonicalize_name, owners)))
BENCHES = ("core", "fpga", "networks", "sim")

# Finders of modules, which find none of these.
WITHOUT = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *arguments):
        return None if name.partition(".")[0] in {MODULES} else self.finder.find_spec(name, *arguments)

sys.meta_path[:] = map(Without, sys.meta_path)
from bitline.scripts.main import main
main(sys.argv[1:])
"""


def bare(*arguments):
    """The command where no package of an extra is installed."""
    return subprocess.run([sys.executable, "-c", WITHOUT, *map(str, arguments)], capture_output=True, text=True,
                          check=False)


def test_packages_of_extras_are_known():
    assert {"cocotbext", "sklearn", "onnx", "tflite", "serial"} <= set(MODULES)


@pytest.mark.parametrize("arguments", [*([name] for name in COMMANDS), *(["bench", name] for name in BENCHES)], ids=str)
def test_help(arguments):
    done = bare(*arguments, "--help")
    assert done.returncode == 0 and "Usage:" in done.stdout, done.stderr


@pytest.mark.parametrize("arguments", [
    ["bench", "core", "--core", "--rows", 2, "--columns", 2, "--banks", 2],
    ["inject", "--target", "weights", "--core", "--checksum", "--rows", 2, "--columns", 2],
    ["mutate"],
], ids=lambda arguments: arguments[0])
def test_work_that_needs_one(arguments, tmp_path):
    done = bare(*arguments, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bitline: cocotbext not found: pip install -e '.[test]'\n"
