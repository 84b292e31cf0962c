"""No command needs a package of an extra to say what it does; one that needs it for its work says so in one line."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires

import pytest
from bitline.scripts.commands.bench import command as bench
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
"""
HELP = """
import json
for arguments in json.loads(sys.argv[1]):
    try:
        main([*arguments, "--help"])
    except SystemExit as end:
        print("status", end.code)
"""


def bare(code, *arguments):
    """What Python says to the code where no package of an extra is installed."""
    return subprocess.run([sys.executable, "-c", WITHOUT + code, *map(str, arguments)], capture_output=True, text=True,
                          check=False)


def test_packages_of_extras_are_known():
    assert {"cocotbext", "sklearn", "onnx", "tflite", "serial"} <= set(MODULES)


def test_help():
    commands = [*([name] for name in COMMANDS), *(["bench", name] for name in bench.commands)]
    done = bare(HELP, json.dumps(commands))
    assert done.returncode == 0, done.stderr
    pages = done.stdout.split("status 0\n")
    assert len(pages) == len(commands) + 1 and not pages.pop()
    for page, names in zip(pages, commands):
        assert page.split()[:1] == ["Usage:"] and " ".join(names) in page.splitlines()[0], page


@pytest.mark.parametrize("arguments", [
    ["bench", "core", "--core", "--rows", 2, "--columns", 2, "--banks", 2],
    ["inject", "--target", "weights", "--core", "--checksum", "--rows", 2, "--columns", 2],
    ["mutate"],
], ids=lambda arguments: arguments[0])
def test_work_that_needs_one(arguments, tmp_path):
    done = bare("main(sys.argv[1:])", *arguments, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bitline: cocotbext not found: pip install -e '.[test]'\n"
