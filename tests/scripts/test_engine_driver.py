"""The C driver of an engine, and its registers: compiled with strict warnings, and run against the RTL."""

import struct
import subprocess
import zlib
from enum import IntEnum

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.golden.engine.image import INPUT, Fault, read_image
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.csr.register_map import ErrorCode
from bitline.host.engine.compiler import compile_network
from bitline.scripts.commands.generate import generate_core
from bitline.scripts.integration.c_headers import ENGINE_DRIVER, driver_files
from bitline.verif.engine.small_engines import DEPTHWISE
from bitline.verif.sim.build import compile_program
from bitline.verif.sim.simulators import source
from drivers import compile_driver
from engine_networks import Builder, streaming_network


class Result(IntEnum):
    """`bitline_engine_result` of `bitline_engine.h`."""

    OK = 0
    NOT_FOUND = -1
    ARGUMENT = -2
    TIMEOUT = -3
    BUSY = -4
    DAMAGED = -5
    OTHER_ENGINE = -6
    TOO_LARGE = -7
    FAULT = -8
    CANCELED = -9
    NO_IMAGE = -10
    REFUSED = -11
    LOST = -12


# What each call of the driver returns, by the names that `engine_test.cpp` prints.
RETURNS = {
    **dict.fromkeys(("init", "load", "clear", "states", "input", "started", "ended", "memory", "output", "run", "start",
                     "load_faulty"), Result.OK),
    **dict.fromkeys(("cut", "cut_header", "long", "magic", "damaged", "endless", "empty"), Result.DAMAGED),
    **dict.fromkeys(("beyond_trace", "no_bytes", "no_read", "nothing"), Result.ARGUMENT),
    **dict.fromkeys(("unloaded", "still_unloaded"), Result.NO_IMAGE),
    **dict.fromkeys(("load_running", "input_running", "memory_running", "start_running"), Result.BUSY),
    "intruded": Result.LOST, "elsewhere": Result.NOT_FOUND, "large": Result.TOO_LARGE, "disturbed": Result.REFUSED,
    "foreign": Result.OTHER_ENGINE, "late": Result.TIMEOUT,
    "cancel": Result.CANCELED, "run_faulty": Result.FAULT,
}
# The interrupt, events, accesses that were refused until misuse began, and whether bytes are where they belong.
STATES = {"irq_before": 0, "irq": 1, "irq_polled": 1, "events": 1, "quiet": 0, "refused": 0, "part": 1,
          "disturbed_error": ErrorCode.UNMAPPED, "two_errors": 2, "first_error": ErrorCode.UNMAPPED, "done": 1,
          "not_done": 0, "apart": 1, "around": 1, "behind": 1, "no_error": 0, "error_irq": 1,
          "error_event": 2, "polled_wrong": 0, "polled_trace_wrong": 0}
# Accesses: 100 if it was refused, and its error code.
ACCESSES = {
    "unmapped": 100 + ErrorCode.UNMAPPED, **dict.fromkeys(("section", "count", "far"), 100 + ErrorCode.VALUE),
    **dict.fromkeys(("beyond", "after_last", "across", "write_busy", "start_busy", "read_busy", "trace_busy"),
                    100 + ErrorCode.BUSY), "last": 0,
}


def network():
    """One whose input is in memory column by column, with a depthwise layer, a sum and a fully connected one."""
    build = Builder(np.random.default_rng(1), (1, 12, 5, 1))
    first = build.conv(8, (5, 4), (2, 2))
    build.add(first, build.conv(8))
    build.depthwise()
    build.flat()
    build.dense(5)
    return build.network()


def with_crc(head):
    """A header with the CRC-32 behind it."""
    return head + struct.pack("<I", zlib.crc32(head))


# Wishbone is the fastest; test_engine_weights has the driver on AXI4-Lite.
@pytest.fixture(scope="module", params=["wishbone", *(pytest.param(bus, marks=pytest.mark.slow)
                                                      for bus in ("axi", "apb"))])
