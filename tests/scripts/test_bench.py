import json

import pytest
from bitline.hdl.config import MacroConfig
from bitline.hdl.emit import emit
from bitline.scripts.commands.bench import measure_rate, random_program


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


def test_largest_macro_is_below_its_size():
    text = emit(MacroConfig(rows=256, columns=256))
    assert len(text) < 5_000_000


def test_wrong_rate_is_refused(refused, tmp_path, monkeypatch):
    import bitline.scripts.commands.bench as module

    monkeypatch.setattr(module, "measure_rate", lambda config, folder: [
        {"planes": 1, "cycles": 3, "expected": 2, "write cycles": 0, "rows written meanwhile": 0}])
    refused("bench", "sim", "--only", "rate", "--out", tmp_path / "sim.json", match="must be one plane a cycle")
    assert json.loads((tmp_path / "sim.json").read_text(encoding="utf-8"))["rate"]
