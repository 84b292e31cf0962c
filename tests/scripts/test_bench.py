import json

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import emit
from bitline.scripts.commands.bench import measure_rate, random_program
from bitline.scripts.commands.bench.core import check_rate
from bitline.scripts.common.files import BadInput
from bitline.scripts.fpga import core_flow
from bitline.scripts.fpga.core_flow import INSIDE, check_core, synthesize_core
from bitline.scripts.fpga.netlist_check import CheckError
from netlists import flip

COMMAND = "bitline.scripts.commands.bench.core"


@pytest.mark.parametrize("written", [False, True])
def test_programs_need_all_planes_they_are_meant_to(written):
    config = MacroConfig(rows=4, columns=2, banks=2)
    program = random_program(config, 10, 3, written)
    assert all(vector.x.max() >= 4 for vector in program.vectors)
    assert (len(program.writes) > 4) == written


def test_measured_rate_is_one_plane_a_cycle(tmp_path):
    config = MacroConfig(rows=4, columns=2, banks=2, input_bits=3)
    for row in measure_rate(config, "build/sim", fast=False):
        assert row["cycles"] == row["expected"] == 64 * row["planes"] + config.latency
        assert row["cycles between results"] == [row["planes"]]
        assert row["write cycles"] == row["rows written meanwhile"]


@pytest.mark.slow
def test_ways_to_simulate_are_compared(monkeypatch):
    import bitline.scripts.commands.bench as module

    monkeypatch.setattr(module, "VECTORS", 500)
    monkeypatch.setattr(module, "ROUNDS", 1)
    config = MacroConfig(rows=4, columns=2, banks=2, input_bits=3)
    found = module.measure_speed(config, "build/sim", lambda done, what: None)
    assert [[row["planes"] for row in found[name]] for name in ("speed", "processor")] == [[1, 3], [1, 3]]
    for row in found["speed"] + found["processor"]:
        for way in module.WAYS:
            assert row[way] > 0
            assert way == module.WAYS[0] or row[f"{way} to C++"] == pytest.approx(row[way] / row[module.WAYS[0]])


@pytest.mark.slow
def test_largest_macro_is_below_its_size():
    text = emit(MacroConfig(rows=256, columns=256))
    assert len(text) < 5_000_000


def test_wrong_rate_is_refused(refused, tmp_path, monkeypatch):
    import bitline.scripts.commands.bench as module

    monkeypatch.setattr(module, "measure_rate", lambda config, folder: [
        {"planes": 1, "cycles": 3, "expected": 2, "write cycles": 0, "rows written meanwhile": 0}])
    refused("bench", "sim", "--only", "rate", "--out", tmp_path / "sim.json", match="must be one plane a cycle")
    assert json.loads((tmp_path / "sim.json").read_text(encoding="utf-8"))["rate"]


@pytest.mark.parametrize("figures, match", [
    ({"vectors": 200, "cycles": 1640}, r"rate of 200 .* at least 99% .*, not 97.6% \(1,600 planes in 1,640 "),
    ({"cycles_with_reload": 8200}, r"a reload must cost at most 1% of the cycles, not 2.0% \(8,200 cycles with it"),
])
def test_core_that_is_too_slow_is_named(figures, match):
    rate = {"vectors": 1000, "cycles": 8040, "cycles_with_reload": 8050, **figures}
    rate |= {"peak": 8 * rate["vectors"], "efficiency": 8 * rate["vectors"] / rate["cycles"],
             "reload_cost": rate["cycles_with_reload"] / rate["cycles"] - 1}
    with pytest.raises(BadInput, match=match):
        check_rate(rate)


@pytest.mark.slow
def test_netlist_of_a_core_is_simulated_before_it_is_placed(cli, monkeypatch, tmp_path):
    kept = []

    def synthesized(*arguments):
        kept.append((arguments[0], synthesize_core(*arguments)))
        return kept[-1][1]

    # Only the clock is measured.
    counts = dict.fromkeys(("lut_sites", "flip_flop", "dsp", "block_ram"), 1)
    monkeypatch.setattr(f"{COMMAND}.measure_size", lambda *_: {"columns": counts})
    monkeypatch.setattr(f"{COMMAND}.measure_rate", lambda *_: {"vectors": 1, "cycles": 1, "efficiency": 1})
    monkeypatch.setattr(f"{COMMAND}.synthesize_core", synthesized)
    streams = [each for name in ("input", "weight", "output") for each in (f"--{name}-stream-bits", 32)]
    status, _, errors = cli("bench", "core", "--core", "--rows", 2, "--columns", 2, "--banks", 2, "--output", "int32",
                            *streams, "--seeds", 1, "--check", "--out", tmp_path / "core.json")
    assert status == 0, errors
    placed = json.loads((tmp_path / "core.json").read_text(encoding="utf-8"))["placed"]
    assert placed["checked"] and placed["fmax_mhz"] > 0
    (config, netlist), = kept
    flip(netlist, f"{INSIDE}.packer.fifo", 0)
    with pytest.raises(CheckError, match="must do what the model does: simulation must pass its tests"):
        check_core(config, netlist)


@pytest.mark.parametrize("count", [2, 4])
def test_netlist_that_is_not_tested_as_it_must_be_is_named(count, monkeypatch, tmp_path):
    class Built:
        def run(self, *_, **__):
            return count

    monkeypatch.setattr(core_flow, "model_without_harness", lambda *_: (tmp_path, ""))
    monkeypatch.setattr(core_flow, "build_core", lambda *_, **__: Built())
    with pytest.raises(CheckError, match=f"must run the 3 tests extremes, random_traffic, self_test, and ran {count}"):
        check_core(CoreConfig(macro=MacroConfig(rows=2, columns=2)), None)


def test_core_that_is_fast_enough_passes():
    check_rate({"efficiency": 0.991, "reload_cost": 0.009})
