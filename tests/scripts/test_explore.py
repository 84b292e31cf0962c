"""The search for macros: the model of their costs, the search itself, and the command."""

import dataclasses
import json
import math
import random
import subprocess
import sys

import numpy as np
import pytest
import yaml
from bitline.hdl.config import KINDS, MacroConfig
from bitline.host.mapping.mapping import Mapping
from bitline.host.mapping.schedule import plan
from bitline.host.network.files.load import load_network
from bitline.scripts.commands.networks.explore import (
    describe,
    export,
    predicted_costs,
    print_front,
    read_costs,
)
from bitline.scripts.common.files import BadInput
from bitline.scripts.explore.cost import (
    adder_levels,
    errors,
    fit,
    is_within,
    parts,
    products_by_kind,
    read_points,
    tree_bits,
)
from bitline.scripts.explore.measure import MEASURED, measure
from bitline.scripts.explore.search import Candidate, front, search
from bitline.scripts.explore.space import CHOICES, draw, macro
from bitline.scripts.explore.targets import TARGETS
from bitline.scripts.explore.zigzag import Costs, packed_workload, text, workload
from bitline.scripts.fuzzing.tflite_builder import TfliteFile

MACRO = MacroConfig(rows=8, columns=8)
ECP5, LIBERTY = TARGETS["ecp5"], TARGETS["liberty"]


@pytest.fixture
def model(tmp_path):
    """A network of one fully connected layer, 40 to 24."""
    file, rng = TfliteFile(), np.random.default_rng(1)
    x = file.tensor((1, 40), "int8", 0.05)
    y = file.operator("FULLY_CONNECTED", [x, file.constant(rng.integers(-127, 128, (24, 40)), "int8", 0.02)],
                      file.tensor((1, 24), "int8", 0.2), "FullyConnectedOptions")
    path = tmp_path / "layer.tflite"
    path.write_bytes(file.data([x], [y]))
    return path


def test_kept_points_are_of_different_macros_and_measured():
    points = read_points(ECP5.points)
    configurations = {MacroConfig.from_dict(each["configuration"]) for each in points}
    assert len(configurations) == len(points) >= 60 and {each.column for each in configurations} == {*KINDS}
    assert all(each["lut_sites"] > 0 and each["block_ram"] >= 0 for each in points)


def test_error_on_unseen_points_is_small():
    points = read_points(ECP5.points)
    unseen = np.abs(errors(points, "lut_sites"))
    # A model that knows the products alone is far worse.
    rough = np.array([each["lut_sites"] / np.prod([each["configuration"][key] for key in ("rows", "columns")])
                      for each in points])
    assert unseen.mean() < 0.05 and np.abs(np.median(rough) / rough - 1).mean() > 0.2


def test_a_kept_point_is_still_what_synthesis_gives(tmp_path):
    """Gateware that grows makes the points old: measure them again."""
    point = min(read_points(ECP5.points), key=lambda each: each["lut_sites"])
    again = measure((MacroConfig.from_dict(point["configuration"]), tmp_path))
    assert again["configuration"] == point["configuration"]
    assert all(again[name] == pytest.approx(point[name], rel=0.03) for name in MEASURED)


def test_a_fit_finds_the_factors_that_points_were_made_of():
    rng, factors = random.Random(1), np.random.default_rng(1).uniform(0, 3, len(parts(MACRO)))
    configs = [draw(rng) for _ in range(300)]
    points = [{"configuration": config.to_dict(), "sites": float(parts(config) @ factors)} for config in configs]
    assert np.abs(errors(points, "sites")).max() < 1e-6
    assert fit(points, "sites").predict(MACRO) == pytest.approx(parts(MACRO) @ factors)
    # A point is predicted by a fit that has not seen it.
    points[7]["sites"] *= 2
    assert errors(points, "sites")[7] == pytest.approx(-0.5)


def test_macros_outside_of_the_points_are_told_apart(capsys):
    points = [{"configuration": MacroConfig(rows=rows, columns=4).to_dict()} for rows in (8, 80)]
    ranges = products_by_kind(points)
    assert list(ranges.values()) == [(32, 320)]
    inside, more, fewer = (MacroConfig(rows=rows, columns=4) for rows in (80, 81, 7))
    assert [is_within(config, ranges) for config in (inside, more, fewer)] == [True, False, False]
    note = "costs are extrapolated"
    print_front(ECP5, [Candidate(inside, 1, 1)], [], ranges)
    assert note not in capsys.readouterr().out
    print_front(ECP5, [Candidate(inside, 1, 1), Candidate(more, 1, 1)], [], ranges)
    output = capsys.readouterr().out
    assert note in output and "81 x 4: defaults *" in output and "80 x 4: defaults *" not in output


