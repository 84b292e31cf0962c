"""Programs that C++ code plays in a cocotb test."""

import subprocess
import sys
from contextlib import nullcontext

import pytest
from bitline.hdl.config import MacroConfig
from bitline.hdl.macro.ports import ports
from bitline.verif.sim import stream_player
from bitline.verif.sim.build import Surround, build
from bitline.verif.sim.simulators import SimulatorError
from bitline.verif.sim.simulators import testbench as module_of
from places import ROOT
from some import some

CONFIG = MacroConfig(rows=4, columns=2, banks=2, max_accumulations=3, input_bits=3)
TABLES = MacroConfig(rows=5, columns=3, banks=2, column="table")
FUSED = MacroConfig(rows=3, columns=4, banks=3, fuse=2, weight_bits=5, input_bits=7, result_interval=4)
SIMULATORS = ["verilator", pytest.param("icarus", marks=pytest.mark.needs("iverilog"))]
# Of 3 bits, selected while the design runs: so that all take one build.
FAULTS = ("fault", 3)


def faulty(config):
    """A macro around which a port selects what goes wrong."""
    heads, pins, wires = ["input clk", "input rst", f"input [{FAULTS[1] - 1}:0] fault"], [".clk(clk)", ".rst(rst)"], []
    changed = {"i_ready": "fault == 4 ? 1'b0 : inner_i_ready", "o_y": "inner_o_y ^ (fault == 1) ^ {W{unknown}}",
               "o_sum_x": "inner_o_sum_x ^ (fault == 2)", "o_valid": "fault == 5 || inner_o_valid && !waits"}
    driven = {"i_valid": "i_valid && fault != 4", "o_ready": "o_ready && !waits"} | {
        name: f"inner_{name}" for name in changed}
    for port in ports(config):
        size = f"[{port.shape.width - 1}:0]"
        heads.append(f"{'input' if port.is_input else 'output'} {size} {port.name}")
        pins.append(f".{port.name}({driven.get(port.name, port.name)})")
        if port.name in changed:
            wires += [f"wire {size} inner_{port.name};",
                      f"assign {port.name} = {changed[port.name].replace('{W', f'{{{port.shape.width}')};"]
    text = f"""module faulty ({', '.join(heads)});
  reg toggles = 0;
  always @(posedge clk) toggles <= !toggles;
  wire waits = fault == 3 && toggles;
  wire unknown = fault == 6 ? 1'bx : 1'b0;
  {' '.join(wires)}
  {config.name} macro ({', '.join(pins)});
endmodule
"""
    visible = ("clk", "rst", "fault", *(port.name for port in ports(config)))
    return Surround("faulty", {"faulty.sv": text}, {}, visible)


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("config", some([CONFIG, TABLES, FUSED], 0), ids=lambda config: config.name)
def test_programs_are_as_the_model_predicts(config, simulator, tmp_path):
    build(config, simulator=simulator).run(module_of("tb_programs"), seed=1, folder=tmp_path,
                                           environment={"BITLINE_CONFIG": config.to_json()})


def test_builds_of_others_are_played_through_vpi(tmp_path, monkeypatch):
    import bitline.verif.sim.build as module

    sources = module._sources
    monkeypatch.setattr(module, "_sources", lambda *given: {
        name: text for name, text in sources(*given).items() if name != "port_address.cpp"})
    built = build(CONFIG)
    assert not (built.folder / "port_address.cpp").exists()
    built.run(module_of("tb_programs"), seed=1, folder=tmp_path, environment={"BITLINE_CONFIG": CONFIG.to_json()})


@pytest.mark.parametrize("fault, reason, simulator", [
    (0, None, "verilator"),
    (1, r"result of vector \d+, column 0, must be that of the golden model, -?\d+, and is -?\d+", "verilator"),
    (2, r"sum of inputs of vector \d+ must be", "verilator"),
    (3, r"cycle of a result of vector \d+ must be", "verilator"),
    (4, r"streams must move, and do not, after \d+ of \d+ writes, 0 of \d+ vectors, 0 of \d+ results", "verilator"),
    (5, "each vector must give one result, and there are more", "verilator"),
    pytest.param(6, "handshakes and results must be known, and are not", "icarus", marks=pytest.mark.needs("iverilog")),
])
def test_faults_are_named(fault, reason, simulator, tmp_path):
    built = build(CONFIG, simulator=simulator, surround=faulty(CONFIG))
    environment = {"BITLINE_CONFIG": CONFIG.to_json(), "PROGRAM_FAULT": str(fault)}
    expected = pytest.raises(SimulatorError, match=reason) if reason else nullcontext()
    with expected:
        built.run(module_of("tb_programs"), seed=1, folder=tmp_path, environment=environment)


def test_example_of_the_documents(tmp_path):
    section = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8").partition("### A test of your own")[2]
    test, script = (block.partition("```")[0] for block in section.split("```python\n")[1:3])
    (tmp_path / "test_product.py").write_text(test, encoding="utf-8")
    # Compiled by another test too.
    script = script.replace("build(CONFIG)", f"build(CONFIG, folder={str(ROOT / 'build' / 'sim')!r})")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_code_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = stream_player.compiled()
    monkeypatch.setenv("PATH", "")
    assert stream_player.compiled() == path and list((tmp_path / "bitline").iterdir()) == [path]
    path.unlink()
    with pytest.raises(SimulatorError, match=r"g\+\+ not found: apt-get install g\+\+"):
        stream_player.compiled()
    assert not list((tmp_path / "bitline").iterdir())
