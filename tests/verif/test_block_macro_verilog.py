"""The Verilog of block macros, in Verilator."""

import pytest
from bitline.golden.formats.blocks import FORMATS
from bitline.hdl.config.formats import block_macro
from bitline.hdl.emit import emit
from bitline.scripts.commands.bench.format_sizes import full_rate
from bitline.scripts.integration.cell_models import cell_models
from bitline.verif.formats.program import drawn_program
from bitline.verif.formats.runs import run_program


@pytest.mark.slow
def test_drawn_blocks_on_verilog_of_ecp5():
    config = block_macro("NVFP4", columns=3, macro={"banks": 2, "column": "table", "result_interval": 4})
    program = drawn_program(config, 20, seed=5)
    verilog = emit(config, "ecp5") + "".join(cell_models("ecp5").values())
    found, _ = run_program(program, pauses={"w": 0.2, "i": 0.2, "o": 0.3}, verilog=verilog)
    assert found == program.beats["o"]


@pytest.mark.slow
def test_a_thousand_blocks_take_their_planes(tmp_path):
    config = block_macro("MXFP4", columns=4, macro={"banks": 2, "result_interval": 4})
    cycles = full_rate(config, FORMATS["MXFP4"], tmp_path)
    assert 5 * 1000 <= cycles <= 5 * 1000 / 0.95
