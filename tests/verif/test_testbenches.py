"""Testbenches start soon: each simulation imports them anew."""

import subprocess
import sys

from bitline.verif.sim.simulators import source_files
from bitline.verif.sim.simulators import testbench as module_of


def test_testbenches_import_nothing_that_makes_verilog():
    names = [module_of(path.stem) for path in source_files() if path.name.startswith("tb_")]
    code = (f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
            "print('bitline.hdl.config' in sys.modules, 'bitline.hdl.emit' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(names) > 25 and done.stdout == "True False\n"
