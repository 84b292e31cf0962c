"""Blocks that many places use and Verilog holds once."""

import inspect
import re

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

# A one-bit input, in RTLIL.
PORT = r"^ *wire width 1 input \d+ +\\{}$"


def shared(platform, name, cls, **parameters):
    """A component whose module is emitted once, however often it is used.

    Where Verilog is emitted, this is an instance of that module by name; elsewhere the component itself.
    """
    if isinstance(platform, Emitter):
        return platform.instance(name, cls, parameters)
    return cls(**parameters)


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
        for name in ("clk", "rst"):
            if len(re.findall(rf"\\{name}\b", text)) == 1:
                text = re.sub(PORT.format(name), "", text, flags=re.MULTILINE)
        self.modules[module] = text
        self.summaries[module] = inspect.getdoc(component).partition("\n")[0]


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
