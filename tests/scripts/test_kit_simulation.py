"""A core's folder simulates by itself: its testbench in Verilog, its model of registers, its example of cocotb."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.csr.register_map import CORE_ERRORS, Access, register_map
from bitline.scripts.commands.generate import generate_core
from bitline.verif.csr.register_words import PATTERNS, after, legal, reset_word
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE, TINY
from bitline.verif.engine.small_engines import SMALL as SMALL_ENGINE
from bitline.verif.sim.simulators import tool_environment, verilator_root
from breaking import broken
from some import some

CONFIGS = [
    CoreConfig(macro=MacroConfig(rows=6, columns=7, banks=3, max_accumulations=3, input_bits=5, weight_bits=5),
               bus="wishbone", output="int16", input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32),
    CoreConfig(macro=MacroConfig(rows=16, columns=16, banks=2)),
    CoreConfig(macro=MacroConfig(rows=5, columns=3, max_accumulations=2, input_bits=12, weight_bits=12), bus="apb",
               output="int32", input_stream_bits=128, weight_stream_bits=32, reset="asynchronous"),
    CoreConfig(macro=MacroConfig(rows=11, columns=5, banks=2, max_accumulations=2, column="table"), checksum=True),
    CoreConfig(macro=MacroConfig(rows=11, columns=5, banks=2, max_accumulations=2), dma=32),
    CoreConfig(macro=MacroConfig(rows=6, columns=12, input_bits=12), dma=64, bus="apb", output="int16",
               input_stream_bits=128, weight_stream_bits=128, output_stream_bits=128),
]
SMALL = CoreConfig(macro=MacroConfig(rows=3, columns=2, banks=2, max_accumulations=2))
SIMULATORS = ("verilator", pytest.param("icarus", marks=pytest.mark.needs("iverilog")))


@pytest.fixture
def bare(tmp_path):
    """An environment without Bitline: the system's programs, and Verilator."""
    root = verilator_root()
    folders = [root / "bin" if root else Path(shutil.which("verilator")).parent, "/usr/local/bin", "/usr/bin", "/bin"]
    cache = {name: os.environ[name] for name in ("OBJCACHE", "CCACHE_DIR") if name in os.environ}
    return {"PATH": os.pathsep.join(map(str, folders)), "HOME": str(tmp_path), **cache,
            **({"VERILATOR_ROOT": str(root)} if root else {})}


def make(folder, environment, *arguments):
    """What `make` says and how it ends."""
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True,
                          check=False)


# Cells of ECP5: carries and multiplexers, LUT-RAM, block RAM.
ON_ECP5 = [CoreConfig(macro=MacroConfig(rows=4, columns=2, banks=3, max_accumulations=2)), CONFIGS[3]]


BLOCK_CORES = [
    BlockCoreConfig(blocks=block_macro("MXINT8+MXFP4", columns=5, macro={"banks": 2}, input_beat_bits=64)),
    BlockCoreConfig(bus="apb", reset="asynchronous", blocks=block_macro(
        "NVFP4", columns=9, macro={"banks": 3}, input_beat_bits=128, result="bfloat16", max_blocks=3)),
    BlockCoreConfig(bus="wishbone", blocks=block_macro(
        "MXFP8_E4M3+MXFP6_E2M3", "MXFP4", columns=12, macro={"banks": 2, "column": "table"}, input_beat_bits=32)),
]
ENGINES = [EngineCoreConfig(engine=DEPTHWISE, bus="wishbone"), EngineCoreConfig(engine=TINY),
           *(EngineCoreConfig(engine=engine) for engine in OUTSIDE.values()),
           EngineCoreConfig(engine=SMALL_ENGINE, bus="apb", reset="asynchronous")]
ALL_KINDS = (CONFIGS[0], ENGINES[0], BLOCK_CORES[0], *CONFIGS[1:], *ENGINES[1:], *BLOCK_CORES[1:])


