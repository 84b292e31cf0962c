"""Files on which it depends what kills the mutants of a design, beside the design's Verilog."""

import ast
from functools import cache
from pathlib import Path

from ...verif.sim.simulators import source_files

ROOT = Path(__file__).resolve().parents[2]
# What these import makes the Verilog and pins of designs.
UNFOLLOWED = {ROOT / "hdl" / "emit.py", ROOT / "scripts" / "mutation" / "designs.py"}


def sources(*paths):
    """These modules, what they import of Bitline, directly or not, and what `verif` has in other languages; sorted."""
    found, left = set(), set(paths)
    while left:
        path = left.pop()
        found.add(path)
        if path not in UNFOLLOWED:
            left |= _imported(path) - found
    return sorted(found | {path for path in source_files() if path.suffix != ".py"})


@cache
def _imported(path):
    """Files of the modules that a module imports of Bitline, with those of their packages."""
    files = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            # A name is one of the module, or a module of the package.
            for module in (folder, *(folder / alias.name for alias in node.names)):
                files |= {file for file in (module.with_suffix(".py"), module / "__init__.py") if file.exists()}
    return files
