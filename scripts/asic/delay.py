"""The longest path of a netlist, by the library's tables of delay and slew; and the delays of all its cells."""

import math
from collections import defaultdict
from dataclasses import dataclass

from ..common.tools import FlowError

RISE, FALL = 0, 1
EDGES = ("rise", "fall")
# Which edges of an input cause which of an output, by sense.
CAUSES = {"positive_unate": ((RISE, RISE), (FALL, FALL)), "negative_unate": ((RISE, FALL), (FALL, RISE)),
          "non_unate": ((RISE, RISE), (RISE, FALL), (FALL, RISE), (FALL, FALL))}


@dataclass(frozen=True)
class Path:
    """A path: what it takes in ns, setup included, its end, and its steps as (name of a cell or port, pin, ns)."""

    nanoseconds: float
    setup: float
    steps: list


class Timing:
    """Arrival and slew on each net, and the delay of each cell.

    A clock is ideal. Inputs arrive at its edge, weights in latches stand still; what goes to a gate of the clock
    has half a period.

    Parameters
    ----------
    netlist : Netlist
    loads : Loads
    clock : int
        Net of the clock.
    slew : float
        ns, of the clock.
    input_slew : float, optional
        ns, of inputs; by default that of the clock.
    inputs_arrive : bool
        Paths begin at inputs too.
    is_early : bool
        Arrivals, slews and delays are the least instead of the greatest.

    Attributes
    ----------
    order : list of int
        Indices of instances, each after those that drive its inputs.
    slews : dict of int to [float, float]
        Rising and falling, by net, ns.
    delays : list of dict
        Of each instance, by input and output pin: [rise, fall] of the output, ns.
    """

    def __init__(self, netlist, loads, clock, slew, *, input_slew=None, inputs_arrive=True, is_early=False):
        self.netlist, self.loads, self.clock, self.slew = netlist, loads, clock, slew
        self.arrivals, self.slews, self._causes = {}, {}, {}
        self.pick, self._none = (min, math.inf) if is_early else (max, 0.0)
        self.delays = [{} for _ in netlist.instances]
        self.clocks = clock_nets(netlist, clock)
        for net in netlist.inputs():
            if net not in self.clocks:
                self.slews[net] = [input_slew or slew] * 2
                if inputs_arrive:
                    self.arrivals[net] = [0.0, 0.0]
        for net in self.clocks:
            self.slews[net] = [slew, slew]
        self.order = self._order()
        for index in self.order:
            for arc, cause, effect in self.arcs(netlist.instances[index]):
                self._step(index, arc, cause, effect)

    def _order(self):
        """Indices of instances so that each comes after those that drive its inputs; what stores comes first."""
        instances = self.netlist.instances
        index_of = {id(instance): index for index, instance in enumerate(instances)}
        drivers = {net: index_of[id(instance)] for net, (instance, _) in self.netlist.drivers().items()}
        waiting, readers = [0] * len(instances), defaultdict(list)
        for index, instance in enumerate(instances):
            if not is_source(instance.cell):
                for pin in instance.cell.inputs:
                    net = instance.pins.get(pin)
                    if net in drivers:
                        readers[drivers[net]].append(index)
                        waiting[index] += 1
        ready = [index for index, count in enumerate(waiting) if not count]
        for index in ready:
            for reader in readers[index]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
        if len(ready) < len(instances):
            stuck = next(instance for instance, count in zip(instances, waiting) if count)
            raise FlowError(f"logic must have no loops, and {stuck.name} is in one")
        return ready

    def arcs(self, instance):
        """Arcs that delay an output of an instance which is no clock, each with the edges of its input and output."""
        for arc in instance.cell.arcs:
            if (arc.pin not in instance.pins or arc.related not in instance.pins
                    or instance.pins[arc.pin] in self.clocks):
                continue
            if arc.kind.startswith("combinational"):
                for cause, effect in CAUSES[arc.sense]:
                    yield arc, cause, effect
            elif arc.kind in ("rising_edge", "falling_edge"):
                for effect in (RISE, FALL):
                    yield arc, FALL if arc.kind == "falling_edge" else RISE, effect

    def delay(self, instance, arc, cause, effect):
        """ns from an edge of an arc's input to one of its output; None where there is no such edge or table."""
        table, slews = arc.tables.get(f"cell_{EDGES[effect]}"), self.slews.get(instance.pins[arc.related])
        if table is None or slews is None or slews[cause] == math.inf:
            return None
        return table.at(slews[cause], self.loads.of(instance.pins[arc.pin]))

    def _step(self, index, arc, cause, effect):
        """What one arc does for one edge of its output."""
        instance = self.netlist.instances[index]
        source, target, pick = instance.pins[arc.related], instance.pins[arc.pin], self.pick
        delay = self.delay(instance, arc, cause, effect)
        if delay is None:
            return
        known = self.delays[index].setdefault((arc.related, arc.pin), [None, None])
        known[effect] = delay if known[effect] is None else pick(known[effect], delay)
        out = arc.tables[f"{EDGES[effect]}_transition"].at(self.slews[source][cause], self.loads.of(target))
        slews = self.slews.setdefault(target, [self._none, self._none])
        slews[effect] = pick(slews[effect], out)
        arrival = self._launch(instance.cell, source, cause)
        if arrival is None:
            return
        arrivals = self.arrivals.setdefault(target, [None, None])
        if arrivals[effect] is None or pick(arrivals[effect], arrival + delay) != arrivals[effect]:
            arrivals[effect] = arrival + delay
            self._causes[target, effect] = instance, arc, source, cause

    def _launch(self, cell, source, cause):
        """When the input of an arc changes; None if that counts for nothing."""
        if is_source(cell):
            # A latch keeps a weight, which was written before.
            return 0.0 if cell.storage and cell.storage.kind == "ff" else None
        if source in self.clocks:
            # An array of bitcells may change with the clock, as flip-flops do; a gate of the clock has its own check.
            return None if cell.tables else 0.0
        arrivals = self.arrivals.get(source)
        return arrivals[cause] if arrivals else None

    def paths(self):
        """The longest path to each end, as (ns with setup, ns of setup, net, edge, name of the end)."""
        found = self.register_paths()
        for name, (is_input, nets) in self.netlist.ports.items():
            if not is_input:
                for index, net in enumerate(nets):
                    found += self._ends(net, f"{name}[{index}]", lambda net, edge: 0.0)
        return found

    def register_paths(self):
        """The same without those that end at ports."""
        found = []
        for instance in self.netlist.instances:
            for arc in self.checks(instance, "setup"):
                found += self._ends(instance.pins[arc.pin], f"{instance.name}/{arc.pin}",
                                    lambda net, edge, arc=arc: self.constraint(arc, net, edge))
            if self.gates_clock(instance):
                for pin in instance.cell.inputs:
                    if instance.pins[pin] not in self.clocks:
                        found += [(2 * time, time, net, edge, name) for time, _, net, edge, name
                                  in self._ends(instance.pins[pin], f"{instance.name}/{pin}", lambda net, edge: 0.0)]
        return found

    def gates_clock(self, instance):
        """Whether it is logic with the clock at an input."""
        return bool(instance.cell.tables) and any(instance.pins.get(pin) in self.clocks
                                                  for pin in instance.cell.inputs)

    @staticmethod
    def checks(instance, kind):
        """Arcs of an instance that are constraints of a kind, ``setup`` or ``hold``, of connected pins."""
        return [arc for arc in instance.cell.arcs
                if arc.kind in (f"{kind}_rising", f"{kind}_falling") and arc.pin in instance.pins]

    def constraint(self, arc, net, edge):
        """ns that a pin on a net must stand before the clock, or after it."""
        table = arc.tables.get(f"{EDGES[edge]}_constraint")
        return table.at(self.slews[net][edge], self.slew) if table else 0.0

    def _ends(self, net, name, setup):
        arrivals = self.arrivals.get(net, (None, None))
        for edge in (RISE, FALL):
            if arrivals[edge] is not None:
                more = setup(net, edge)
                yield arrivals[edge] + more, more, net, edge, name

    def longest(self):
        """The longest `Path`."""
        found = self.paths()
        if not found:
            raise FlowError("a design must have a path to a register or output, and has none")
        time, setup, net, edge, end = max(found, key=lambda path: path[0])
        steps = [(end, "", time - setup)]
        while (net, edge) in self._causes:
            instance, arc, source, cause = self._causes[net, edge]
            steps.append((instance.name, f"{instance.cell.name} {arc.related} to {arc.pin}", self.arrivals[net][edge]))
            if is_source(instance.cell):
                break
            net, edge = source, cause
        return Path(time, setup, steps[::-1])


def is_source(cell):
    """Whether paths begin at its outputs."""
    return bool(cell.storage or cell.clock_gate)


def clock_nets(netlist, clock):
    """The net of the clock, and those behind clock gates."""
    found, sinks = {clock}, netlist.sinks()
    todo = [clock]
    while todo:
        for instance, _ in sinks.get(todo.pop(), ()):
            if instance.cell.clock_gate:
                new = {net for pin, net in instance.pins.items() if pin in instance.cell.outputs} - found
                found |= new
                todo += new
    return found
