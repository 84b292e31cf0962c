"""Timing at the ports of a netlist: what its inputs ask for, and when its outputs come."""

from collections import defaultdict
from dataclasses import dataclass, field

from ...common.tools import FlowError
from ..delay import EDGES, Timing, is_source
from ..loads import SLEWS, Loads, fan_out_slew, max_load

# Slews of the tables, in those of an inverter that drives four of itself, and loads, in the pins of such inverters. The
# second slew and the first load are those of the longest path.
SLEW_POINTS, LOAD_POINTS = (0.5, 1, SLEWS), (0, 4, 16)
NOMINAL = 1


@dataclass
class Launch:
    """Delays to an output, ns, and its slews: by edge of the output, lists by slew of the input, then by load."""

    delays: dict = field(default_factory=dict)
    slews: dict = field(default_factory=dict)


@dataclass
class PortTiming:
    """Timing of a port; of one of several bits the worst of them.

    Attributes
    ----------
    name : str
    is_input : bool
    width : int
    capacitances : list of float
        pF, of each bit of an input.
    max_load : float
        pF, that an output can drive.
    setup, hold : dict of str to list of list of float
        ns before and after the clock, by edge of the input, and by its slew and then the clock's; empty if no register
        needs it.
    late, early : dict of str to Launch
        To an output at the latest, and at the earliest for one slew; from the clock, and from inputs without a register
        between, by their names.
    """

    name: str
    is_input: bool
    width: int
    capacitances: list = field(default_factory=list)
    max_load: float = 0.0
    setup: dict = field(default_factory=dict)
    hold: dict = field(default_factory=dict)
    late: dict = field(default_factory=dict)
    early: dict = field(default_factory=dict)


class Boundary:
    """Timing of all ports of a netlist but the clock's.

    Parameters
    ----------
    netlist : Netlist
    roles : Roles
    per_pin : float
        pF of wire for each driven pin.
    clock : str
        Port of the clock.

    Attributes
    ----------
    clock : str
    slews, loads : list of float
        Points of the tables, ns and pF.
    ports : list of PortTiming
    clock_capacitance : float
        pF.
    min_period : float
        ns, that paths from register to register take.

    Raises
    ------
    FlowError
        An input reaches a gate of the clock, which would need to know when in the cycle it changes.
    """

    def __init__(self, netlist, roles, per_pin, clock):
        self.netlist, self.clock, self._per_pin = netlist, clock, per_pin
        ((_, (self._clock_net,)),) = [found for name, found in netlist.ports.items() if name == clock]
        slew, _ = fan_out_slew(roles)
        (pin,) = roles.inverter.inputs
        self.slews = [slew * factor for factor in SLEW_POINTS]
        self.loads = [roles.inverter.inputs[pin] * factor for factor in LOAD_POINTS]
        self._drivers = netlist.drivers()
        self.ports = [PortTiming(name, is_input, len(nets)) for name, (is_input, nets) in netlist.ports.items()
                      if name != clock]
        self._port_of = {net: port.name for port in self._of_kind(True) for net in self._nets(port)}
        timing = self._timing(0.0)
        self._check_gates(timing)
        self.clock_capacitance = timing.loads.of(self._clock_net)
        self.min_period = max((path[0] for path in timing.register_paths()), default=0.0)
        for port in self.ports:
            self._add_loads(port, timing.loads)
        self._add_outputs(timing.order)
        self._add_checks("setup", self.loads[-1])
        self._add_checks("hold", self.loads[0])

    def _check_gates(self, timing):
        gated = {net for instance in self.netlist.instances if timing.gates_clock(instance)
                 for pin, net in instance.pins.items() if pin in instance.cell.inputs} - timing.clocks
        if behind(self.netlist, self._drivers, gated) & set(self.netlist.inputs()) - timing.clocks:
            raise FlowError("views must be of a macro whose inputs reach no gate of the clock, and one does")

    def _timing(self, load, slew=None, **options):
        return Timing(self.netlist, Loads(self.netlist, self._per_pin, load), self._clock_net,
                      slew or self.slews[NOMINAL], inputs_arrive=False, **options)

    def _nets(self, port):
        return self.netlist.ports[port.name][1]

    def _of_kind(self, is_input):
        return [port for port in self.ports if port.is_input == is_input]

    def _add_loads(self, port, loads):
        """What an input loads its driver with, or what an output can drive beside what it drives inside."""
        if port.is_input:
            port.capacitances = [loads.of(net) for net in self._nets(port)]
            return
        limits = [self.loads[-1]]
        for net in self._nets(port):
            if net in self._drivers:
                instance, pin = self._drivers[net]
                limits.append(max_load(instance.cell, pin, self.slews[NOMINAL], self.slews[-1]) - loads.of(net))
        port.max_load = max(0.0, min(limits))

    # Outputs.

    def _add_outputs(self, order):
        cones = {net: Cone(self.netlist, self._drivers, net, order) for port in self._of_kind(False)
                 for net in self._nets(port)}
        for is_early, slews in ((False, self.slews), (True, self.slews[NOMINAL:NOMINAL + 1])):
            for slew in slews:
                timings = [self._timing(load, slew, is_early=is_early) for load in self.loads]
                for port in self._of_kind(False):
                    self._launch(port.early if is_early else port.late, timings,
                                 [self._arrivals(port, cones, timing) for timing in timings])

    def _arrivals(self, port, cones, timing):
        """Pairs of delay and slew of each bit of an output, by what they come from and edge."""
        found = defaultdict(list)
        for net in self._nets(port):
            delays = {self.clock: [timing.arrivals.get(net, (None, None))]}
            for source, values in cones[net].delays(timing).items():
                delays.setdefault(self._port_of[source], []).append(values)
            for source, rows in delays.items():
                for edge, name in enumerate(EDGES):
                    found[source, name] += [(row[edge], timing.slews[net][edge]) for row in rows
                                            if row[edge] is not None]
        return {key: pairs for key, pairs in found.items() if pairs}

    @staticmethod
    def _launch(launches, timings, found):
        """A row of each table, by load: the worst bit."""
        for source, edge in found[0]:
            launch = launches.setdefault(source, Launch())
            for tables, place in ((launch.delays, 0), (launch.slews, 1)):
                tables.setdefault(edge, []).append([timing.pick(pair[place] for pair in pairs[source, edge])
                                                    for timing, pairs in zip(timings, found)])

    # Inputs.

    def _add_checks(self, kind, load):
        """Setup of the latest paths, or hold of the earliest, for each slew of the inputs, and of the clock."""
        for slew in self.slews:
            timings = [self._timing(load, clock_slew, input_slew=slew, is_early=kind == "hold")
                       for clock_slew in self.slews]
            needed = [needed_at(timing, kind) for timing in timings]
            for port in self._of_kind(True):
                for edge, name in enumerate(EDGES):
                    rows = [[found[net][edge] for net in self._nets(port)
                             if net in found and found[net][edge] is not None] for found in needed]
                    if rows[0]:
                        worst = [timing.pick(values) for timing, values in zip(timings, rows)]
                        getattr(port, kind).setdefault(name, []).append(
                            worst if kind == "setup" else [-value for value in worst])