@pytest.mark.parametrize("config, fabric", some([
    *((config, "generic") for config in ALL_KINDS), *((config, "ecp5") for config in (*ON_ECP5, BLOCK_CORES[0]))],
    0, 1, 2), ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_folder_simulates_alone(simulator, config, fabric, tmp_path, bare):
    folder = tmp_path / "kit"
    generate_core(config, folder, fabric)
    done = make(folder, bare, "sim", f"SIMULATOR={simulator}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nPASS: " in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("config, block, old, new, what", [
    (CONFIGS[0], "accumulator", "shift_q ? ", "1'b0 ? ", "result beat"),
    (CONFIGS[0], "front", "assign err = %1 & bus__refused", "assign err = %1 & 1'b0", "step"),
    (ENGINES[0], "lane", "assign above_mux_Y_A = %1;", "assign above_mux_Y_A = 1'h1;", "step"),
    # A write of `read_address` is answered, and the next access is not held.
    (ENGINES[0], "registers", "assign hold_and_B_Y = %1;", "assign hold_and_B_Y = 1'h0;", "step"),
    # A result that is lost is not marked; a packet of weights with a wrong header is stored.
    (BLOCK_CORES[0], "core", "assign m_axis__payload = { block_macro__o_is_lost,", "assign m_axis__payload = { 1'b0,",
     "result beat"),
    (BLOCK_CORES[0], "weight_packets", "assign reader__wrong = %1;", "assign reader__wrong = 1'b0;", ""),
], ids=lambda value: getattr(value, "name", ""))
def test_testbench_notices_a_seeded_bug(config, block, old, new, what, tmp_path, bare):
    generate_core(config, tmp_path / "kit")
    (tmp_path / "kit" / f"{config.name}.v").write_text(broken(config, block, old, new), encoding="utf-8")
    done = make(tmp_path / "kit", bare, "sim", "SIMULATOR=verilator")
    assert done.returncode != 0 and f"FAIL: {what}" in done.stdout, done.stdout + done.stderr


def test_a_missing_simulator_is_said_in_one_line(tmp_path, bare):
    generate_core(SMALL, tmp_path / "kit")
    done = make(tmp_path / "kit", bare, "sim", "SIMULATOR=none")
    assert done.returncode != 0
    assert "Icarus Verilog (iverilog) or Verilator (verilator) must be on the path" in done.stderr


@pytest.mark.parametrize("config", some([*CONFIGS[:3], ENGINES[2], BLOCK_CORES[0]], 0),
                         ids=lambda config: config.name)
def test_example_of_cocotb_passes(config, tmp_path):
    generate_core(config, tmp_path)
    sources = (tmp_path / f"{config.name}.f").read_text(encoding="utf-8").split()
    (tmp_path / "run.py").write_text(f"""
from cocotb_tools.runner import get_runner
runner = get_runner("verilator")
runner.build(sources={sources}, hdl_toplevel="{config.name}", build_args=["-Wno-fatal"])
runner.test(hdl_toplevel="{config.name}", test_module="{config.name}_cocotb", results_xml="results.xml")
""", encoding="utf-8")
    with tool_environment():
        # Compiled in a third of the time.
        quick = {"MAKEFLAGS": f"{os.environ.get('MAKEFLAGS', '')} VM_PARALLEL_BUILDS=0 OPT_FAST=-O0 OPT_SLOW=-O0 "
                 "OPT_GLOBAL=-O0"}
        done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, env={**os.environ, **quick},
                              capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "PASS=1 FAIL=0" in done.stdout, done.stdout + done.stderr


@pytest.mark.needs("iverilog")
def test_makefile_runs_cocotb(tmp_path):
    generate_core(SMALL, tmp_path)
    with tool_environment():
        done = make(tmp_path, dict(os.environ), "cocotb", "SIM=icarus")
    assert done.returncode == 0 and "PASS=1 FAIL=0" in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="module", params=CONFIGS[:3], ids=lambda config: config.bus)
def registers(request, tmp_path_factory):
    """A core, and the model of its registers as a module."""
    config, folder = request.param, tmp_path_factory.mktemp("model")
    generate_core(config, folder)
    path = folder / f"{config.name}_registers.py"
    done = subprocess.run([sys.executable, "-I", "-S", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return config, module


def test_model_has_the_table(registers):
    config, module = registers
    assert {name: (register.offset, *(tuple(field) for field in register.fields))
            for name, register in module.REGISTERS.items()} == {
        register.name: (register.offset, *((field.name, field.low, field.bits, field.access.name.lower(), field.reset,
                                            field.minimum, field.max_value) for field in register.fields))
        for register in register_map(config)}
    assert dict(CORE_ERRORS) == module.ERRORS


def test_model_does_what_accesses_do(registers):
    config, module = registers
    model = module.Model()
    for register in register_map(config):
        word = reset_word(register)
        assert model.read(register.offset) == word
        for pattern in PATTERNS:
            expected = after(register, word, pattern)
            if legal(register, expected):
                model.write(register.offset, pattern)
                word = expected
            else:
                with pytest.raises(ValueError, match=f"^{register.name}.* must be from"):
                    model.write(register.offset, pattern)
            visible = sum(field.mask for field in register.fields
                          if field.access not in (Access.SINGLEPULSE, Access.WO))
            assert model.read(register.offset) == word & visible
    with pytest.raises(LookupError, match="there must be a register at 0xffc"):
        model.read(0xFFC)


def test_words_are_encoded_and_decoded(registers):
    _, module = registers
    vector = module.REGISTERS["vector"]
    assert vector.decode(vector.encode(bits=3, is_signed=1)) == {"bits": 3, "is_signed": 1, "bank": 0, "set": 0}
    with pytest.raises(ValueError, match=r"vector\.is_signed must fit in 1 bits, not be 2"):
        vector.encode(is_signed=2)
    with pytest.raises(ValueError, match="has no sign"):
        vector.encode(sign=1)
