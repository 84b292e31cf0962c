"""Emitted Verilog, parsed into modules: with `verilog_format`, all knowledge of its format is here."""

import re
from dataclasses import dataclass
from functools import cached_property

from .verilog_format import CONTINUED

MODULE = re.compile(r"(?:^// ([^\n]*)\n)?^(module (\w+) \(\n(.*?)^\);\n.*?^endmodule\n)", re.MULTILINE | re.DOTALL)
# What a declaration has before its name: whether it is signed, and its highest bit.
SHAPE = r"(signed )?(?:\[(\d+):0\] )?"
PORT = re.compile(rf"^(?:  (\(\*.*\*\))\n)?  (input|output) (wire|reg) {SHAPE}(\w+)(?: = ([^,\n]*?))?,?(?:  // .*)?$",
                  re.MULTILINE)
NET = re.compile(rf"^  (reg|wire) {SHAPE}(\w+)(?: = ([^;\n]*))?;$", re.MULTILINE)
MEMORY = re.compile(r"^  reg (?:\[(\d+):0\] )?(\w+) \[(\d+):0\];$", re.MULTILINE)
INSTANCE = re.compile(r"^  (\w+) (?:#\(\n((?:    \..*\n)*)  \) )?(\w+) \(\n((?:    \..*\n)*)  \);\n", re.MULTILINE)
PIN = re.compile(r"^    \.(\w+)\((.*?)\),?$", re.MULTILINE)
ASSIGN = re.compile(r"^  assign (\w+) = (.*);$", re.MULTILINE)
PLACEHOLDER = re.compile(r"%(\d)")

@dataclass(frozen=True)
class Port:
    """A port: ``direction`` is ``"input"`` or ``"output"``; ``attributes`` is their text, or None.

    ``net`` is the `Net` of the same name.
    """

    name: str
    direction: str
    width: int
    is_signed: bool
    attributes: str | None
    net: "Net"


@dataclass(frozen=True)
class Net:
    """A register or wire; ``initial`` is the text of its initial value, or for a wire of its driver."""

    name: str
    is_register: bool
    width: int
    is_signed: bool
    initial: str | None


@dataclass(frozen=True)
class Memory:
    """A memory: number of words, and their width."""

    name: str
    width: int
    depth: int


@dataclass(frozen=True)
class Instance:
    """An instance: its module, and the text of its parameters and pins, by name."""

    name: str
    module: str
    parameters: dict
    pins: dict
    text: str


class Module:
    """A module of a `Design`.

    Attributes
    ----------
    name : str
    summary : str or None
        The comment before the module.
    text : str
        From ``module`` to ``endmodule``.
    ports, nets, memories, instances : dict
        Of `Port`, `Net`, `Memory` and `Instance`, by name. Ports that are registers are among the nets.
    assigned : dict of str to str
        Text of the expressions that drive whole wires.
    """

    def __init__(self, name, text, summary, head):
        self.name, self.text, self.summary = name, text, summary
        self._head = head

    @cached_property
    def ports(self):
        found = {}
        for attributes, direction, kind, is_signed, top, name, initial in PORT.findall(self._head):
            net = Net(name, kind == "reg", int(top or 0) + 1, bool(is_signed), initial or None)
            found[name] = Port(name, direction, net.width, net.is_signed, attributes or None, net)
        return found

    @cached_property
    def nets(self):
        found = {port.name: port.net for port in self.ports.values() if port.net.is_register}
        return found | {name: Net(name, kind == "reg", int(top or 0) + 1, bool(is_signed), initial or None)
                        for kind, is_signed, top, name, initial in NET.findall(self.text)}

    @cached_property
    def memories(self):
        return {name: Memory(name, int(top or 0) + 1, int(last) + 1) for top, name, last in MEMORY.findall(self.text)}

    @cached_property
    def instances(self):
        return {match[3]: Instance(match[3], match[1], dict(PIN.findall(match[2] or "")), dict(PIN.findall(match[4])),
                                   match[0]) for match in INSTANCE.finditer(self.text)}

    @cached_property
    def assigned(self):
        return dict(ASSIGN.findall(self.text))

    def taken(self, register):
        """Text of the expression that is assigned to a register; ValueError unless there is exactly one."""
        (found,) = re.findall(rf"\b{register} <= (.*);$", self.text, re.MULTILINE)
        return found

    def width(self, name):
        """Bits of a port, register or wire; KeyError if there is none."""
        return (self.nets.get(name) or self.ports[name]).width


