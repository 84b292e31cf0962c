"""The C driver: compiled with strict warnings, and run against the RTL of a core."""

import subprocess
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pytest
from bitline.golden.core import CoreModel
from bitline.golden.requantize import ROUNDINGS
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.csr.register_map import CORE_ERRORS, ErrorCode
from bitline.scripts.commands.generate import generate_core
from bitline.scripts.integration.c_headers import BLOCK_DRIVER, DRIVER, ENGINE_DRIVER, driver_files
from bitline.scripts.integration.files import integration_files
from bitline.verif.fault_injection.storage import bench_module, stores
from bitline.verif.sim.build import compile_program
from bitline.verif.sim.simulators import source
from drivers import SHIM, compile_driver, compile_freestanding, write_driver
from some import some

CONFIG = CoreConfig(macro=MacroConfig(rows=12, columns=5, banks=2, max_accumulations=2), checksum=True)
# Elements of two bytes, and rows that fill their beats.
WIDE = CoreConfig(macro=MacroConfig(rows=12, columns=5, banks=2, max_accumulations=2, weight_bits=10, input_bits=9),
                  checksum=True, output="int16", weight_stream_bits=32)
DRIVERS = (DRIVER, ENGINE_DRIVER, BLOCK_DRIVER)
# Vectors that `driver_test.cpp` sends in one go, first of all.
BATCH = 4
# All inputs of the vectors of its jobs.
JOB_INPUT = 77
# The cell that it inverts in a march: bank, row, column.
UPSET_CELL = (1, 5, 3)


class Result(IntEnum):
    """`bitline_core_result` of `bitline_core.h`."""

    OK = 0
    NOT_FOUND = -1
    ARGUMENT = -2
    TIMEOUT = -3
    LOCKED = -4
    FAILED = -5
    WRONG = -6
    REFUSED = -7
    NO_DMA = -8
    UNFINISHED = -9


# What each call of the driver returns, by the names that `driver_test.cpp` prints.
RETURNS = {
    **dict.fromkeys(("init", "load", "parameters", "vector_settings", "parameters0", "vector_settings0", "stream_to",
                     "idle", "in_time", "march_c_minus", "march_ss", "known_answers", "zeroize", "zeroize_locked"),
                    Result.OK),
    **dict.fromkeys(("bank", "rows", "wrong", "no_test", "nowhere", *(f"settings{number}" for number in range(4))),
                    Result.ARGUMENT),
    "elsewhere": Result.NOT_FOUND, "timeout": Result.TIMEOUT, "struck": Result.FAILED, "short_job": Result.REFUSED,
    "locked": Result.LOCKED, "locked_test": Result.LOCKED,
}
# Errors that the core reports, its interrupt, and its events (a bit each).
STATES = {
    "error": ErrorCode.VECTOR_SHORT, "cleared": 0, "short_error": ErrorCode.VECTOR_SHORT,
    "error_in_march": ErrorCode.UNMAPPED, "irq": 1, "quiet": 0, "before": 0, "loaded": 1, "runs": 1, "events": 2,
    "loaded_events": 4, "refused": 0,
}


@dataclass(frozen=True)
class Run:
    """Data of a run: weights of banks 1 and 0, parameters and settings of both sets, vectors."""

    config: CoreConfig
    weights: np.ndarray
    streamed: np.ndarray
    parameters: list
    settings: list
    vectors: np.ndarray

    @classmethod
    def draw(cls, config):
        rng, macro = np.random.default_rng(1), config.macro

        def signed(bits, *shape):
            return rng.integers(-1 << bits - 1, 1 << bits - 1, shape)

        weights, streamed = (signed(macro.weight_bits, macro.rows, macro.columns) for _ in range(2))
        parameters = [(rng.integers(-5000, 5000, macro.columns), rng.integers(1 << 30, 1 << 31, macro.columns),
                       rng.integers(-12, -6, macro.columns)) for _ in range(2)]
        settings = [{"zero_point": 7, "low": -100, "high": 101, "rounding": "away"},
                    {"zero_point": -5, "low": -120, "high": 119, "rounding": "double"}]
        return cls(config, weights, streamed, parameters, settings, signed(macro.input_bits, BATCH + 4, macro.rows))

    @property
    def numbers(self):
        """The standard input of `driver_test.cpp`."""
        sets = [[*np.stack(arrays, axis=1).ravel(), settings["zero_point"], settings["low"], settings["high"],
                 ROUNDINGS.index(settings["rounding"])] for arrays, settings in zip(self.parameters, self.settings)]
        first, (second, third, fourth) = self.vectors[:BATCH + 1], self.vectors[BATCH + 1:]
        return [*self.weights.ravel(), *sets[1], BATCH, *first.ravel(), *sets[0], *second, *self.streamed.ravel(),
                *third, *fourth]

    def expected(self, x, bank=1, number=1, zeroized=False):
        """The result of a vector, by the golden model."""
        model = CoreModel(self.config)
        model.parameters, model.settings = dict(enumerate(self.parameters)), dict(enumerate(self.settings))
        for row, values in enumerate((self.streamed, self.weights)[bank]):
            model.macro.write(bank, row, 0 * values if zeroized else values)
        return model.vector(x, bits=self.config.macro.input_bits, signed=True, bank=bank, set=number)[0]