def program(request, tmp_path_factory):
    """The compiled `engine_test.cpp`, for each bus."""
    path, core = tmp_path_factory.mktemp("engine_driver"), EngineCoreConfig(engine=DEPTHWISE, bus=request.param)
    generate_core(core, path)
    sources = [path / name for name in (path / f"{core.name}.f").read_text(encoding="utf-8").split()]
    driver = compile_driver(driver_files(ENGINE_DRIVER), ENGINE_DRIVER, path / "driver")
    program = path / "build" / "engine_test"
    options = ("--prefix", "Vcore", "--x-assign", "unique", "--x-initial", "unique")
    compile_program(program, core.name, [*sources, source("engine_test.cpp"), driver], *options,
                    "-CFLAGS", f"-I.. -O0 -DBUS_{request.param.upper()}")
    return program


@pytest.fixture(scope="module", params=["layers", "stream"])
def driven(request, program, tmp_path_factory):
    """The golden engine, inputs, lines that the program printed by name, and the memory after each run."""
    path = tmp_path_factory.mktemp("engine_run")
    made = network() if request.param == "layers" else streaming_network(np.random.default_rng(38))
    data = compile_network(DEPTHWISE, made).image
    engine, size = Engine(DEPTHWISE, data), len(with_crc(data[:96]))
    faulty = read_image(DEPTHWISE, data)
    faulty.program[1] = faulty.program[1]._replace(target_limit=1)
    large = read_image(DEPTHWISE, data)
    large.loads *= DEPTHWISE.load_entries
    endless, empty = read_image(DEPTHWISE, data), read_image(DEPTHWISE, data)
    endless.program.pop()
    empty.program.clear()
    images = [data, data[:size] + bytes([data[size] ^ 1]) + data[size + 1:],
              with_crc(data[:8] + bytes([data[8] ^ 1]) + data[9:size - 4]) + data[size:],
              *(each.to_bytes(DEPTHWISE) for each in (large, faulty, endless, empty))]
    inputs = np.random.default_rng(2).integers(-128, 128, (2, engine.input_bytes)).astype(np.int8)
    names = [path / f"image{number}" for number in range(len(images))]
    for name, image in zip(names, images):
        name.write_bytes(image)
    (path / "inputs").write_bytes(inputs.tobytes())
    done = subprocess.run([program, *names, path / "inputs", path / "memories"], capture_output=True, text=True,
                          check=False)
    lines = [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]
    memories = np.frombuffer((path / "memories").read_bytes(), np.uint8).reshape(-1, DEPTHWISE.activation_bytes)
    return engine, inputs, lines, memories


def golden(engine, x):
    """The run of an input as the first of a stream."""
    engine.reset()
    return engine.run(x)


def test_the_input_has_bytes_apart():
    ports = read_image(DEPTHWISE, compile_network(DEPTHWISE, network()).image).ports
    assert any(port["step"] > 1 for port in ports if port["kind"] == INPUT)


def test_runs_are_the_golden_ones(driven):
    engine, inputs, lines, memories = driven
    printed = dict(lines)
    names = ("first", "second", "again", "next")
    for name, number, memory in zip(names, (0, 1, 0, 1), memories, strict=True):
        run = engine.run(inputs[number]) if name == "next" else golden(engine, inputs[number])
        assert (memory == run.steps[-1].memory).all()
        assert printed[f"outputs_{name}"] == " ".join(map(str, run.output))
        # After a fault the first row may wait for tables that no vector has waited for.
        cycles = run.cycles if name != "again" else int(printed["ran_again"].split()[1])
        assert printed[f"ran_{name}"] == f"{run.argmax} {cycles}"


def test_trace_is_the_golden_one(driven):
    engine, inputs, lines, _ = driven
    steps = golden(engine, inputs[0]).steps
    words = [[step.start, step.end, *(step.counts[name] for name in ("rows", "reads", "lanes"))] for step in steps]
    assert dict(lines)["trace"] == " ".join(str(word) for entry in words for word in entry)


def test_calls_return_what_the_header_says(driven):
    lines = set(driven[2])
    wanted = {**RETURNS, **STATES, **ACCESSES}
    assert {(name, text) for name, text in lines if name in wanted} == {
        (name, f"{int(value)}") for name, value in wanted.items()}


def test_sizes_and_fault(driven):
    printed = dict(driven[2])
    macro = DEPTHWISE.macro
    assert [int(size) for size in printed["sizes"].split()] == [
        macro.rows, macro.columns, DEPTHWISE.lanes, DEPTHWISE.activation_bytes, DEPTHWISE.tile_rows,
        DEPTHWISE.parameter_slots, DEPTHWISE.program_length, DEPTHWISE.load_entries]
    assert printed["fault"] == f"{Fault.TARGET:d} 1"
