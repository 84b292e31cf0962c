"""A mapped design without hierarchy: cells, their nets, and the block that each belongs to."""

from collections import defaultdict
from dataclasses import dataclass

from ..common.tools import FlowError

CONSTANTS = {"0": 0, "1": 1, "x": 0, "z": 0}


@dataclass
class Instance:
    """A cell of a netlist.

    Attributes
    ----------
    name : str
        With the path of its block.
    cell : Cell
    pins : dict of str to int
        The net on each pin that has one.
    block : str
        Kind of block that it belongs to.
    """

    name: str
    cell: object
    pins: dict
    block: str


@dataclass
class Netlist:
    """Cells and nets; nets 0 and 1 are the constants.

    Attributes
    ----------
    top : str
    instances : list of Instance
    ports : dict of str to (bool, list of int)
        Of each port whether it is an input, and its nets, the lowest bit first.
    nets : int
        Number of nets.
    """

    top: str
    instances: list
    ports: dict
    nets: int

    def drivers(self):
        """Instance and output pin that drive each net, by net."""
        return {net: (instance, pin) for instance in self.instances
                for pin, net in instance.pins.items() if pin not in instance.cell.inputs}

    def sinks(self):
        """Instances and input pins on each net, by net."""
        found = defaultdict(list)
        for instance in self.instances:
            for pin, net in instance.pins.items():
                if pin in instance.cell.inputs:
                    found[net].append((instance, pin))
        return found

    def inputs(self):
        """Nets of all input ports."""
        return [net for is_input, nets in self.ports.values() if is_input for net in nets]

    def outputs(self):
        """Nets of all output ports."""
        return [net for is_input, nets in self.ports.values() if not is_input for net in nets]

    def area(self):
        """um2 and number of cells of each kind of block."""
        found = defaultdict(lambda: [0.0, 0])
        for instance in self.instances:
            found[instance.block][0] += instance.cell.area
            found[instance.block][1] += 1
        return {block: tuple(values) for block, values in found.items()}

    def verilog(self):
        """Its Verilog: a wire for each net, named by number."""
        ports = [f"  {'input' if is_input else 'output'} {_range(nets)}{name};"
                 for name, (is_input, nets) in self.ports.items()]
        names = {0: "1'b0", 1: "1'b1"}
        for name, (is_input, nets) in self.ports.items():
            if is_input:
                names |= {net: _bit(name, nets, index) for index, net in enumerate(nets)}
        lines = [f"  wire n{net};" for net in range(2, self.nets) if net not in names]
        lines += [f"  assign {_bit(name, nets, index)} = {names.get(net, f'n{net}')};"
                  for name, (is_input, nets) in self.ports.items() if not is_input for index, net in enumerate(nets)]
        for instance in self.instances:
            nets = _by_bus({pin: names.get(net, f"n{net}") for pin, net in instance.pins.items()})
            pins = ", ".join(f".{pin}({net})" for pin, net in nets.items())
            lines.append(f"  {instance.cell.name} \\{instance.name} ({pins});")
        return "\n".join([f"module {self.top}({', '.join(self.ports)});", *ports, *lines, "endmodule", ""])


def _range(nets):
    return f"[{len(nets) - 1}:0] " if len(nets) > 1 else ""


def _bit(name, nets, index):
    return f"{name}[{index}]" if len(nets) > 1 else name


class _Nets:
    """Nets that are the same, by union and find; a constant stays what it is."""

    def __init__(self):
        self.parents = [0, 1]

    def new(self):
        self.parents.append(len(self.parents))
        return self.parents[-1]

    def find(self, net):
        while self.parents[net] != net:
            self.parents[net] = self.parents[self.parents[net]]
            net = self.parents[net]
        return net

    def join(self, first, second):
        low, high = sorted((self.find(first), self.find(second)))
        if low != high and high > 1:
            self.parents[high] = low


def flatten(modules, top, library, block_of):
    """The netlist of a mapped design, without cells that drive nothing.

    Parameters
    ----------
    modules : dict
        Of Yosys's JSON.
    top : str
    library : Library
    block_of : function
        Gives the kind of block of a path of instances, a tuple of names.

    Raises
    ------
    FlowError
        A cell is none of the library: synthesis could not map it; an input of a cell is not connected, or nothing
        drives it.
    """
    nets, found = _Nets(), []

    def visit(name, path, ports):
        module, local = modules[name], {}

        def net_of(bit):
            if bit in CONSTANTS:
                return CONSTANTS[bit]
            if bit not in local:
                local[bit] = nets.new()
            return local[bit]

        for port, outer in ports.items():
            for bit, net in zip(module["ports"][port]["bits"], outer):
                if bit in CONSTANTS or bit in local:
                    nets.join(net_of(bit), net)
                else:
                    local[bit] = net
        for cell_name, cell in module["cells"].items():
            pins = {pin: [net_of(bit) for bit in bits] for pin, bits in cell["connections"].items()}
            kind = cell["type"]
            if kind in library.cells:
                single = _by_bit(pins)
                for pin in library.cells[kind].inputs:
                    if pin not in single:
                        raise FlowError(f"inputs of cells must be connected, and {kind}/{pin} in module {name} is not")
                found.append((path, cell_name, library.cells[kind], single))
            elif kind in modules:
                visit(kind, (*path, cell_name), pins)
            else:
                raise FlowError(f"cells must all be of the library, and {kind} of module {name} is not")

    ports = {name: (port["direction"] == "input", [nets.new() for _ in port["bits"]])
             for name, port in modules[top]["ports"].items()}
    visit(top, (), {name: bits for name, (_, bits) in ports.items()})
    return _numbered(top, found, ports, nets, block_of)