@pytest.fixture(scope="module", params=some([CONFIG, WIDE], 0), ids=lambda config: config.output)
def driven(request, tmp_path_factory):
    """Data of a run, results of its vectors in order, and what the program printed, by name."""
    config, path = request.param, tmp_path_factory.mktemp("driver")
    run, folder = Run.draw(config), path / "core"
    generate_core(config, folder)
    bench = path / "upsets.sv"
    verilog = (folder / f"{config.name}.v").read_text(encoding="utf-8")
    bench.write_text(bench_module(config, stores(config, verilog)), encoding="utf-8")
    sources = [folder / name for name in (folder / f"{config.name}.f").read_text(encoding="utf-8").split()]
    program = path / "build" / "driver_test"
    compile_program(program, "upsets", [*sources, bench, source("driver_test.cpp"),
                                        compile_driver(integration_files(config), DRIVER, path / "other")],
                    "--prefix", "Vcore", "-CFLAGS", f"-O0 -I{folder} -I{SHIM.parent}")
    done = subprocess.run([program], input=" ".join(map(str, run.numbers)), text=True, capture_output=True, check=False)
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    return run, [bytes(map(int, text.split())) for name, text in lines if name == "results"], dict(lines)


def test_driver_drives_the_rtl(driven):
    run, results, _ = driven
    first, (second, third, fourth) = run.vectors[:BATCH + 1], run.vectors[BATCH + 1:]
    assert results == [
        b"".join(run.expected(x) for x in first[:BATCH]), run.expected(first[BATCH]),
        run.expected(second, number=0), run.expected(third, bank=0, number=0),
        run.expected(fourth, bank=0, number=0, zeroized=True),
    ]


def test_driver_reads_the_sizes_of_the_core(driven):
    run, _, printed = driven
    macro = run.config.macro
    assert [int(size) for size in printed["sizes"].split()] == [
        macro.rows, macro.columns, macro.banks, macro.max_accumulations, macro.weight_bits, macro.input_bits,
        run.config.output_bits]


def test_driver_stores_weights_again_after_an_upset(driven):
    run, _, printed = driven
    right = " ".join(map(str, run.expected(np.full(run.config.macro.rows, JOB_INPUT))))
    # By the number of upsets: the result, the attempts, and how many of them were marked.
    assert printed["job0"] == f"{Result.OK:d} 1 0 {right}"
    assert printed["job1"] == f"{Result.OK:d} 2 1 {right}"
    assert printed["job9"].startswith(f"{Result.WRONG:d} 3 3 ") and "checksum" in printed["wrong_text"]


def test_driver_returns_what_its_header_says(driven):
    _, _, printed = driven
    assert {name: printed[name] for name in RETURNS} == {name: f"{value:d}" for name, value in RETURNS.items()}


def test_driver_reports_errors_events_and_faults(driven):
    _, _, printed = driven
    assert {name: printed[name] for name in STATES} == {name: f"{int(value)}" for name, value in STATES.items()}
    assert printed["text"] == CORE_ERRORS[ErrorCode.VECTOR_SHORT]
    assert tuple(map(int, printed["fault"].split())) == UPSET_CELL


def test_driver_is_the_same_in_every_core():
    ours, others = (integration_files(config) for config in (CONFIG, CoreConfig(macro=WIDE.macro, output="int32")))
    names = [name for name in ours if name.endswith((".c", ".h")) and CONFIG.name not in name]
    assert len(names) == 4 and [ours[name] for name in names] == [others[name] for name in names]


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("standard", ["c99", "gnu17"])
def test_driver_needs_no_library(name, standard, tmp_path):
    assert compile_freestanding(driver_files(name), name, tmp_path, "gcc", f"-std={standard}") == set()
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.[ch]"))
    included = {line for line in text.splitlines() if line.startswith("#include <")}
    assert included == {"#include <stddef.h>", "#include <stdint.h>"}


