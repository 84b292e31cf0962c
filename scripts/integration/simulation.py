"""A testbench of one core in plain Verilog: what it does and what it must see are files of numbers beside it."""

from pathlib import Path

import numpy as np

from ...golden.bits import limits
from ...golden.core import CoreModel, parameters_bytes, rows_bytes, vector_bytes
from ...golden.march_tests import program_cycles
from ...golden.requantize import ROUNDINGS, SHIFTS
from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import CORE_IDENTITY, ErrorCode, register_map
from .interfaces import package
from .steps import ADDRESS_BITS, VECTOR, WEIGHTS, WRITE, RegisterSteps

TEMPLATES = Path(__file__).resolve().parent / "templates"
# What takes longer in an interpreting simulator is left out: self-tests and zeroize, and of banks all but one.
MAX_PROGRAM_CYCLES, MAX_LOADED_WEIGHTS = 40_000, 65_536
VECTORS = 40
# Without a step that ends or a beat of a result; tables take longer than bitcells.
TIMEOUT_CYCLES = 8 * MAX_PROGRAM_CYCLES


class Steps(RegisterSteps):
    """What the testbench of a core does, and the beats that it must get."""

    def __init__(self, config):
        super().__init__(register_map(config), max(64, *(beat_bits(bits) for bits in (
            config.input_stream_bits, config.weight_stream_bits))))
        self.config, self.model = config, CoreModel(config)
        self.results, self.memory_beats = [], 0
        macro = config.macro
        self.banks = macro.banks if macro.rows * macro.columns * macro.banks <= MAX_LOADED_WEIGHTS else 1

    def parts(self, step):
        """Of a step what to do, and three numbers: those of `split_beat`; address, data, 0; or address, mask, value."""
        kind, data = step >> self.data_bits + ADDRESS_BITS, step & (1 << self.data_bits) - 1
        if kind in (VECTOR, WEIGHTS):
            config = self.config
            return kind, *split_beat(data, config.input_stream_bits if kind == VECTOR else config.weight_stream_bits)
        address = step >> self.data_bits & (1 << ADDRESS_BITS) - 1
        return (kind, address, data, 0) if kind == WRITE else (kind, address, data >> 32, data & (1 << 32) - 1)

    def stream(self, kind, data, bits):
        parts = list(beats(data, bits))
        for beat in parts:
            self.add(kind, 0, beat)
        if self.config.dma:
            # The testbench has put them into its memory, one after the other.
            channel = {VECTOR: "vectors", WEIGHTS: "weights"}[kind]
            self.transfer(channel, self.memory_beats, len(parts))
            self.wait("dma_status", **{f"{channel}_busy": 0})
            self.memory_beats += len(parts)

    def transfer(self, channel, first, count):
        """By the DMA, from or to that beat of the testbench's memory."""
        self.write(f"dma_{channel}_address", address=first * self.config.output_stream_bits // 8)
        self.write(f"dma_{channel}_beats", beats=count)

    def load(self, data, **target):
        """Records by ``s_axis_w``."""
        self.wait("status", loading=0)
        self.write("load", **target)
        self.stream(WEIGHTS, data, self.config.weight_stream_bits)

    def run(self, name, program, **status):
        """A program by the command in a register, if it is short."""
        if program_cycles(self.config, program) <= MAX_PROGRAM_CYCLES:
            self.write(name, **{program: 1})
            self.wait("status", running=0)
            self.read("status", passed=1, failed=0, **status)

    def vector(self, x, **settings):
        result, _ = self.model.vector(x, **settings)
        parts = [] if result is None else list(beats(result, self.config.output_stream_bits))
        if parts and self.config.dma:
            self.transfer("results", len(self.results), len(parts))
        self.stream(VECTOR, vector_bytes(self.config, x), self.config.input_stream_bits)
        if parts and self.config.dma:
            self.wait("dma_status", results_busy=0)
        self.results += parts


def beat_bits(bits):
    """Bits of a beat with ``tkeep`` and ``tlast``."""
    return bits + bits // 8 + 1


def beats(data, bits):
    """Beats of a packet: ``tlast``, ``tkeep`` and ``tdata``, the last lowest."""
    size = bits // 8
    for first in range(0, len(data), size):
        part = data[first:first + size]
        keep = (1 << len(part)) - 1
        is_last = first + size >= len(data)
        yield (is_last << size | keep) << bits | int.from_bytes(part, "little")


def split_beat(beat, bits):
    """``tlast``, ``tkeep`` and ``tdata`` of a beat, as `beats` has them."""
    return beat >> bits + bits // 8, beat >> bits & (1 << bits // 8) - 1, beat & (1 << bits) - 1


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


def testbench_files(config):
    """The testbench of a core and its numbers, by name."""
    steps = core_steps(config)
    result_bits = beat_bits(config.output_stream_bits)
    values = {
        "RESULTS": len(steps.results), "INPUT_BITS": config.input_stream_bits,
        "WEIGHT_BITS": config.weight_stream_bits, "RESULT_BITS": result_bits,
        "MEMORY_BITS": config.output_stream_bits, "MEMORY_BEATS": max(1, steps.memory_beats),
        "SHIFT": (config.output_stream_bits // 8).bit_length() - 1,
    }
    others = ("reads", "writes") if config.dma else ("streams",)
    streams = "".join(filled(f"testbench_{name}.v.in", {"NAME": config.name, **values})
                      for name in ("results", *others))
    return testbench(config, steps, TIMEOUT_CYCLES, streams, len(steps.results)) | {
        f"{config.name}_results.hex": _hex(steps.results, result_bits)}


def testbench(config, steps, timeout_cycles, streams, results=0):
    """A testbench and its steps, by name.

    Parameters
    ----------
    config : CoreConfig or EngineCoreConfig
    steps : RegisterSteps
    timeout_cycles : int
        After which it gives up, if no step ends and no result comes.
    streams : str
        Verilog of what is not registers: the task ``send``, and what counts results.
    results : int
        How many must come.
    """
    part = package(config)
    return {
        f"{part.name}_tb.v": filled("testbench.v.in", {
            "NAME": part.name, "NOUN": part.noun, "TIMEOUT_CYCLES": timeout_cycles, "STEPS": len(steps.steps),
            "RESULTS": results, "STEP_BITS": steps.step_bits, "DATA_BITS": steps.data_bits,
            "DECLARATIONS": "\n".join(_declaration(port) for port in part.ports),
            "PINS": ",\n".join(f"        .{port.name}({port.name})" for port in part.ports),
            "ACCESS": _template(f"testbench_{config.bus}.v.in"), "STREAMS": streams}),
        f"{part.name}_steps.hex": _hex(steps.steps, steps.step_bits),
    }


def simulation_files(config):
    """What simulates a core, by name: the testbench, and an example of cocotb."""
    values = {
        "NAME": config.name, "BUS": config.bus, "INPUT_BITS": config.input_stream_bits,
        "WEIGHT_BITS": config.weight_stream_bits, "OUTPUT_BITS": config.output_stream_bits,
        "INPUTS": " ".join(port.name for port in core_ports(config) if port.direction == "input"),
    }
    return testbench_files(config) | {f"{config.name}_cocotb.py": filled("cocotb_example.py.in", values)}


def makefile(config, verilog):
    """What runs the testbench of a core or engine whose Verilog is in the files ``verilog``, by name."""
    return {"Makefile": filled("Makefile.in", {"NAME": config.name, "SOURCES": " ".join(verilog)})}


def register_model(config):
    """The registers as Python, by name."""
    part = package(config)
    return {f"{part.name}_registers.py": filled("registers.py.in", {
        "NAME": part.name, "REGISTERS": "\n".join(map(_described, part.registers)),
        "ERRORS": "\n".join(f'    {code.value}: "{meaning}",' for code, meaning in sorted(part.errors.items()))})}


def _declaration(port):
    width = f"[{port.width - 1}:0] " if port.width > 1 else ""
    return f"    reg {width}{port.name} = 0;" if port.direction == "input" else f"    wire {width}{port.name};"


def _described(register):
    """A register as Python."""
    fields = "".join(f'        Field("{field.name}", {field.low}, {field.bits}, "{field.access.name.lower()}", '
                     f"{field.reset:#x}, {field.minimum}, {field.max_value:#x}),\n" for field in register.fields)
    return f'    Register("{register.name}", {register.offset:#05x}, (\n{fields}    )),'


def _template(name):
    return (TEMPLATES / name).read_text(encoding="utf-8")


def filled(name, values):
    """A template, with a value for each name between at signs."""
    text = _template(name)
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def _hex(words, bits):
    return "".join(f"{word:0{-(-bits // 4)}x}\n" for word in words)
