"""The testbench of a core in plain Verilog: it loads banks and sets, computes drawn vectors, and runs self-tests."""

import numpy as np

from ...golden.bits import limits
from ...golden.core import CoreModel, parameters_bytes, rows_bytes, vector_bytes
from ...golden.march_tests import program_cycles
from ...golden.requantize import ROUNDINGS, SHIFTS
from ...hdl.csr.register_map import CORE_IDENTITY, ErrorCode, register_map
from .simulation import stream_testbench
from .steps import VECTOR, WEIGHTS, StreamSteps, beats

# What takes longer in an interpreting simulator is left out: self-tests and zeroize, and of banks all but one.
MAX_PROGRAM_CYCLES, MAX_LOADED_WEIGHTS = 40_000, 65_536
VECTORS = 40
# Without a step that ends or a beat of a result; tables take longer than bitcells.
TIMEOUT_CYCLES = 8 * MAX_PROGRAM_CYCLES


def core_testbench(config):
    """The testbench of a core and its numbers, by name.

    Parameters
    ----------
    config : CoreConfig
    """
    return stream_testbench(config, core_steps(config), TIMEOUT_CYCLES)


def core_steps(config, *, has_tests=True):
    """Identification, banks and sets, vectors of every kind, an error, and if wanted self-tests, lock and zeroize."""
    steps, rng = Steps(config), np.random.default_rng(int(config.hash, 16))
    macro = config.macro
    steps.read("identity", identity=CORE_IDENTITY)
    steps.read("configuration", hash=int(config.hash, 16))
    steps.read("shape", rows=macro.rows, columns=macro.columns)
    steps.read("status", idle=1, running=0)
    _load(steps, rng)
    _compute(steps, rng)
    steps.wait("status", idle=1)
    steps.refused(ErrorCode.UNMAPPED)
    if has_tests:
        steps.run("self_test", "march_c_minus")
        steps.run("self_test", "known_answers")
        steps.write("lock", locked=1)
        steps.run("control", "zeroize", zeroized=1)
        steps.read("lock", locked=1)
    steps.read("error", code=ErrorCode.NONE, count=0)
    return steps


def _load(steps, rng):
    """Drawn weights of the banks, parameters and settings of all sets."""
    config, model, macro = steps.config, steps.model, steps.config.macro
    minimum, maximum = limits(macro.weight_bits, True)
    for bank in range(steps.banks):
        weights = rng.integers(minimum, maximum + 1, (macro.rows, macro.columns))
        weights[0, 0], weights[-1, -1] = minimum, maximum
        for row, values in enumerate(weights):
            model.macro.write(bank, row, values)
        steps.load(rows_bytes(config, weights), bank=bank)
    for index in range(2 if config.requantizes else 0):
        width, bits = macro.total_width, config.output_bits
        parameters = (rng.integers(-1 << width - 2, 1 << width - 2, macro.columns),
                      rng.integers(1 << 30, 1 << 31, macro.columns),
                      np.clip(rng.integers(bits - width - 1, bits - width + 3, macro.columns), *SHIFTS))
        low, high = limits(bits, True)
        rounding = ("away", "double")[index]
        settings = {"zero_point": int(rng.integers(-9, 10)), "low": low + index, "high": high - index,
                    "rounding": rounding}
        steps.load(parameters_bytes(config, *parameters), parameters=1, set=index)
        steps.wait("status", loading=0)
        steps.write(f"offset_{index}", zero_point=settings["zero_point"], rounding=ROUNDINGS.index(rounding))
        steps.write(f"clamp_{index}", low=settings["low"], high=settings["high"])
        model.parameters[index], model.settings[index] = parameters, settings


def _compute(steps, rng):
    """Vectors of drawn precision, sign, bank, set and accumulation; the extremes first."""
    macro = steps.config.macro
    for number in range(VECTORS):
        is_first = number < 4
        bits = macro.input_bits if is_first else int(rng.integers(1, macro.input_bits + 1))
        # Each further vector of an accumulation takes the next bank.
        max_count = 1 if is_first or steps.banks < macro.banks else min(macro.max_accumulations, 4)
        signed, count = number % 2, int(rng.integers(1, max_count + 1))
        settings = {"bits": bits, "signed": signed, "bank": int(rng.integers(0, steps.banks)), "set": number // 2 % 2}
        steps.write("vector", bits=bits, is_signed=signed, bank=settings["bank"], set=settings["set"])
        steps.write("accumulate", count=count)
        steps.model.restart(count)
        minimum, maximum = limits(bits, signed)
        for _ in range(count):
            x = rng.integers(minimum, maximum + 1, macro.rows)
            if is_first:
                x[:] = minimum if number < 2 else maximum
            steps.vector(x, **settings)


class Steps(StreamSteps):
    """What the testbench of a core does, and the beats that it must get."""

    def __init__(self, config):
        super().__init__(register_map(config), config.input_stream_bits, config.weight_stream_bits,
                         config.output_stream_bits)
        self.config, self.model, self.memory_beats = config, CoreModel(config), 0
        macro = config.macro
        self.banks = macro.banks if macro.rows * macro.columns * macro.banks <= MAX_LOADED_WEIGHTS else 1

    def stream(self, kind, data):
        count = super().stream(kind, data)
        if self.config.dma:
            # The testbench has put them into its memory, one after the other.
            channel = {VECTOR: "vectors", WEIGHTS: "weights"}[kind]
            self.transfer(channel, self.memory_beats, count)
            self.wait("dma_status", **{f"{channel}_busy": 0})
            self.memory_beats += count
        return count

    def transfer(self, channel, first, count):
        """By the DMA, from or to that beat of the testbench's memory."""
        self.write(f"dma_{channel}_address", address=first * self.output_bits // 8)
        self.write(f"dma_{channel}_beats", beats=count)

    def load(self, data, **target):
        """Records by ``s_axis_w``."""
        self.wait("status", loading=0)
        self.write("load", **target)
        self.stream(WEIGHTS, data)

    def run(self, name, program, **status):
        """A program by the command in a register, if it is short."""
        if program_cycles(self.config, program) <= MAX_PROGRAM_CYCLES:
            self.write(name, **{program: 1})
            self.wait("status", running=0)
            self.read("status", passed=1, failed=0, **status)

    def vector(self, x, **settings):
        result, _ = self.model.vector(x, **settings)
        parts = [] if result is None else list(beats(result, self.output_bits))
        if parts and self.config.dma:
            self.transfer("results", len(self.results), len(parts))
        self.stream(VECTOR, vector_bytes(self.config, x))
        if parts and self.config.dma:
            self.wait("dma_status", results_busy=0)
        self.results += parts
