"""Blocks that many places use and Verilog holds once."""

import inspect
from collections import Counter

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class EmitError(Exception):
    """Yosys is missing, or refused the design."""


# Sorts the names of inputs behind those of outputs; the Verilog is without it.
LATE = "zz_"


class Platform:
    """What blocks ask of the platform of an elaboration. This one is that of simulations in Amaranth.

    Attributes
    ----------
    fabric : str
        What a block may use: ``"generic"``, nothing but the language, or ``"ecp5"``, that fabric's cells.
    """

    fabric = "generic"

    @staticmethod
    def of(platform):
        """The platform, if it is one of these; else, as for None and for boards, this one."""
        return platform if isinstance(platform, Platform) else PLAIN

    @property
    def has_lut_ram(self):
        """Several banks of bitcells are better off in LUT-RAM."""
        return self.fabric == "ecp5"

    def instantiate(self, m, name, block, cls, **parameters):
        """Put a component into a module as its submodule ``name``; returns the component.

        Where Verilog is emitted, it is an instance of a module ``block``, which is emitted once, however often it is
        instantiated.
        """
        component = self._component(name, block, cls, parameters)
        m.submodules[name] = component
        return component

    def _component(self, name, block, cls, parameters):
        return cls(**parameters)

    def memory(self, width, depth):
        """Name of the module that a memory of this size is an instance of, or None where Amaranth makes it."""
        return None


PLAIN = Platform()


class Emitter(Platform):
    """The platform of an elaboration that emits each distinct block once.

    Attributes
    ----------
    fabric : str
    modules : dict of str to str
        RTLIL of the blocks met so far, by module name, each after those that it contains.
    summaries : dict of str to str
        What each module is, in one sentence.
    memories : dict of str to (int, int)
        Width and depth of the memories that are modules of a file of their own, by the name of the module.
    """

    def __init__(self, prefix, fabric="generic"):
        self.prefix = prefix
        self.fabric = fabric
        self.modules = {}
        self.summaries = {}
        self.memories = {}
        self._blocks = {}
        self._domains = {}

    def _component(self, name, block, cls, parameters):
        """An instance ``name`` of ``block``, which is converted when first met."""
        module = f"{self.prefix}_{block}"
        if block not in self._blocks:
            component = cls(**parameters)
            self._blocks[block] = (cls, parameters, component.signature)
            self.add(module, component)
        known_cls, known_parameters, signature = self._blocks[block]
        if (known_cls, known_parameters) != (cls, parameters):
            raise ValueError(f"block {block} must have one set of parameters, not {known_parameters} and {parameters}")
        return _SharedInstance(name, signature, module, self._domains[module])

    def memory(self, width, depth):
        name = f"{self.prefix}_memory_{width}x{depth}"
        self.memories[name] = (width, depth)
        return name

    def add(self, module, component):
        """Convert a component, after what it contains."""
        text = rtlil.convert(component, name=module, platform=self, emit_src=False)
        self.modules[module], self._domains[module] = _reduced(text)
        self.summaries[module] = inspect.getdoc(component).partition("\n")[0]


def _reduced(text):
    """RTLIL of a component as it is to be, and which of clock and reset it has as inputs.

    Without initial values: what needs one has a reset, and a simulator shows what silicon would not know. Without
    ports of no bits, and without a clock or reset that nothing uses.
    """
    words, lines, domain = Counter(text.split()), [], []
    for line in text.splitlines(keepends=True):
        match line.split():
            case ["attribute", "\\init" | "\\generator", *_]:
                continue
            case ["wire", "width", "0", "input" | "output" as direction, number, _]:
                line = line.replace(f" {direction} {number}", "", 1)
            case ["wire", "width", "1", "input", _, "\\clk" | "\\rst" as name]:
                if words[name] == 1:
                    continue
                domain.append(name[1:])
        lines.append(line)
    return "".join(lines), domain


class _SharedInstance(wiring.Component):
    """Stands for a block that is a module of its own: its ports, and an instance behind them."""

    def __init__(self, name, signature, module, domain):
        super().__init__(signature)
        # A net is to have the name of what drives it, and of several names Yosys keeps the first in the alphabet.
        for port, member in signature.members.items():
            side = name if member.flow == Out else f"{LATE}{name}"
            self.__dict__[port] = wiring.Signature({port: member}).members.create(path=(side,))[port]
        self._module = module
        self._domain = {name: value for name, value in (("clk", ClockSignal()), ("rst", ResetSignal()))
                        if name in domain}

    def elaborate(self, platform):
        ports = {f"i_{name}": value for name, value in self._domain.items()}
        for path, member, value in self.signature.flatten(self):
            direction = "i" if member.flow == In else "o"
            if len(Value.cast(value)):
                ports[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
        return Instance(self._module, **ports)