def _by_bit(pins):
    """The net on each pin, those of buses by ``NAME[BIT]``."""
    return {pin if len(nets) == 1 else f"{pin}[{index}]": net for pin, nets in pins.items()
            for index, net in enumerate(nets)}


def _by_bus(pins):
    """Names of nets on pins, the other way: those of a bus as a concatenation."""
    buses = defaultdict(list)
    for pin, name in pins.items():
        buses[pin.partition("[")[0]].append(name)
    return {pin: names[0] if len(names) == 1 else f"{{{', '.join(reversed(names))}}}" for pin, names in buses.items()}


def _numbered(top, found, ports, nets, block_of):
    """The netlist with nets numbered without gaps, and without what nothing reads."""
    numbers = {0: 0, 1: 1}

    def number(net):
        return numbers.setdefault(nets.find(net), len(numbers))

    used = [Instance(_name(path, name, index), cell, {pin: nets.find(net) for pin, net in pins.items()},
                     block_of(path)) for index, (path, name, cell, pins) in enumerate(found)]
    _propagate_constants(used, nets)
    used = _living(used, [nets.find(net) for is_input, bits in ports.values() if not is_input for net in bits])
    port_nets = {nets.find(net) for _, bits in ports.values() for net in bits}
    read = {net for instance in used for pin, net in instance.pins.items() if pin in instance.cell.inputs} | port_nets
    ports = {name: (is_input, [number(net) for net in bits]) for name, (is_input, bits) in ports.items()}
    for instance in used:
        # An output that nothing reads has no net, as pins for power have none; but buses stay whole.
        cell = instance.cell
        instance.pins = {pin: number(net) for pin, net in instance.pins.items()
                         if pin in cell.inputs or (pin in cell.outputs and (net in read or "[" in pin))}
    netlist = Netlist(top, used, ports, len(numbers))
    _check_driven(netlist)
    return netlist


def _check_driven(netlist):
    driven = {0, 1, *netlist.inputs(), *netlist.drivers()}
    for instance in netlist.instances:
        for pin in instance.cell.inputs:
            if instance.pins[pin] not in driven:
                raise FlowError(f"inputs of cells must be driven, and {instance.cell.name}/{pin} of {instance.name} "
                                "is not")


def _propagate_constants(instances, nets):
    """Make nets constants that can have one value only, and take their drivers' pins away."""
    readers = defaultdict(list)
    for instance in instances:
        for pin, net in instance.pins.items():
            if pin in instance.cell.inputs:
                readers[net].append(instance)
    todo = [instance for net in (0, 1) for instance in readers[net]]
    while todo:
        instance = todo.pop()
        for pin, table in instance.cell.tables.items():
            value = _constant(instance, table) if pin in instance.pins else None
            if value is not None:
                net = instance.pins.pop(pin)
                nets.join(net, value)
                for reader in readers.pop(net, ()):
                    reader.pins = {pin: value if other == net else other for pin, other in reader.pins.items()}
                    todo.append(reader)


def _constant(instance, table):
    """The only value of an output with the constants at the inputs, or None if there are two."""
    places = [0]
    for index, pin in enumerate(instance.cell.inputs):
        net = instance.pins[pin]
        bits = (net,) if net in (0, 1) else (0, 1)
        places = [place | bit << index for place in places for bit in bits]
    values = {table >> place & 1 for place in places}
    return values.pop() if len(values) == 1 else None


def _living(instances, outputs):
    """Those that an output of the design depends on."""
    drivers = {net: instance for instance in instances for pin, net in instance.pins.items()
               if pin not in instance.cell.inputs}
    alive, todo = set(), [drivers[net] for net in outputs if net in drivers]
    while todo:
        instance = todo.pop()
        if id(instance) not in alive:
            alive.add(id(instance))
            todo += [drivers[net] for pin, net in instance.pins.items()
                     if pin in instance.cell.inputs and net in drivers]
    return [instance for instance in instances if id(instance) in alive]


def _name(path, name, index):
    """A name that all tools read, with the path; of what Yosys named only the number of the cell."""
    own = f"g{index}" if "$" in "".join((*path, name)) else name
    return ".".join((*(part for part in path if "$" not in part), own))


# Kinds of blocks: where a block's name begins with one of these, cells within are of that kind; the innermost counts.
TREES = "adder trees"
KINDS = {"array": "bitcells", "tree": TREES, "accumulator": "accumulators", "drivers": "wordline drivers",
         "controller": "controller", "row_decoder": "row decoder", "ones": "column of ones", "fuse": "fuse",
         "unit": "multiply-accumulate units"}


def kind_of(path):
    """Kind of block of a path of instances; a column of ones is one whatever is within."""
    if path and path[0].startswith("ones"):
        return KINDS["ones"]
    for name in reversed(path):
        for prefix, kind in KINDS.items():
            if name.startswith(prefix):
                return kind
    return "other"
