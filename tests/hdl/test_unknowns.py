from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.verif.macro.regression import SUITE, Job, run_job
from breaking import broken
from some import some

BUILDS = Path("build/sim")
BITCELLS = MacroConfig(rows=3, columns=2, weight_bits=3, input_bits=3, banks=2)
TABLES = MacroConfig(rows=5, columns=2, weight_bits=3, input_bits=3, banks=2, column="table")


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("register", ["o_valid", "drives", "loads_0", "hold_0_0", "_plane_last"])
def test_testbench_notices_a_register_that_is_not_reset(register, tmp_path):
    path = tmp_path / "broken.v"
    path.write_text(broken(BITCELLS, "controller", f"if (rst) {register} ", f"if (1'b0) {register} "), encoding="utf-8")
    failed, *_ = run_job(Job(BITCELLS, "icarus", 1, BUILDS, tmp_path, test="reset_in_flight", verilog=path))
    assert failed == ["reset_in_flight"]


@pytest.mark.parametrize("config", some([BITCELLS, TABLES], 1), ids=str)
@pytest.mark.parametrize("seeds", some([1, 10], 0))
def test_any_values_at_power_up(seeds, config, tmp_path):
    for seed in range(1, 1 + seeds):
        job = Job(config, "verilator", seed, BUILDS, tmp_path, test="reset_in_flight", unknowns=True)
        assert run_job(job) == ([], 1, None)


def test_a_clock_that_starts_high_is_no_edge(tmp_path):
    # With this seed it does, while a write is offered, which tables do not bear before the first reset.
    config = next(config for config in SUITE if config.rows == 13 and config.table_fill_cycles)
    job = Job(config, "verilator", 8, BUILDS, tmp_path, test="extremes", unknowns=True)
    assert run_job(job) == ([], 1, None)
