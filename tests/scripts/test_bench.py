import json

import pytest
from bitline.hdl.config import MacroConfig
from bitline.hdl.emit import emit
from bitline.scripts.commands.bench import measure_rate, random_program
from bitline.scripts.commands.bench.core import check_rate
from bitline.scripts.common.files import BadInput


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


def test_core_that_is_fast_enough_passes():
    check_rate({"efficiency": 0.991, "reload_cost": 0.009})
