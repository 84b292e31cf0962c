"""A testbench in plain Verilog: what it does and what it must see are files of numbers beside it."""

from pathlib import Path

from .interfaces import package
from .steps import VECTOR, WEIGHTS, beat_bits

TEMPLATES = Path(__file__).resolve().parent / "templates"


def stream_testbench(config, steps, timeout_cycles):
    """The testbench of a core with vectors, weights and results, its steps and its results, by name.

    Parameters
    ----------
    config : CoreConfig or BlockCoreConfig
    steps : StreamSteps
    timeout_cycles : int
        As of `testbench`.
    """
    ports, bits = [port.name for port in package(config).ports], steps.output_bits
    user = "m_axis_tuser, " if "m_axis_tuser" in ports else ""
    result_bits = beat_bits(bits) + bool(user)
    values = {"NAME": config.name, "INPUT_BITS": steps.bits[VECTOR], "WEIGHT_BITS": steps.bits[WEIGHTS],
              "RESULT_BITS": result_bits, "USER": user, "MEMORY_BITS": bits,
              "MEMORY_BEATS": max(1, steps.count(VECTOR) + steps.count(WEIGHTS)), "SHIFT": (bits // 8).bit_length() - 1}
    others = ("streams",) if "m_axis_tdata" in ports else ("reads", "writes")
    streams = "".join(filled(f"testbench_{name}.v.in", values) for name in ("results", *others))
    return testbench(config, steps, timeout_cycles, streams, len(steps.results)) | {
        f"{config.name}_results.hex": _hex(steps.results, result_bits)}


def testbench(config, steps, timeout_cycles, streams, results=0):
    """A testbench and its steps, by name.

    Parameters
    ----------
    config : CoreConfig, BlockCoreConfig or EngineCoreConfig
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


def simulation_files(config, verilog):
    """What simulates a core and helps to: a makefile, the registers as Python, and an example of cocotb, by name.

    ``verilog`` are the names of the files of its Verilog.
    """
    part = package(config)
    return {
        "Makefile": filled("Makefile.in", {"NAME": part.name, "SOURCES": " ".join(verilog)}),
        f"{part.name}_registers.py": filled("registers.py.in", {
            "NAME": part.name, "REGISTERS": "\n".join(map(_described, part.registers)),
            "ERRORS": "\n".join(f'    {code.value}: "{meaning}",' for code, meaning in sorted(part.errors.items()))}),
        f"{part.name}_cocotb.py": filled("cocotb_example.py.in", {
            "NAME": part.name, "BUS": config.bus,
            "INPUTS": " ".join(port.name for port in part.ports if port.direction == "input")}),
    }


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
