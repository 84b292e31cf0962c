"""The Verilog of named configurations, as SHA-256: whatever changes it changes a line of `verilog_hashes.json`."""

import hashlib
import json
from pathlib import Path

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.emit import emit
from bitline.host.board.simulated_board import board_verilog
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE
from bitline.verif.macro.regression import SUITE
from some import some

PATH = Path(__file__).parent / "verilog_hashes.json"
SMALL = MacroConfig(rows=8, columns=4, banks=2, max_accumulations=3)
DESIGNS = {
    **{f"suite {index}": (emit, config) for index, config in enumerate(SUITE)},
    "suite 10 on ecp5": (emit, SUITE[10], "ecp5"),
    "core, axi": (emit, CoreConfig(macro=SMALL, input_stream_bits=32)),
    "core, wishbone, tables": (emit, CoreConfig(macro=SUITE[11], bus="wishbone", output="int16")),
    "core, apb, checksum, asynchronous": (emit, CoreConfig(macro=SMALL, bus="apb", checksum=True,
                                                           reset="asynchronous")),
    "engine": (emit, DEPTHWISE),
    "engine on ecp5": (emit, DEPTHWISE, "ecp5"),
    "engine core, weights from outside": (emit, EngineCoreConfig(engine=OUTSIDE[4])),
    "block macro": (emit, block_macro("MXFP4", columns=4)),
    "block macro of two formats": (emit, block_macro("MXFP4+MXINT8", columns=4)),
    "block macro on ecp5": (emit, block_macro("NVFP4", columns=4), "ecp5"),
    "block core": (emit, BlockCoreConfig(blocks=block_macro("MXFP4+MXINT8", columns=4, input_beat_bits=64))),
    "board": (board_verilog, SMALL, "board"),
}


def digest(design):
    function, *arguments = DESIGNS[design]
    return hashlib.sha256(function(*arguments).encode()).hexdigest()


@pytest.mark.parametrize("design", some(DESIGNS, *range(0, len(SUITE), 2), *(
    index for index, name in enumerate(DESIGNS) if name.startswith(("core", "block", "board")))))
def test_verilog_is_as_it_was(design):
    found = digest(design)
    assert json.loads(PATH.read_text(encoding="utf-8"))[design] == found, f"if this change is meant: {found}"


def test_every_hash_is_of_a_design():
    assert set(json.loads(PATH.read_text(encoding="utf-8"))) == set(DESIGNS)