def test_bits_of_a_tree():
    # Four inputs of eight bits: two sums of nine, one of ten; a fifth goes past two levels.
    assert [tree_bits(inputs, 8) for inputs in (1, 2, 4, 5)] == [0, 9, 28, 18 + 10 + 11]


def test_front_is_what_no_other_macro_beats():
    rng = random.Random(2)
    candidates = [Candidate(MacroConfig(rows=1 + number, columns=1), rng.randrange(30), rng.randrange(30))
                  for number in range(200)]
    best = front(candidates, ["cycles", "area"])

    def beats(one, other):
        return (one.cycles <= other.cycles and one.area <= other.area
                and (one.cycles, one.area) != (other.cycles, other.area))

    assert {(each.cycles, each.area) for each in best} == {
        (each.cycles, each.area) for each in candidates if not any(beats(other, each) for other in candidates)}
    assert [each.cycles for each in best] == sorted({each.cycles for each in best})
    (least,) = front(candidates, ["area"])
    assert least.area == min(each.area for each in candidates)


def test_search_finds_what_trying_everything_does(model, monkeypatch):
    small = {"rows": (8, 40), "columns": (8, 24), "banks": (1, 2), "column": ("bitcell",), "fuse": (1,),
             "table_writers": (1,), "result_interval": (1,)}
    for name, values in small.items():
        monkeypatch.setitem(CHOICES, name, values)
    given, arguments = (str(model), CHOICES, ECP5.fits(), ["cycles", "area"]), {"trials": 60, "seed": 3, "jobs": 1}
    found = search(*given, **arguments)
    assert len(found) == len({each.config for each in found}) == 8
    best = front(found, ["cycles", "area"])
    assert best[0].config.rows == 40 and best[0].config.columns == 24
    assert (best[-1].config.rows, best[-1].config.columns, best[-1].config.banks) == (8, 8, 1)
    limited = search(*given, max_area=best[0].area - 1, **arguments)
    assert {each.config for each in limited} == {each.config for each in found if each.area < best[0].area}


def test_names_of_macros_say_what_is_not_the_default():
    choice = {"rows": 16, "columns": 8, "banks": 2, "column": "bitcell", "fuse": 2, "table_writers": 2,
              "result_interval": 1}
    assert describe(macro(choice)) == "16 x 8: weight_bits 4, banks 2, fuse 2"
    assert describe(MacroConfig(rows=16, columns=8)) == "16 x 8: defaults"


def test_command(cli, model, tmp_path):
    out = tmp_path / "out"
    status, output, errors = cli("explore", model, "--trials", 40, "--max-area", 6000, "--out", out)
    assert status == 0, errors
    report = json.loads((out / "explore.json").read_text(encoding="utf-8"))
    best = report["front"]
    assert 0 < len(best) <= report["tried"] <= 40 and all(each["area"] <= 6000 for each in best)
    areas = [each["area"] for each in report["checked"]]
    assert [abs(each["predicted"] / each["measured"] - 1 - each["error"]) < 1e-9 for each in areas] == [
        True] * min(2, len(best))
    assert all(abs(each["error"]) < 0.3 for each in areas)
    assert "products with the column bitcell" in output and set(report["products_of_points"]) == {*KINDS}
    assert all(isinstance(each["extrapolated"], bool) for each in best)
    assert "error on those that a fit has not seen" in output and (out / "explore.png").stat().st_size > 10_000
    first, *_ = sorted((out / "configurations").iterdir())
    assert MacroConfig.load(first) == MacroConfig.from_dict(best[0]["configuration"])
    assert cli("generate", "--config", first, "--out", tmp_path / "macro.v")[0] == 0


def test_points_are_those_of_their_command(cli, tmp_path, monkeypatch):
    """It measures these macros, in this order, and says how well they are predicted."""
    kept, out = json.loads(ECP5.points.read_text(encoding="utf-8")), tmp_path / "costs.json"
    points = {MacroConfig.from_dict(each["configuration"]): each for each in kept["points"]}
    monkeypatch.setattr("bitline.scripts.commands.bench.costs.run_jobs",
                        lambda what, function, jobs, workers: [points[config] for config, _ in jobs])
    status, output, errors = cli(*kept["command"].split()[1:], "--out", out)
    assert status == 0 and "LUT sites, table" in output, errors
    again = json.loads(out.read_text(encoding="utf-8"))
    assert (again["command"], again["points"]) == (kept["command"], kept["points"])


