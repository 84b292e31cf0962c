"""Emitted Verilog, parsed into modules: all knowledge of its format is here."""

import re
from dataclasses import dataclass
from functools import cached_property

MODULE = re.compile(r"(?:^// ([^\n]*)\n)?^(module (\w+)\(([^)]*)\);\n.*?^endmodule\n)", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"^(?:  (\(\*.*\*\))\n)?  (input|output) (signed )?(?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)
NET = re.compile(r"^  (reg|wire) (signed )?(?:\[(\d+):0\] )?(\w+)(?: = ([^;\n]*))?;$", re.MULTILINE)
MEMORY = re.compile(r"^  reg (?:\[(\d+):0\] )?(\w+) \[(\d+):0\];$", re.MULTILINE)
INSTANCE = re.compile(r"^  (\w+) (?:#\(\n((?:    \..*\n)*)  \) )?(\w+) \(\n((?:    \..*\n)*)  \);\n", re.MULTILINE)
PIN = re.compile(r"^    \.(\w+)\((.*?)\),?$", re.MULTILINE)
ASSIGN = re.compile(r"^  assign (\w+) = (.*);$", re.MULTILINE)
PLACEHOLDER = re.compile(r"%(\d)")


@dataclass(frozen=True)
class Port:
    """A port: ``direction`` is ``"input"`` or ``"output"``; ``attributes`` is their text, or None."""

    name: str
    direction: str
    width: int
    is_signed: bool
    attributes: str | None


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
        Of `Port`, `Net`, `Memory` and `Instance`, by name; ports in the order of the head.
    assigned : dict of str to str
        Text of the expressions that drive whole wires.
    """

    def __init__(self, name, text, summary, head):
        self.name, self.text, self.summary = name, text, summary
        self._head = head

    @cached_property
    def ports(self):
        found = {name: Port(name, direction, int(top or 0) + 1, bool(is_signed), attributes or None)
                 for attributes, direction, is_signed, top, name in PORT.findall(self.text)}
        return {name: found[name] for name in (each.strip() for each in self._head.split(",")) if name in found}

    @cached_property
    def nets(self):
        return {name: Net(name, kind == "reg", int(top or 0) + 1, bool(is_signed), initial or None)
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
    """Verilog from `emit` or from Yosys. Methods that change it return a new design.

    Attributes
    ----------
    text : str
    modules : dict of str to Module
        In their order.
    """

    def __init__(self, text):
        self.text = text

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
        head = self.modules[module].text.replace(
            ");", f", {name});\n  output [{width - 1}:0] {name};\n  assign {name} = {expression};", 1)
        return self._with(module, head)

    def exposing(self, module, name):
        """Make a register or wire an output of its module, as its last port; ValueError if there is none."""
        text, count = re.subn(rf"^  (?:reg|wire) ((?:signed )?(?:\[\d+:0\] )?{name};)$", r"  output \1\n\g<0>",
                              self.modules[module].text, count=1, flags=re.MULTILINE)
        if not count:
            raise ValueError(f"registers must be those of {module}, which has no {name}")
        return self._with(module, text.replace(");", f", {name});", 1))

    def with_attributes(self, module, attributes):
        """Add attributes to some ports of a module, by their names."""
        text = self.modules[module].text
        for name, line in attributes.items():
            text = re.sub(rf"^  (?:input|output) (?:\[\d+:0\] )?{name};$", rf"  {line}\n\g<0>", text,
                          flags=re.MULTILINE)
        return self._with(module, text)

    def commented(self, name, comment):
        """Add a comment to the declaration of a signal; ValueError unless there is exactly one in all modules."""
        text, count = re.subn(rf"^(  (?:wire|reg) (?:\[\d+:0\] )?{name})(?=;)", rf"\1 {comment}", self.text,
                              flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"the Verilog must declare one signal {name}, not {count}")
        return Design(text)

    def replacing(self, module, instances, text):
        """Replace the first of some instances of a module by a text, and remove the others."""
        body = self.modules[module].text
        for instance in instances:
            body, text = body.replace(instance.text, text, 1), ""
        return self._with(module, body)


def tidied(text, summaries, without):
    """Verilog from Yosys, cleaned up.

    Parameters
    ----------
    text : str
    summaries : dict of str to str
        Comment before each module.
    without : str
        Comment before all other modules.
    """
    text = text[text.index("module "):]
    # Yosys declares each port twice.
    text = re.sub(r"^(  (?:in|out)put ([^;]*);\n)  wire \2;\n", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"^module (\w+)\(([^)]*)\);", _in_order, without_escapes(text), flags=re.MULTILINE)
    return re.sub(r"^module (\w+)", lambda match: f"// {summaries.get(match[1], without)}\n{match[0]}", text,
                  flags=re.MULTILINE)


def _in_order(header):
    """Module header with clock and reset first, then the first input, which Amaranth puts last."""
    names = [name.strip() for name in header[2].split(",")]
    names = [names[-1], *names[:-1]]
    domain = [name for name in ("clk", "rst") if name in names]
    return f"module {header[1]}({', '.join(domain + [name for name in names if name not in domain])});"


def without_escapes(text):
    """Replace names that must be escaped in Verilog, such as ``sum$3`` and ``x[3]``, by plain ones."""
    taken = set(re.findall(r"[A-Za-z_]\w*", text))
    plain = {}
    for name in sorted(set(re.findall(r"\\(\S+) ", text))):
        candidate = re.sub(r"\W+", "_", name).strip("_")
        while candidate in taken:
            candidate += "_"
        taken.add(candidate)
        plain[name] = candidate
    return re.sub(r"\\(\S+) ", lambda match: plain[match[1]], text)
