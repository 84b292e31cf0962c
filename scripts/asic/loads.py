"""Loads of nets, with estimated wires; and buffers where a load is too much for its driver."""

import math
from collections import defaultdict
from dataclasses import dataclass

from .cells.array import is_array
from .netlist import Instance

# Loads of buffers' outputs are at most this many times that with which the smallest inverter drives four of itself, in
# slew.
SLEWS = 4


@dataclass(frozen=True)
class Wires:
    """What wires are taken for, as there is no layout.

    Each pin that a net drives has a wire of so many cells' pitches; a pitch is the square root of the mean area of a
    cell in the layout, arrays of bitcells left out.

    Attributes
    ----------
    pitches : float
        0 for no wires.
    utilization : float
        Share of the layout that cells take.
    capacitance : float
        pF per um.
    """

    pitches: float = 2.0
    utilization: float = 0.7
    capacitance: float = 0.2e-3

    def per_pin(self, netlist):
        """pF for each driven pin."""
        areas = [instance.cell.area for instance in netlist.instances if not is_array(instance.cell)]
        return self.pitches * math.sqrt(sum(areas) / max(1, len(areas)) / self.utilization) * self.capacitance


class Loads:
    """Capacitances of nets: ``pins`` and ``wires``, pF by net.

    Parameters
    ----------
    netlist : Netlist
    per_pin : float
        pF of wire for each driven pin.
    outside : float
        pF on each output port.
    """

    def __init__(self, netlist, per_pin, outside=0.0):
        self.pins, self.wires, self.outside = ([0.0] * netlist.nets for _ in range(3))
        for net in netlist.outputs():
            self.outside[net] = outside
        for net, sinks in netlist.sinks().items():
            for instance, pin in sinks:
                self.pins[net] += instance.cell.inputs[pin]
            self.wires[net] = per_pin * len(sinks)

    def of(self, net):
        """All together."""
        return self.pins[net] + self.wires[net] + self.outside[net]


def fan_out_slew(roles, count=4):
    """The slew at the output of the smallest inverter that drives ``count`` of itself, ns; and its delay."""
    cell = roles.inverter
    (pin,) = cell.inputs
    load, slew, delay = count * cell.inputs[pin], 0.0, 0.0
    for _ in range(8):
        tables = [(name, table) for arc in cell.arcs if arc.related == pin for name, table in arc.tables.items()]
        delay = sum(max(table.at(slew, load) for name, table in tables if name == f"cell_{edge}")
                    for edge in ("rise", "fall")) / 2
        slew = max(table.at(slew, load) for name, table in tables if name.endswith("_transition"))
    return slew, delay


def max_load(cell, pin, slew, limit):
    """The largest load of an output with which its slew stays within the limit, ns; none above liberty's own."""
    tables = [table for arc in cell.arcs if arc.pin == pin for name, table in arc.tables.items()
              if name.endswith("_transition")]
    low, high = 0.0, cell.max_loads.get(pin, max((float(table.second[-1]) for table in tables), default=1.0))
    if not tables or max(table.at(slew, high) for table in tables) <= limit:
        return high
    for _ in range(20):
        middle = (low + high) / 2
        if max(table.at(slew, middle) for table in tables) > limit:
            high = middle
        else:
            low = middle
    return low


class Buffering:
    """Adds buffers to a netlist, so that no output has more load than its slew allows.

    Parameters
    ----------
    netlist : Netlist
        Is changed.
    roles : Roles
    per_pin : float
    clock : int
        Net that is left as it is, with what it drives: a clock is ideal.
    """

    def __init__(self, netlist, roles, per_pin, clock):
        self.netlist, self.per_pin, self.clock = netlist, per_pin, clock
        self.slew, _ = fan_out_slew(roles)
        self.limit = SLEWS * self.slew
        self.added = 0
        # The buffer that drives most for its area.
        scores = []
        for cell in roles.buffers:
            (pin,), (output,) = cell.inputs, cell.outputs
            most = max_load(cell, output, self.slew, self.limit)
            scores.append((most / (cell.area or 1), cell, pin, output, most))
        _, self.buffer, self.input, self.output, self.most = max(scores, key=lambda score: score[0])

    def run(self):
        """Buffer all nets; returns how many buffers were added."""
        sinks, drivers = self.netlist.sinks(), self.netlist.drivers()
        gated = {net for net, (instance, _) in drivers.items() if instance.cell.clock_gate}
        known = {}
        for net, found in list(sinks.items()):
            if net in (0, 1, self.clock) or net in gated:
                continue
            if net in drivers:
                instance, pin = drivers[net]
                key = instance.cell.name, pin
                if key not in known:
                    known[key] = max_load(instance.cell, pin, self.slew, self.limit)
                limit = known[key]
            else:
                limit = self.most
            self._buffer(net, found, limit)
        return self.added

    def _load(self, pins):
        return sum(instance.cell.inputs[pin] + self.per_pin for instance, pin in pins)

    def _buffer(self, net, pins, limit):
        """Give a net buffers, in levels, until what it drives itself is within the limit."""
        while self._load(pins) > limit and len(pins) > 1:
            groups, load = [[]], 0.0
            # A share of the buffer's limit, so that the last group is no smaller than the others.
            total = self._load(pins)
            share = total / math.ceil(total / self.most)
            for instance, pin in pins:
                own = instance.cell.inputs[pin] + self.per_pin
                if groups[-1] and load + own > share * 1.0001:
                    groups.append([])
                    load = 0.0
                groups[-1].append((instance, pin))
                load += own
            if len(groups) >= len(pins):
                break
            pins = [self._insert(net, group) for group in groups]

    def _insert(self, net, group):
        """A buffer between a net and some of the pins on it; its own pin on the net."""
        output = self.netlist.nets
        self.netlist.nets += 1
        blocks = defaultdict(int)
        for instance, pin in group:
            instance.pins[pin] = output
            blocks[instance.block] += 1
        block = max(blocks, key=blocks.get)
        buffer = Instance(f"buffer_{self.added}", self.buffer, {self.input: net, self.output: output}, block)
        self.netlist.instances.append(buffer)
        self.added += 1
        return buffer, self.input