@pytest.mark.parametrize("options, match", [
    (("--objective", "speed"), "--objective must be some of cycles, area, energy, time with commas between, not sp"),
    (("--objective", "cycles,energy"), "--objective energy must come with --target liberty, not ecp5"),
    (("--objective", "time,area"), "--objective time must come with --target liberty, not ecp5"),
    (("--objective", "area,area"), "--objective must be some of"),
    (("--max-area", 10, "--trials", 5), "--max-area must leave a macro that can run .*, and 10 does not"),
    (("--trials", 0), "0 is not in the range"),
    (("--costs", __file__), "--costs must come with --export"),
    (("--export", "zigzag", "--costs", __file__), "--costs must be report.json of bitline asic"),
])
def test_wrong_options_are_refused(refused, model, tmp_path, options, match):
    refused("explore", model, *options, "--out", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()


def test_a_network_that_is_not_there_is_refused(refused, tmp_path):
    refused("explore", tmp_path / "none.tflite", match="none.tflite")


# Standard cells.


def test_kept_points_in_cells_are_of_different_macros_and_predict_each_other():
    points = read_points(LIBERTY.points)
    configurations = {MacroConfig.from_dict(each["configuration"]) for each in points}
    assert len(configurations) == len(points) >= 20
    assert {each.tree for each in configurations} == set(LIBERTY.choices["tree"])
    unseen = {name: np.abs(values).mean() for name, values in LIBERTY.errors(points).items()}
    assert unseen["area"] < 0.1 and unseen["energy"] < 0.15 and unseen["time"] < 0.03, unseen


def test_levels_of_full_adders_leave_two_bits():
    # 40, 27, 18, 12, 8, 6, 4, 3, 2.
    assert [adder_levels(bits) for bits in (1, 2, 3, 4, 8, 40)] == [0, 0, 1, 2, 4, 8]


def test_a_compressor_is_faster_and_a_carry_save_tree_smaller():
    fits, macros = LIBERTY.fits(), [MacroConfig(rows=32, columns=8, tree=tree) for tree in ("carry_save", "compressor")]
    (small, large), (slow, fast) = ([fits[name].predict(config) for config in macros] for name in ("area", "time"))
    assert small < large and 1.1 * fast < slow


def test_energy_and_time_of_an_inference_are_those_of_its_cycles(model):
    fits = LIBERTY.fits()
    found = search(str(model), LIBERTY.choices, fits, ["time", "area", "energy"], trials=30, seed=1, jobs=1)
    assert {each.config.tree for each in found} == set(LIBERTY.choices["tree"])
    for each in found:
        assert each.energy == pytest.approx(each.cycles * fits["energy"].predict(each.config))
        assert each.time == pytest.approx(each.cycles * fits["time"].predict(each.config))
    for name in ("energy", "time"):
        assert [getattr(each, name) for each in front(found, [name])] == [min(getattr(each, name) for each in found)]


def test_command_in_cells(cli, model, tmp_path, monkeypatch):
    """What it says of the front's ends; they are measured with half of what is predicted."""

    def measured(job):
        config, _ = job
        fits = LIBERTY.fits()
        return {"configuration": config.to_dict(), **{
            metric: fits[name].predict(config) / 2 for name, metric in LIBERTY.metrics.items()}}

    monkeypatch.setitem(TARGETS, "liberty", dataclasses.replace(LIBERTY, measure=measured, require=lambda: None))
    out = tmp_path / "out"
    status, output, errors = cli("explore", model, "--target", "liberty", "--trials", 20, "--objective",
                                 "cycles,area,energy,time", "--out", out)
    assert status == 0, errors
    report = json.loads((out / "explore.json").read_text(encoding="utf-8"))
    assert report["target"] == "liberty" and set(report["error_on_unseen_points"]) == {*LIBERTY.metrics}
    assert all(each[name]["error"] == pytest.approx(1) for each in report["checked"] for name in LIBERTY.metrics)
    # The table's head has as many lines as there is room for.
    assert "osu018" in output.partition("synthesized")[0] and "um2 of cells, prediction +100.0 %" in output


@pytest.mark.slow
@pytest.mark.needs("qflow-tech-osu018")
def test_a_kept_point_in_cells_is_still_what_is_measured(tmp_path):
    point = min(read_points(LIBERTY.points), key=lambda each: each["area_um2"])
    again = LIBERTY.measure((MacroConfig.from_dict(point["configuration"]), tmp_path))
    assert again == point | {name: pytest.approx(point[name], rel=0.03) for name in LIBERTY.metrics.values()}


def test_without_cells_it_is_told_how_to_install_them(refused, model, tmp_path, monkeypatch):
    monkeypatch.setattr("bitline.scripts.explore.measure_cells.default_files", lambda: None)
    refused("explore", model, "--target", "liberty", "--trials", 10, "--out", tmp_path / "out",
            match="qflow-tech-osu018 not found: apt-get install qflow-tech-osu018")
    assert not (tmp_path / "out").exists()


# ZigZag.


MACROS = {"one_bank": MacroConfig(rows=8, columns=8), "fused": MacroConfig(rows=8, columns=8, banks=2, fuse=2,
                                                                           weight_bits=4)}
# Runs ZigZag on the files of a folder, without the stages that save and draw; prints its cycles for each layer.
ZIGZAG = """
import sys
from zigzag.mapping.temporal_mapping import TemporalMappingType
from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
from zigzag.stages.main import MainStage
from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
from zigzag.stages.parser.accelerator_parser import AcceleratorParserStage
from zigzag.stages.parser.workload_parser import WorkloadParserStage
from zigzag.stages.results.reduce_stages import MinimalLatencyStage, SumStage
from zigzag.stages.workload_iterator import WorkloadStage

stages = [WorkloadParserStage, AcceleratorParserStage, SumStage, WorkloadStage, MinimalLatencyStage,
          SpatialMappingGeneratorStage, MinimalLatencyStage, TemporalMappingGeneratorStage, CostModelStage]
files = {name: f"{sys.argv[1]}/{file}.yaml" for name, file in (
    ("accelerator", "hardware"), ("workload", sys.argv[2]), ("mapping", "mapping"))}
(_, layers), = MainStage(stages, **files, loma_lpf_limit=6, loma_show_progress_bar=False, nb_mappings_generated=3,
                         enable_mix_spatial_mapping_generation=True, access_same_data_considered_as_no_access=True,
                         temporal_mapping_type=TemporalMappingType("uneven")).run()
for result, _ in layers:
    print("bitline", result.latency_total2)
"""


@pytest.mark.parametrize("name", MACROS)
def test_an_export_says_what_a_macro_and_a_network_are(model, tmp_path, name):
    config, network = MACROS[name], load_network(model)
    export(tmp_path, ECP5, [Candidate(config, 1, 6400.0)], None, network)
    (folder,) = tmp_path.glob("00_*")
    found = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.iterdir()}
    array, memories = found["hardware"]["operational_array"], found["hardware"]["memories"]
    columns = 8 // config.fuse
    assert array["sizes"] == [columns, 8] and array["input_precision"] == [8, 8]
    assert (array["unit_energy"], array["unit_area"]) == (0.0, 6400 / (columns * 8))
    outside = {port["allocation"][0]: port["bandwidth_max"] for port in memories["outside"]["ports"]}
    # Eight clock cycles are a cycle there: a row of weights in each, one vector and its results in all.
    assert (outside["I2, tl"], outside["I1, tl"]) == (8 * columns * 8, 8 * 8)
    assert memories["weights"]["size"] == 8 * config.banks
    (layer,), (packed,) = found["workload"], found["workload_packed"]
    # Five rows of tiles, and one or two of columns.
    tiles = -(-24 // columns)
    assert dict(zip(packed["loop_dims"], packed["loop_sizes"])) == {
        "B": 1, "G": tiles, "K": 24 // tiles, "C": 40, "OY": 1, "OX": 1, "FY": 1, "FX": 1}
    assert dict(zip(layer["loop_dims"], layer["loop_sizes"])) == {
        "B": 1, "G": 1, "K": 24, "C": 40, "OY": 1, "OX": 1, "FY": 1, "FX": 1}


def test_measured_costs_are_of_a_product(model, tmp_path):
    config = MacroConfig(rows=8, columns=4)
    path = tmp_path / "report.json"
    report = {"configuration": config.to_dict(), "macro": {"pj_per_mac": 2.5, "area_um2": 3200.0}}
    path.write_text(json.dumps(report), encoding="utf-8")
    measured = read_costs(path)
    assert measured == (config, Costs(2.5, 100.0, f"bitline asic, measured of {config.name}"))
    network, other = load_network(model), dataclasses.replace(config, banks=2)
    said = export(tmp_path / "zigzag", LIBERTY, [Candidate(config, 1, 1), Candidate(other, 1, 1)], measured, network)
    assert said[1] == f"costs of 1 of 2 macros are those of another one: bitline asic, measured of {config.name}"
    origins = [file.read_text(encoding="utf-8").splitlines()[0]
               for file in sorted((tmp_path / "zigzag").glob("*/hardware.yaml"))]
    assert [line.endswith("which is another macro than this") for line in origins] == [False, True]
    assert len(export(tmp_path / "zigzag", LIBERTY, [Candidate(config, 1, 1)], measured, network)) == 1
    path.write_text(json.dumps(report | {"configuration": MacroConfig(rows=8, columns=4, input_bits=4).to_dict()}))
    with pytest.raises(BadInput, match="--costs must be of weights of 8 and inputs of 8 bits, not 8 and 4"):
        read_costs(path)


def test_predicted_costs_are_of_a_product():
    config = MacroConfig(rows=8, columns=4)
    # 96 pJ a cycle, eight of which are 32 multiply-accumulates.
    assert predicted_costs(LIBERTY, Candidate(config, 10, 640.0, 960.0)) == Costs(
        24.0, 20.0, "predicted um2 of cells of osu018, and pJ with random data")
    assert predicted_costs(ECP5, Candidate(config, 10, 640.0)) == Costs(
        0.0, 20.0, "predicted LUT sites of ECP5; no energy")


@pytest.mark.slow
def test_packed_layers_have_the_zeros_of_their_tiles_as_products(published):
    """The figure of docs/explore.md."""
    path, _ = published("keyword_spotting")
    config, network = MacroConfig(rows=64, columns=64, banks=2), load_network(path)
    packed, plain = (sum(math.prod(layer["loop_sizes"]) for layer in layers(config, network))
                     for layers in (packed_workload, workload))
    assert packed / plain == pytest.approx(1.70, abs=0.005)


@pytest.mark.parametrize("value", [{"a": 1e-5, "b": [1, "x: y"], "c": {}, "d": [], "e": {"f": [{"g": True}, [2, [3]]]}},
                                   [{"a": [[1], [2, 3]], "b": None}, "no"], 1.25])
def test_yaml_is_read_as_it_was_written(value):
    assert yaml.safe_load(text(value)) == value


def cycles_of_zigzag(folder, workload):
    """Clock cycles by layer that ZigZag finds for what was exported to a folder."""
    done = subprocess.run([sys.executable, "-c", ZIGZAG, folder, workload], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [8 * float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("bitline ")]


@pytest.mark.slow
@pytest.mark.needs("zigzag")
@pytest.mark.parametrize("name", MACROS)
def test_zigzag_takes_what_is_exported(model, tmp_path, name):
    config, network = MACROS[name], load_network(model)
    export(tmp_path, ECP5, [Candidate(config, 1, 6400.0)], None, network)
    (folder,) = tmp_path.glob("00_*")
    # Most of these cycles are loads, of which it counts bits and not rows, and latency, which it does not have.
    assert sum(cycles_of_zigzag(folder, "workload_packed")) == pytest.approx(
        plan(Mapping(config, network)).cycles, rel=0.3)


@pytest.mark.slow
@pytest.mark.needs("zigzag")
def test_zigzag_counts_as_many_cycles_for_a_network(published, tmp_path):
    """The figures of docs/explore.md."""
    path, _ = published("keyword_spotting")
    config, network = MacroConfig(rows=64, columns=64, banks=2), load_network(path)
    export(tmp_path, ECP5, [Candidate(config, 1, 27000.0)], None, network)
    (folder,) = tmp_path.glob("00_*")
    packed, plain = (cycles_of_zigzag(folder, name) for name in ("workload_packed", "workload"))
    planned = plan(Mapping(config, network))
    ends = [0, *(1 + max(tile.results[1] for tile in planned.tiles if tile.tile.layer == layer)
                 for layer in range(len(planned.layers)))]
    layers = [(one, two, int(after - before)) for one, two, before, after in zip(packed, plain, ends, ends[1:])]
    assert (sum(packed), planned.cycles) == (12464, 12832)
    assert layers[:3] == [(1016, 1016, 1052), (1840, 64016, 1928), (1016, 1016, 1012)] and layers[-1] == (24, 24, 20)
