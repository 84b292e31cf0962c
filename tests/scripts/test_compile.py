"""``bitline compile``."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.hdl.config.engine import EngineConfig, default_engine
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.emit import emit
from bitline.hdl.fabric.design import Design
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE, TINY
from bitline.verif.engine.verilog_runs import VerilogRun
from engine_images import small
from engine_networks import SMALL, mobile_network
from network_files import file_of
from places import ROOT


@pytest.fixture
def model(published):
    return published("keyword_spotting")[0]


def test_image_that_runs(cli, model, tmp_path):
    out, config = tmp_path / "model.bln", tmp_path / "engine.json"
    status, printed, error = cli("compile", model, "--out", out, "--write-config", config)
    assert (status, error) == (0, "")
    engine = Engine(EngineConfig.load(config), out.read_bytes())
    assert EngineConfig.load(config) == default_engine()
    size, identity = out.stat().st_size, default_engine().hash
    assert printed.startswith(f"{out}: {size:,} bytes for engine {identity}, 12 descriptors,")
    assert printed.endswith(f" {engine.image.cycles:,} cycles if no plane is skipped\n")
    assert engine.run(bytes(490)).cycles <= engine.image.cycles


def test_image_on_inputs(cli, refused, model, tmp_path):
    out, trace = tmp_path / "model.bln", tmp_path / "trace.json"
    files = sorted((model.parent / "inputs").iterdir())[:2]
    cli("compile", model, "--out", out)
    status, printed, _ = cli("classify", out, "--inputs", files[0], "--inputs", files[1], "--trace", trace)
    lines = printed.splitlines()
    assert status == 0 and lines[0].startswith(f"{files[0]}: class 0, 5,587 cycles, outputs 86 36 -85 ")
    steps = json.loads(trace.read_text())
    assert [each["input"] for each in steps] == [str(file) for file in files]
    assert steps[0]["steps"][0]["start"] == 31 and len(steps[0]["steps"]) == 8
    array = tmp_path / "input.npy"
    np.save(array, np.fromfile(files[0], np.int8).reshape(49, 10))
    assert cli("classify", out, "--inputs", array)[1].strip().split(":")[1] == lines[0].split(":")[1]
    np.save(array, np.zeros(490))
    refused("classify", out, "--inputs", array, match=f"inputs must be int8, and {array} is float64")
    for data in (b"no array", b"PK\3\4 no archive", b"", b"\x93NUMPY\1\0\x10\0{'descr': '|i1', ", bytes(range(256))):
        array.write_bytes(data)
        refused("classify", out, "--inputs", array, match=f"{array} must be a .npy file of numbers, and is not: ")
    with array.open("wb") as file:
        np.savez(file, a=np.zeros(490, np.int8))
    refused("classify", out, "--inputs", array, match=f"inputs must be one array each, and {array} is an archive of a$")
    other = tmp_path / "input.bin"
    other.write_bytes(bytes(489))
    refused("classify", out, "--inputs", other, match="input must have 490 bytes, not 489")
    size = out.stat().st_size
    out.write_bytes(out.read_bytes()[:-1])
    refused("classify", out, "--inputs", files[0],
            match=f"image must have the {size} bytes that it says, not {size - 1}")


def test_verilog_of_an_engine(cli, refused, tmp_path):
    path, out = tmp_path / "engine.json", tmp_path / "out"
    path.write_text(DEPTHWISE.to_json())
    status, printed, error = cli("generate", "--engine", path, "--out", out)
    names = [f"{DEPTHWISE.name}{end}" for end in (".v", "_memory.v", ".json")]
    assert (status, error, printed.split()) == (0, "", [str(out / name) for name in names])
    assert "".join((out / name).read_text() + "\n" for name in names[:2]) == emit(DEPTHWISE) + "\n"
    refused("generate", "--engine", path, "--rows", 8, "--columns", 8, "--out", out,
            match="--engine must come without options of a macro, and does not")
    path.write_text(replace(DEPTHWISE, arrays=2).to_json())
    for bus in ([], ["--bus", "axi"]):
        refused("generate", "--engine", path, *bus, "--out", out, match="arrays must be 1 in gateware, not 2")


def test_engine_on_a_bus(cli, refused, tmp_path):
    path, tiny, out = tmp_path / "engine.json", tmp_path / "tiny.json", tmp_path / "out"
    path.write_text(DEPTHWISE.to_json())
    tiny.write_text(TINY.to_json())
    status, printed, error = cli("generate", "--engine", path, "--bus", "wishbone", "--out", out)
    core = EngineCoreConfig(engine=DEPTHWISE, bus="wishbone")
    names = [*(f"{core.name}{end}" for end in (
        ".core", ".f", ".json", ".rdl", ".sdc", ".v", ".xml", "_cocotb.py", "_hw.tcl", "_instance.v", "_memory.v",
        "_registers.h", "_registers.py", "_steps.hex", "_tb.v", "_vivado.tcl")),
             *(f"bitline_engine{end}" for end in (".c", ".h", "_codes.h", "_registers.h")),
             "Makefile", "find_verilator.sh", "fusesoc_bitline.core", "fusesoc_bitline.py", "registers"]
    assert (status, error, sorted(printed.split())) == (0, "", sorted(str(out / name) for name in names))
    described = json.loads((out / f"{core.name}.json").read_text(encoding="utf-8"))
    assert EngineCoreConfig.from_dict(described["configuration"]) == core
    assert described["engine_hash"] == DEPTHWISE.hash and described["hash"] == core.hash
    top = Design((out / f"{core.name}.v").read_text(encoding="utf-8")).modules[core.name]
    assert {port["name"]: port["width"] for port in described["ports"]} == {
        name: top.width(name) for name in top.ports}
    other = "--bus", "axi", "--reset", "asynchronous", "--out", tmp_path / "other"
    assert cli("generate", "--engine", tiny, *other)[0] == 0
    refused("generate", "--engine", path, "--reset", "asynchronous", "--out", out,
            match="--reset of an engine must come with --bus, and does not")
    refused("generate", "--engine", path, "--core", "--bus", "axi", "--out", out,
            match="--engine must come without --core, and does not")
    refused("generate", "--engine", path, "--bus", "axi", "--checksum", "--out", out,
            match="--engine must come without --checksum, and does not")


def test_image_on_verilog(cli, refused, tmp_path, monkeypatch):
    paths = image, config, x, other = [tmp_path / name for name in ("a.bln", "engine.json", "x", "other")]
    for path, data in zip(paths, (small().image, SMALL.to_json().encode(), bytes(range(256)), bytes(256))):
        path.write_bytes(data)
    arguments = ["classify", image, "--config", config, "--inputs", x, "--inputs", other, "--build",
                 ROOT / "build" / "sim"]
    assert cli(*arguments, "--backend", "rtl") == cli(*arguments)
    monkeypatch.setattr(VerilogRun, "difference", lambda run, golden: "argmax must be 1, not 2")
    refused(*arguments, "--backend", "rtl", match="run 0 on the Verilog: argmax must be 1, not 2")


def test_a_network_of_a_file_whose_weights_are_outside(cli, refused, tmp_path):
    """From the file to Verilog, and as on an engine that has all weights."""
    names = "mobile.tflite", "mobile.bln", "engine.json", "input.bin"
    model, image, config, x = paths = [tmp_path / name for name in names]
    network = mobile_network(np.random.default_rng(1), image=10, blocks=((1, 1), (2, 2)))
    for path, data in zip(paths, (file_of(network), b"", OUTSIDE[4].to_json().encode(), bytes(range(150)) * 2)):
        path.write_bytes(data)
    assert cli("compile", model, "--config", config, "--out", image)[0] == 0
    arguments = ["classify", image, "--config", config, "--inputs", x, "--build", ROOT / "build" / "sim"]
    status, printed, error = cli(*arguments, "--backend", "rtl")
    assert (status, printed, error) == cli(*arguments) and status == 0
    config.write_text(replace(OUTSIDE[4], weight_port=0, tile_rows=512).to_json())
    assert cli("compile", model, "--config", config, "--out", image)[0] == 0
    assert cli(*arguments)[1].partition("outputs")[2] == printed.partition("outputs")[2]


def test_trace_of_a_stream_has_every_step(cli, model, tmp_path):
    out, trace = tmp_path / "model.bln", tmp_path / "trace.json"
    file = sorted((model.parent / "inputs").iterdir())[0]
    cli("compile", model, "--out", out)
    assert cli("classify", out, "--stateful", "--inputs", file, "--inputs", file, "--trace", trace)[0] == 0
    assert [each["input"] for each in json.loads(trace.read_text())] == [str(file)] * 2


def test_inputs_that_run_together_have_a_class_each(cli, published, tmp_path):
    model, inputs = published("anomaly_detection")
    out, file = tmp_path / "model.bln", tmp_path / "input.bin"
    assert cli("compile", model, "--batch", 3, "--out", out)[0] == 0
    file.write_bytes(inputs[:3].tobytes())
    status, printed, _ = cli("classify", out, "--inputs", file)
    outputs = np.array(printed.split("outputs ")[1].split(), int).reshape(3, 640)
    classes = " ".join(map(str, outputs.argmax(axis=1)))
    assert status == 0 and printed.startswith(f"{file}: classes {classes}, ")


def test_program_and_estimate(cli, model):
    status, printed, _ = cli("compile", model, "--list", "--estimate")
    lines = printed.splitlines()
    assert status == 0 and lines[0].startswith("  0 CONV operator 0 (CONV_2D): ")
    assert lines[11].startswith(" 11 END: ")
    assert "Cycles if no plane is skipped; bytes" in printed
    assert lines[-1].startswith("5,605 cycles with starts and END")


def test_engine_of_a_file(cli, refused, model, tmp_path):
    path = tmp_path / "engine.json"
    parameters = default_engine().to_dict()
    path.write_text(json.dumps({**parameters, "tile_rows": 100}))
    refused("compile", model, "--config", path, "--out", tmp_path / "model.bln",
            match=r"operator 2 \(CONV_2D\) must find room in the engine, whose tile_rows must be at least 424 for this "
                  "network, not 100")
    path.write_text(json.dumps({**parameters, "activation_bytes": 8192}))
    refused("compile", model, "--config", path, "--list", match="must find room for .* in 8192 bytes of")
    path.write_text(json.dumps({**parameters, "lanes": 3}))
    refused("compile", model, "--config", path, "--list", match="lanes must be one of 4, 8, 16, 32, not 3")
    path.write_text("{")
    refused("compile", model, "--config", path, "--list", match="a configuration must be JSON")
    assert not (tmp_path / "model.bln").exists()


def test_engine_that_fits(cli, model, tmp_path):
    out, config = tmp_path / "model.bln", tmp_path / "engine.json"
    assert cli("compile", model, "--fit", "--out", out, "--write-config", config)[0] == 0
    engine = EngineConfig.load(config)
    assert engine.tile_rows == 448 and Engine(engine, out.read_bytes()).config == engine


def test_engine_that_grows(cli, model, tmp_path):
    config = tmp_path / "engine.json"
    config.write_text(json.dumps({**default_engine().to_dict(), "activation_bytes": 8192, "tile_rows": 16}))
    assert cli("compile", model, "--fit", "--config", config, "--write-config", config)[0] == 0
    assert EngineConfig.load(config).tile_rows == 448 and EngineConfig.load(config).activation_bytes > 8192


def test_bad_input(refused, model, tmp_path):
    refused("compile", model, match="one of --out, --list, --estimate and --write-config must be given")
    refused("compile", model, "--batch", 2, "--list",
            match=r"operator 0 \(CONV_2D\) must be FULLY_CONNECTED for inputs that run together")
    refused("compile", model, "--out", tmp_path, match=f"{tmp_path} must be a file, and is a folder")
    other = tmp_path / "model.tflite"
    other.write_bytes(b"no network")
    refused("compile", other, "--list", match="model.tflite")


def test_onnx_files_are_refused(refused, tmp_path):
    pytest.importorskip("onnx", reason="no onnx here")
    from onnx_files import image_network

    path = tmp_path / "model.onnx"
    path.write_bytes(image_network().SerializeToString())
    refused("compile", path, "--list", match="network must be of a .tflite file on an engine, not of an .onnx file, ")
