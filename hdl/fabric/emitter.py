"""Emission of Verilog: each distinct block becomes one module, which is instantiated where it is used."""

import inspect
import textwrap
from collections import Counter

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class EmitError(Exception):
    """Yosys is missing, or refused the design."""


MEMBERS = "Members\n-------\n"
MAX_MEANING = 120
DOMAIN_MEANINGS = {"clk": "clock, rising edge", "rst": "reset, synchronous, active high"}

# Prefix that sorts the names of inputs after those of outputs; removed from the Verilog.
LATE = "zz_"


class Platform:
    """The platform of an elaboration, as blocks see it. This one is for simulations in Amaranth.

    Attributes
    ----------
    fabric : str
        What blocks may use: ``"generic"``, only Verilog, or ``"ecp5"``, also the cells of that fabric.
    """

    fabric = "generic"

    @staticmethod
    def of(platform):
        """The platform, if it is one of these; otherwise (None, boards) the one for simulations."""
        return platform if isinstance(platform, Platform) else PLAIN

    @property
    def has_lut_ram(self):
        """Several banks of bitcells are stored in LUT-RAM."""
        return self.fabric == "ecp5"

    def instantiate(self, m, name, block, cls, **parameters):
        """Add a component to a module as its submodule ``name``; returns the component.

        In emitted Verilog it is an instance of the module ``block``, which is emitted once.
        """
        component = self._component(name, block, cls, parameters)
        m.submodules[name] = component
        return component

    def _component(self, name, block, cls, parameters):
        return cls(**parameters)

    def memory(self, width, depth):
        """Name of the module to instantiate for a memory of this size, or None if Amaranth creates the memory."""
        return None


PLAIN = Platform()


class Emitter(Platform):
    """The platform of an elaboration that emits each distinct block once.

    Attributes
    ----------
    fabric : str
    modules : dict of str to str
        RTLIL of the blocks so far, by module name, each after the blocks in it.
    summaries : dict of str to str
        Description of each module, one sentence.
    meanings : dict of str to dict of str to str
        What the ports of each module are for, by module and port.
    memories : dict of str to (int, int)
        Width and depth of the memories in a separate file, by the name of the module.
    """

    def __init__(self, prefix, fabric="generic"):
        self.prefix = prefix
        self.fabric = fabric
        self.modules = {}
        self.summaries = {}
        self.meanings = {}
        self.memories = {}
        self._blocks = {}
        self._domains = {}

    def _component(self, name, block, cls, parameters):
        """An instance ``name`` of ``block``, which is converted at its first use."""
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
        """Convert a component, after the blocks in it."""
        text = rtlil.convert(component, name=module, platform=self, emit_src=False)
        self.modules[module], self._domains[module] = _reduced(text)
        self.summaries[module] = inspect.getdoc(component).partition("\n")[0]
        self.meanings[module] = _port_meanings(component)


def _port_meanings(component):
    """What each port is for, a phrase by its name in Verilog.

    They are the component's attribute ``meanings``, if it has one, and else what its docstring says of each member.
    """
    named = DOMAIN_MEANINGS | documented_members(type(component)) | getattr(component, "meanings", {})
    paths = ["__".join(map(str, path)) for path, _, _ in component.signature.flatten(component)]
    found = {name: named.get(name) or named.get(name.partition("__")[0]) for name in (*DOMAIN_MEANINGS, *paths)}
    return {name: meaning for name, meaning in found.items() if meaning}


def documented_members(cls):
    """What the docstrings of a component and its base classes say of each member, by its name: its first sentence."""
    texts = (inspect.getdoc(base) or "" for base in reversed(cls.__mro__))
    names, found = (), {}
    for line in "\n".join(text.partition(MEMBERS)[2] for text in texts).splitlines():
        if line.startswith(" "):
            found |= {name: f"{found[name]}{line.strip()} " for name in names}
        elif line:
            names = line.partition(" : ")[0].split(", ")
            found |= dict.fromkeys(names, "")
    return {name: textwrap.shorten(text.partition(". ")[0].replace("`", ""), MAX_MEANING, placeholder=" ...")
            for name, text in found.items()}


def _reduced(text):
    """Cleaned RTLIL of a component, and which of clock and reset it uses.

    Removed are initial values (registers that need one have a reset, and simulators then show unknown values as silicon
    would have them), ports of zero bits, an unused clock or reset. Amaranth's names of signals without one
    are marked as such, so that Yosys gives others.
    """
    text = text.replace("\\$", "$")
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
    """The ports of a block that is a separate module, and an instance of that module."""

    def __init__(self, name, signature, module, domain):
        super().__init__(signature)
        # A net should have the name of its driver; Yosys keeps the alphabetically first of several names.
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