@pytest.mark.needs("clang")
@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("target", ["--target=riscv32 -march=rv32imc", "--target=armv7m-none-eabi -mcpu=cortex-m3"])
def test_driver_compiles_for_microcontrollers(name, target, tmp_path):
    # Nothing of a library either, such as a division of 64 bits.
    assert compile_freestanding(driver_files(name), name, tmp_path, "clang", "-std=c99", *target.split()) == set()


@pytest.mark.needs("clang")
@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("target", ["--target=riscv32 -march=rv32ic", "--target=armv6m-none-eabi -mcpu=cortex-m0"])
def test_driver_without_multiplication_needs_arithmetic(name, target, tmp_path):
    """What the headers say of such processors; products of 64 bits are an engine's."""
    needed = compile_freestanding(driver_files(name), name, tmp_path, "clang", "-std=c99", *target.split())
    assert needed <= {"__mulsi3", "__udivsi3", "__umodsi3", "__aeabi_uidiv", "__aeabi_uidivmod"} | (
        {"__muldi3", "__aeabi_lmul"} if name == ENGINE_DRIVER else set())


@pytest.mark.parametrize("name", DRIVERS)
def test_headers_are_read_by_cpp(name, tmp_path):
    write_driver(driver_files(name), tmp_path)
    (tmp_path / "all.cpp").write_text("".join(f'#include "{path.name}"\n' for path in tmp_path.glob("*.h")),
                                      encoding="utf-8")
    subprocess.run(["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "all.cpp"], cwd=tmp_path,
                   check=True)


# With a DMA: what each call returns, by the names that `dma_test.cpp` prints.
DMA = CoreConfig(macro=MacroConfig(rows=12, columns=5, banks=2), dma=32)
TRANSFERS = {
    **dict.fromkeys(("init", "stream_to", "weights", "parameters_to", "parameters", "vector_settings", "results",
                     "vectors", "written", "lost_begin", "lost_vector", "first", "stop"), Result.OK),
    **dict.fromkeys(("none", "part", "misaligned", "beyond", "wraps", "no_channel", "no_wait", "no_stop"),
                    Result.ARGUMENT),
    **dict.fromkeys(("elsewhere", "lost", "stopped"), Result.UNFINISHED),
    "second": Result.REFUSED, "address_bits": 32, "elsewhere_error": ErrorCode.DMA_WRONG, "elsewhere_left": 16,
    "lost_left": 0, "lost_error": ErrorCode.DMA_WRONG, "error": 0, "refused": 0,
    # Results have left, and two transfers have ended.
    "events": 2 + 32,
}


@pytest.mark.slow
def test_driver_transfers_by_the_dma(tmp_path):
    generate_core(DMA, tmp_path / "core")
    sources = (tmp_path / "core" / f"{DMA.name}.f").read_text(encoding="utf-8").split()
    program = tmp_path / "build" / "dma_test"
    compile_program(program, DMA.name, [*(tmp_path / "core" / name for name in sources), source("dma_test.cpp"),
                                        compile_driver(integration_files(DMA), DRIVER, tmp_path / "other")],
                    "--prefix", "Vcore", "-CFLAGS", f"-O0 -I{tmp_path / 'core'} -I{SHIM.parent}")
    rng, macro = np.random.default_rng(1), DMA.macro
    weights, vectors = (rng.integers(-128, 128, (count, size)) for count, size in ((macro.rows, macro.columns),
                                                                                  (40, macro.rows)))
    parameters = (rng.integers(-5000, 5000, macro.columns), rng.integers(1 << 30, 1 << 31, macro.columns),
                  rng.integers(-12, -6, macro.columns))
    settings = {"zero_point": 7, "low": -100, "high": 101, "rounding": "away"}
    model = CoreModel(DMA)
    model.parameters[0], model.settings[0] = parameters, settings
    for row, values in enumerate(weights):
        model.macro.write(1, row, values)
    numbers = [*weights.ravel(), *np.stack(parameters, axis=1).ravel(), 7, -100, 101, ROUNDINGS.index("away"),
               len(vectors), *vectors.ravel()]
    done = subprocess.run([program], input=" ".join(map(str, numbers)), text=True, capture_output=True, check=False)
    printed = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for number, x in enumerate(vectors):
        result, _ = model.vector(x, bits=8, signed=True, bank=1, set=0)
        assert printed.pop(f"result{number}") == " ".join(map(str, np.frombuffer(result, np.int8)))
    assert printed == {name: f"{int(value)}" for name, value in TRANSFERS.items()}