class Design:
    """Verilog from `emit`, or from Yosys by `from_yosys`. Methods that change it return a new design.

    Attributes
    ----------
    text : str
        Each statement on one line, however long.
    modules : dict of str to Module
        In their order.
    """

    def __init__(self, text):
        self.text = text.replace(f"\n{CONTINUED}", " ")

    @cached_property
    def modules(self):
        return {match[3]: Module(match[3], match[2], match[1], match[4]) for match in MODULE.finditer(self.text)}

    def below(self, module):
        """A module and all modules in it, at any depth; that module first."""
        left, todo, text = dict(self.modules), [module], ""
        while todo:
            if found := left.pop(todo.pop(), None):
                text += found.text
                inside = {instance.module for instance in found.instances.values()}
                todo += [name for name in left if name in inside]
        return Design(text)

    def above(self, module):
        """Names of a module and of all modules that contain it, at any depth."""
        found, todo = set(), [module]
        while todo:
            inner = todo.pop()
            found.add(inner)
            todo += [name for name, each in self.modules.items() if name not in found
                     and any(instance.module == inner for instance in each.instances.values())]
        return found

    def _with(self, module, text):
        return Design(self.text.replace(self.modules[module].text, text, 1))

    def mutated(self, module, old, new):
        """Replace ``old`` by ``new`` in a module; ValueError unless ``old`` occurs exactly once.

        ``%1`` to ``%9`` in ``old`` match any text within a statement, and stand for that text in ``new``.
        """
        pattern, end = "", 0
        for match in PLACEHOLDER.finditer(old):
            pattern += re.escape(old[end:match.start()]) + rf"(?P<_{match[1]}>[^;\n]*?)"
            end = match.end()
        found = list(re.finditer(pattern + re.escape(old[end:]), self.modules[module].text))
        if len(found) != 1:
            raise ValueError(f"what is changed must be once in {module}, not {len(found)} times: {old}")
        text, (match,) = self.modules[module].text, found
        replacement = PLACEHOLDER.sub(lambda each: match[f"_{each[1]}"], new)
        return self._with(module, text[:match.start()] + replacement + text[match.end():])

    def with_output(self, module, name, width, expression):
        """Add an output to a module, as its last port, driven by an expression."""
        text = self.modules[module].text.replace("\n);\n", f"\n);\n  assign {name} = {expression};\n", 1)
        return self._with(module, _with_port(text, f"output wire [{width - 1}:0] {name}"))

    def exposing(self, module, name):
        """Make a register or wire an output of its module, as its last port; ValueError if there is none.

        ``instance.name`` is that of a module within it, and ``instance_name`` the port.
        """
        instance, _, inner = name.rpartition(".")
        if instance:
            found = self.modules[module].instances[instance]
            width = self.modules[found.module].width(inner)
            outside = f"{instance}_{inner}"
            connected = found.text.replace(f" {instance} (\n", f" {instance} (\n    .{inner}({outside}),\n", 1)
            text = self.modules[module].text.replace(found.text, connected, 1)
            return self._with(module, _with_port(text, f"output wire [{width - 1}:0] {outside}")).exposing(
                found.module, inner)
        text = self.modules[module].text
        declared = re.search(rf"^  ((?:reg|wire) (?:signed )?(?:\[\d+:0\] )?{name});\n", text, re.MULTILINE)
        if not declared:
            raise ValueError(f"registers must be those of {module}, which has no {name}")
        return self._with(module, _with_port(text.replace(declared[0], "", 1), f"output {declared[1]}"))

    def with_attributes(self, module, attributes):
        """Add attributes to some ports of a module, by their names."""
        text = self.modules[module].text
        for name, line in attributes.items():
            text = re.sub(rf"^  (?:input|output) (?:wire|reg) (?:\[\d+:0\] )?{name}(?=,|  //|$)", rf"  {line}\n\g<0>",
                          text, count=1, flags=re.MULTILINE)
        return self._with(module, text)

    def commented(self, name, comment):
        """Add a comment to the declaration of a signal; ValueError unless there is exactly one in all modules."""
        text, count = re.subn(rf"^(  (?:output )?(?:wire|reg) (?:\[\d+:0\] )?{name})(?=;|,|  //|$)", rf"\1 {comment}",
                              self.text, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"the Verilog must declare one signal {name}, not {count}")
        return Design(text)

    def replacing(self, module, instances, text):
        """Replace the first of some instances of a module by a text, and remove the others."""
        body = self.modules[module].text
        for instance in instances:
            body, text = body.replace(instance.text, text, 1), ""
        return self._with(module, body)


def _with_port(text, declaration):
    """A module's text with one more port, the last."""
    return re.sub(r"^(  [^/\n]*?)((?:  // [^\n]*)?)\n\);\n", rf"\1,\2\n  {declaration}\n);\n", text, count=1,
                  flags=re.MULTILINE)
