"""The C driver of an engine that reads weights by AXI4, against the RTL, with a memory that is fast, slow, or fails."""

import subprocess

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import Fault
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.host.engine.compiler import compile_network
from bitline.scripts.commands.generate import generate_core
from bitline.scripts.integration.c_headers import ENGINE_DRIVER, driver_files
from bitline.verif.engine.small_engines import OUTSIDE
from bitline.verif.sim.build import compile_program
from bitline.verif.sim.simulators import source
from drivers import compile_driver
from engine_networks import Builder

# A row is as long as two beats.
CONFIG = OUTSIDE[4]
OK, ARGUMENT, DAMAGED, FAULT = 0, -2, -5, -8


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The compiled `engine_outside_test.cpp`."""
    path, core = tmp_path_factory.mktemp("engine_weights"), EngineCoreConfig(engine=CONFIG)
    generate_core(core, path)
    sources = [path / name for name in (path / f"{core.name}.f").read_text(encoding="utf-8").split()]
    driver = compile_driver(driver_files(ENGINE_DRIVER), ENGINE_DRIVER, path / "driver")
    program = path / "build" / "engine_outside_test"
    compile_program(program, core.name, [*sources, source("engine_outside_test.cpp"), driver], "--prefix", "Vcore",
                    "--x-assign", "unique", "--x-initial", "unique", "-CFLAGS", "-I.. -O0")
    return program


@pytest.mark.parametrize("latency, stalls, bursts, least, most", [
    (1, 0, 1000, 2, 3), (100, 300, 1000, 50, 2000), (100, 0, 4, 468, 470)])
def test_weights_come_from_memory(program, tmp_path, latency, stalls, bursts, least, most):
    build = Builder(np.random.default_rng(1), (1, 6, 5, 8))
    build.depthwise()
    build.conv(20, (2, 2))
    build.flat()
    build.dense(5)
    engine = Engine(CONFIG, compile_network(CONFIG, build.network()).image)
    x = np.random.default_rng(2).integers(-128, 128, engine.input_bytes).astype(np.int8)
    golden = engine.run(x)
    image, given, memories = tmp_path / "image", tmp_path / "input", tmp_path / "memories"
    image.write_bytes(compile_network(CONFIG, build.network()).image)
    given.write_bytes(x.tobytes())
    done = subprocess.run([program, image, given, memories, str(latency), str(stalls), str(bursts)],
                          capture_output=True, text=True, check=True)
    lines = [(name, *map(int, numbers)) for name, *numbers in (line.split() for line in done.stdout.splitlines())]
    assert [line[:3] if len(line) > 3 else line for line in lines] == [
        ("init", OK), ("port", 4), ("apart", ARGUMENT), ("load", OK), ("in_place", OK, 0), ("damaged", DAMAGED),
        ("load", OK), ("copy", OK, 0), ("wrong", FAULT, Fault.WEIGHTS), ("after_wrong", OK, 0),
        ("silent", FAULT, Fault.WEIGHTS), ("after_silent", OK, 0)]
    found = np.fromfile(memories, np.uint8).reshape(4, -1)
    assert (found == golden.steps[-1].memory).all()
    # docs/engine.md has those of memories that do not stall; tags after errors make a cycle's difference.
    assert all(least <= line[3] - golden.cycles <= most for line in lines if len(line) > 3 and line[1] == OK)