def needed_at(timing, kind):
    """How long before the clock each net must stand, ns by net and edge, of the paths from it to registers.

    For ``setup`` that is the greatest sum of a path's delay and its end's setup; for ``hold``, with early `Timing`, the
    least difference of a path's delay and its end's hold, so that its negative is how long after the clock.
    """
    needed, netlist, sign = {}, timing.netlist, 1 if kind == "setup" else -1

    def ask(net, edge, value):
        known = needed.setdefault(net, [None, None])
        known[edge] = value if known[edge] is None else timing.pick(known[edge], value)

    for instance in netlist.instances:
        for arc in timing.checks(instance, kind):
            net = instance.pins[arc.pin]
            if net in timing.slews:
                for edge, _ in enumerate(EDGES):
                    ask(net, edge, sign * timing.constraint(arc, net, edge))
    for index in reversed(timing.order):
        instance = netlist.instances[index]
        if is_source(instance.cell):
            continue
        for arc, cause, effect in timing.arcs(instance):
            after = needed.get(instance.pins[arc.pin], (None, None))[effect]
            delay = timing.delay(instance, arc, cause, effect)
            if after is not None and delay is not None:
                ask(instance.pins[arc.related], cause, after + delay)
    return needed


def behind(netlist, drivers, nets):
    """Nets that some nets depend on without a register between, and these."""
    found, todo = set(), list(nets)
    while todo:
        net = todo.pop()
        if net not in found and net in drivers and not is_source(drivers[net][0].cell):
            instance, _ = drivers[net]
            todo += [instance.pins[pin] for pin in instance.cell.inputs]
        found.add(net)
    return found


class Cone:
    """The logic between inputs and one net, without registers.

    Parameters
    ----------
    netlist : Netlist
    drivers : dict
    net : int
    order : list of int
        Of `Timing`.
    """

    def __init__(self, netlist, drivers, net, order):
        nets = behind(netlist, drivers, [net])
        self.net, self._inputs = net, nets & set(netlist.inputs())
        driving = {id(drivers[net][0]) for net in nets if net in drivers}
        self._instances = [netlist.instances[index] for index in reversed(order)
                           if id(netlist.instances[index]) in driving] if self._inputs else []

    def delays(self, timing):
        """The delay of each edge of the net from each input, ns by net of the input and edge of the net."""
        # Of each net what it takes from there: by its edge, to each edge of the end.
        after = {self.net: [[0.0, None], [None, 0.0]]}
        for instance in self._instances:
            for arc, cause, effect in () if is_source(instance.cell) else timing.arcs(instance):
                target, delay = instance.pins[arc.pin], timing.delay(instance, arc, cause, effect)
                if target not in after or delay is None:
                    continue
                known = after.setdefault(instance.pins[arc.related], [[None, None], [None, None]])[cause]
                for edge, rest in enumerate(after[target][effect]):
                    if rest is not None:
                        known[edge] = rest + delay if known[edge] is None else timing.pick(rest + delay, known[edge])
        return {net: [timing.pick((row[edge] for row in after[net] if row[edge] is not None), default=None)
                      for edge, _ in enumerate(EDGES)] for net in self._inputs & set(after)}
