"""``bitline bench engine``."""

import json
import os
from contextlib import contextmanager
from dataclasses import replace

import pytest
from bitline.hdl.config.engine import default_engine
from bitline.scripts.commands.bench import engine
from bitline.scripts.commands.bench.networks import NETWORKS, of_models
from bitline.scripts.common.files import BadInput
from places import MODELS

# What a placement gives, of which the table and the clock are made.
PLACED = {"device": "LFE5U-85F", "fmax_mhz": 100.0, "utilization": {"TRELLIS_COMB": {"used": 12, "available": 34}},
          "blocks": {name: dict.fromkeys(("lut_sites", "flip_flop", "lut_ram", "dsp", "block_ram"), count)
                     for name, count in (("macro", 30), ("results.lanes", 4))},
          "seeds": [{"seed": 3, "fmax_mhz": 100.0, "critical_path": {"words": "from here to there"}}]}


def test_figures_of_an_engine(cli, published, tmp_path, monkeypatch):
    # Wide enough that no number is broken, whatever runs the tests says of its terminal.
    monkeypatch.setenv("COLUMNS", "240")
    for each in NETWORKS:
        published(each.name)
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    monkeypatch.setattr(engine, "place", lambda config, seeds, folder: PLACED if seeds == 1 else None)
    status, output, errors = cli("bench", "engine", "--models", MODELS, "--count", 2, "--place", 1, "--out",
                                 tmp_path / "engine.json")
    assert status == 0, errors
    assert json.loads((tmp_path / "engine.json").read_text())["placed"] == PLACED
    assert "seed 3: 100.0 MHz, from here to there" in output and "12 of 34 TRELLIS_COMB" in output
    assert [line.split()[1:7:2] for line in output.splitlines() if "all" in line.split()[:2]] == [["all", "34", "34"]]
    rows = json.loads((tmp_path / "engine.json").read_text())["networks"]
    assert [row["network"] for row in rows] == [each.name for each in NETWORKS]
    for row in rows:
        assert row["inputs"] == 2 and row["reference_mismatches"] == 0
        assert row["least"] <= row["cycles_per_input"] <= row["most"] <= row["all_planes"]
        # Beside what operations take there are starts and the first fetch.
        assert 0.9 < sum(row["cycles_by_operation"].values()) / row["cycles_per_input"] < 1
        assert all(0 < share <= 1 for share in row["busy"].values())
        assert f"{1e8 / row['cycles_per_input']:,.0f}" in output
    others = json.loads((tmp_path / "engine.json").read_text())["published"]
    assert {each["entry"] for each in others} >= {"GAP9", "fpgaConvNet, ZedBoard", "fpgaConvNet, ZC706"}
    for each in others:
        assert each["source"] in output and f"{each['cycles']:,.0f}" in output
        assert each["cycles"] == pytest.approx(each["clock"] * 1e6 / each["per_second"])
    assert "anomaly_detection runs 2 inputs together, not 16, because --count leaves no more" in errors
    assert ("because ethos-u-vela is not installed" in output) != any("estimate" in each["entry"] for each in others)


def test_inputs_that_do_not_fill_the_last_run(published, monkeypatch):
    """All are run, compared and counted, and the bar ends at its end."""
    published("anomaly_detection")
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    done, compared = [], []

    @contextmanager
    def running(what, total):
        done.append(total)
        yield done.append

    def compare(network, ours, theirs):
        compared.append({len(values) for values in (*ours.values(), *theirs.values())})
        return []

    monkeypatch.setattr(engine, "running", running)
    monkeypatch.setattr(engine, "compare", compare)
    measured = next(each for each in of_models(MODELS) if each.name == "anomaly_detection")
    row = engine.measure(replace(measured, batch=3), default_engine(), 5, True)
    assert (row["inputs"], row["batch"]) == (5, 3)
    assert done == [5, 3, 5] and compared == [{3}, {2}]


def test_estimate_of_vela(monkeypatch, tmp_path):
    """From the summary that Vela writes; here a program of that name does."""
    program = tmp_path / "vela"
    program.write_text("""#!/bin/sh
printf 'core_clock,cycles_total\\n1000000000.0,30704\\n' > "$5/net_summary_x.csv"
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = engine.vela("keyword_spotting", tmp_path / "net.tflite")
    assert (found.network, found.clock, round(found.cycles)) == ("keyword_spotting", 1000, 30704)
    program.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    with pytest.raises(BadInput, match=r"vela must estimate .*, and does not: no network"):
        engine.vela("keyword_spotting", tmp_path / "net.tflite")


def test_bad_input(refused, published, tmp_path):
    published("keyword_spotting")
    config = tmp_path / "engine.json"
    config.write_text("{}")
    refused("bench", "engine", "--models", MODELS, "--clock", 100, "--place", 1, match="--clock must not come with")
    refused("bench", "engine", "--models", MODELS, "--config", config, match="a configuration must give macro")
