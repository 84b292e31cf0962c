"""Programs in C on SoCs of LiteX, with two cores, or with an engine: compiled, and run on the SoC's Verilog."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bitline.golden.core import CoreModel
from bitline.golden.engine.executor import Engine
from bitline.golden.requantize import ROUNDINGS
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.host.engine.compiler import compile_network
from bitline.scripts.commands.generate import generate_core
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE
from bitline.verif.sim.build import compile_program
from bitline.verif.sim.simulators import source
from engine_networks import Builder

pytestmark = [pytest.mark.slow, *(pytest.mark.needs(name) for name in ("clang", "ld.lld", "pythondata_cpu_vexriscv"))]

MACRO = MacroConfig(rows=12, columns=5)
# The SoC's bus has 32 bits; LiteX converts beats of 64.
CORES = {"own_dma": CoreConfig(macro=MACRO, dma=32), "streams": CoreConfig(macro=MACRO, weight_stream_bits=32)}
# What the program prints but results.
PRINTED = {**dict.fromkeys(("init", "stream_to", "weights", "parameters", "run", "error"), "0"), "interrupts": "1"}


def build_soc(folder, program, cores):
    """Build a SoC in a folder, with the program `soc_test` that simulates it."""
    for name, config in cores.items():
        generate_core(config, folder / name)
    # In a process of its own, as LiteX warns of much and prints more.
    done = subprocess.run([sys.executable, "-m", "bitline.verif.soc.soc", program, *cores], cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sources = [Path(line) for line in (folder / "soc.f").read_text(encoding="utf-8").splitlines()]
    compile_program(folder / "build" / "soc_test", "soc", [*sources, source("soc_test.cpp")], "--prefix", "Vsoc")


def example():
    """Weights, parameters, settings and vectors of the documents' worked example, in a larger core."""
    weights, vectors = np.zeros((MACRO.rows, MACRO.columns), int), np.zeros((1, MACRO.rows), int)
    weights[:2, :2], vectors[0, :2] = ((2, 1), (3, 0)), (4, 5)
    bias = np.array([1, -2, 0, 0, 0])
    parameters = bias, np.full(MACRO.columns, 1 << 30), np.full(MACRO.columns, -1)
    return weights, parameters, {"zero_point": 3, "low": -128, "high": 127, "rounding": "single"}, vectors


def drawn():
    """The same, drawn, with the extremes among the vectors."""
    rng = np.random.default_rng(1)
    weights, vectors = (rng.integers(-128, 128, (count, size)) for count, size in (
        (MACRO.rows, MACRO.columns), (20, MACRO.rows)))
    vectors[0], vectors[1], weights[:, 0] = -128, 127, -128
    parameters = (rng.integers(-5000, 5000, MACRO.columns), rng.integers(1 << 30, 1 << 31, MACRO.columns),
                  rng.integers(-12, -6, MACRO.columns))
    return weights, parameters, {"zero_point": 7, "low": -100, "high": 101, "rounding": "away"}, vectors


def run(folder, name, weights, parameters, settings, vectors):
    """What the program prints of a core: results of each vector, and all else by name."""
    words = [*np.stack(parameters, axis=1).ravel(), settings["zero_point"], settings["low"], settings["high"],
             ROUNDINGS.index(settings["rounding"])]
    sent = b"".join([bytes([list(CORES).index(name)]), weights.astype(np.int8).tobytes(),
                     np.array(words, "<i4").tobytes(), bytes([len(vectors)]), vectors.astype(np.int8).tobytes()])
    lines = printed_by(folder, sent)
    return ([[int(number) for number in rest.split()] for first, rest in lines if first == "result"],
            {first: rest for first, rest in lines if first != "result"})


def printed_by(folder, sent):
    """Names and numbers, as texts, that a program prints which gets some bytes."""
    done = subprocess.run([folder / "build" / "soc_test"], cwd=folder, input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return [line.split(" ", 1) for line in done.stdout.decode().splitlines()]


def expected(name, weights, parameters, settings, vectors):
    """Results by the golden model."""
    model = CoreModel(CORES[name])
    model.parameters[0], model.settings[0] = parameters, settings
    for row, values in enumerate(weights):
        model.macro.write(0, row, values)
    return [np.frombuffer(model.vector(x, bits=8, signed=True, bank=0, set=0)[0], np.int8).tolist() for x in vectors]


def test_program_runs_cores_in_a_soc(tmp_path):
    build_soc(tmp_path, "program.c", CORES)
    for name in CORES:
        assert run(tmp_path, name, *example()) == ([[9, 4, 3, 3, 3]], PRINTED)
        weights, *others = drawn()
        right = expected(name, weights, *others)
        assert run(tmp_path, name, weights, *others) == (right, PRINTED)
        # A wrong weight is noticed.
        weights[-1, -1] ^= 64
        wrong = run(tmp_path, name, weights, *others)
        assert wrong != (right, PRINTED) and wrong == (expected(name, weights, *others), PRINTED)


@pytest.mark.parametrize("config", [OUTSIDE[4], DEPTHWISE], ids=["weight port", "own weights"])
def test_program_runs_a_network_in_a_soc(config, tmp_path):
    build_soc(tmp_path, "engine_program.c", {"engine": EngineCoreConfig(engine=config)})
    build = Builder(np.random.default_rng(1), (1, 4, 3, 8))
    build.conv(8, (2, 2))
    build.flat()
    build.dense(5)
    image = compile_network(config, build.network()).image
    golden = Engine(config, image)
    x = np.random.default_rng(2).integers(-128, 128, golden.input_bytes).astype(np.int8)
    found = dict(printed_by(tmp_path, len(image).to_bytes(4, "little") + image + x.tobytes()))
    run = golden.run(x)
    assert len(set(run.output.tolist())) > 1
    assert found == {**dict.fromkeys(("init", "load", "input", "start", "wait", "read"), "0"), "interrupts": "1",
                     "class": f"{run.argmax}", "output": " ".join(map(str, run.output))}
