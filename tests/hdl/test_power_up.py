"""Every kind of column, reset and bus comes out of its first reset, whatever was before it."""

import itertools

import pytest
from bitline.hdl.config import BUS_NAMES, RESETS, CoreConfig, MacroConfig
from bitline.verif.sim.core import build_core
from bitline.verif.sim.simulators import SimulatorError
from breaking import broken
from some import some

KINDS = {
    "bitcells": {"column": "bitcell"},
    "tables": {"column": "table"},
    "block RAM": {"column": "table", "block_ram_columns": 2},
    "both tables": {"column": "table", "block_ram_columns": 1, "result_interval": 2},
}
# Clock edges that find no input driven, from time 0 on.
EDGES = (0, 1, 5)


def core(kind, reset, bus):
    return CoreConfig(macro=MacroConfig(rows=6, columns=2, input_bits=3, banks=2, **KINDS[kind]), reset=reset, bus=bus)


def powers_up(config, edges, simulator, folder, verilog=None):
    build_core(config, simulator=simulator, verilog=verilog).run(
        "bitline.verif.core.tb_core_power_up", seed=1, folder=folder,
        environment={"BITLINE_CORE_CONFIG": config.to_json(), "BITLINE_EDGES": str(edges)})


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("kind, reset, bus", list(itertools.product(KINDS, RESETS, BUS_NAMES)))
def test_out_of_unknown_values(kind, reset, bus, tmp_path):
    # The bus makes no difference to what the clock's first edges do.
    for edges in EDGES if bus == "axi" else EDGES[-1:]:
        powers_up(core(kind, reset, bus), edges, "icarus", tmp_path / str(edges))


@pytest.mark.parametrize("kind, bus", some(list(zip(KINDS, (*BUS_NAMES, "axi"))), 1))
def test_out_of_zeros(kind, bus, tmp_path):
    for edges in EDGES:
        powers_up(core(kind, "asynchronous", bus), edges, "verilator", tmp_path / str(edges))


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("register", ["filling", "arrived", "base", "drives"])
def test_a_register_that_the_reset_does_not_reach_is_noticed(register, tmp_path):
    config = core("tables", "asynchronous", "axi")
    block = "controller" if register == "drives" else "lut_ram_writer"
    is_noticed(config, "icarus", block, f"if (rst) {register} ", f"if (1'b0) {register} ", tmp_path)


@pytest.mark.slow
def test_a_reset_that_waits_for_its_edge_is_noticed(tmp_path):
    is_noticed(core("bitcells", "asynchronous", "axi"), "verilator", "",
               "posedge aclk, negedge aresetn)\n    if (!aresetn) kept <= 2'h3;\n    else kept <= %1;",
               "negedge aresetn)\n    kept <= 2'h3;", tmp_path)


def is_noticed(config, simulator, block, old, new, folder):
    verilog = broken(config, block, old, new)
    with pytest.raises(SimulatorError, match="1 of 1 failed"):
        powers_up(config, 0, simulator, folder, verilog)
