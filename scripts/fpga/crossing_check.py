"""Checks on a netlist that signals pass from one clock domain to another by the rules of `hdl/clocking`."""

import json
import re
from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

from ...hdl.clocking.pll import PLLS
from .flow import FlowError

# Pins of flip-flops, in all families.
CLOCKS, DATA, ENABLES, OUTPUT = ("C", "CLK"), ("D", "DI"), ("E", "CE"), "Q"
RESETS = ("R", "S", "LSR", "RESET", "SET", "CLEAR", "PRESET")
# Of flip-flops, memories and multipliers.
CLOCK_PIN = re.compile(r"C|[RW]?CLK\w*|WCK|CK")
CONSTANTS = ("GND", "VCC")
# What has no clock: pins of the device, and whether a PLL is locked.
ASYNCHRONOUS = "asynchronous"


class CrossingError(FlowError):
    """A netlist breaks a rule of clock domain crossings."""


def check_crossings(netlist):
    """Check every path of a flattened netlist between two clock domains, or from a pin of the device or a PLL.

    It must be a wire (from a pin also an inverter) from the output of a flip-flop, of a pin or of a PLL to the data
    input of a flip-flop, which must be one of these two:

    - The first flip-flop of a synchronizer: it loads each cycle, without a reset, and its output goes to the data input
      of one other flip-flop of the same clock and nowhere else. What synchronizers bring from one clock must not meet
      in logic of another, because they may be a cycle apart.
    - From a flip-flop only, a capture register of a `Handshake`. It has an enable that depends on nothing but its own
      domain, and on that handshake's request: on its synchronizer, through logic and one flip-flop at most. The
      flip-flop that it captures has an enable that depends on the acknowledgment of the same handshake.

    That a captured flip-flop holds its value from the request to the acknowledgment is a property of sequences, which
    a netlist does not show; what is checked is that it does not load every cycle and that the acknowledgment has a part
    in when it does. Simulation checks the rest.

    Parameters
    ----------
    netlist : Netlist

    Returns
    -------
    dict of str to int
        ``clocks``, ``synchronizers`` and ``captured_bits`` found.

    Raises
    ------
    CrossingError
        A path breaks the rules.
    """
    design = json.loads((netlist.folder / "netlist.json").read_text(encoding="utf-8"))
    return Crossings(design["modules"][netlist.top], netlist.family).check()


class Handshake(NamedTuple):
    """A closed loop: a request goes through one synchronizer, and the acknowledgment back through another. Each depends
    on the other's, through one flip-flop at most.

    Attributes
    ----------
    request, acknowledgment : str
        The second flip-flops of both.
    """

    request: str
    acknowledgment: str


class Crossings:
    """A module of a netlist as Yosys's JSON has it, and its family of cells."""

    def __init__(self, module, family):
        self.cells = module["cells"]
        self.flip_flops = {name for name, cell in self.cells.items() if family.classify(cell["type"]) == "flip_flop"}
        self._pads = {bit for port in module["ports"].values() if port["direction"] != "output" for bit in port["bits"]}
        self._origins, self._enables = {}, {}
        self.drivers, self.loads = {}, defaultdict(list)
        for name, cell in self.cells.items():
            for pin, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"].get(pin) == "output":
                        self.drivers[bit] = name, pin
                    else:
                        self.loads[bit].append((name, pin))

    def _net(self, name, pins):
        """The net at one of these pins of a cell; None if it has no such pin or a constant there."""
        found = (self.cells[name]["connections"][pin][0] for pin in pins if pin in self.cells[name]["connections"])
        return next((bit for bit in found if isinstance(bit, int) and not self._is_constant(bit)), None)

    def _is_constant(self, bit):
        return bit in self.drivers and self.cells[self.drivers[bit][0]]["type"] in CONSTANTS

    def _inputs(self, name):
        """The nets at the inputs of a cell that are no clocks, by pin."""
        cell = self.cells[name]
        return {pin: [bit for bit in bits if isinstance(bit, int)] for pin, bits in cell["connections"].items()
                if cell["port_directions"].get(pin) != "output" and not CLOCK_PIN.fullmatch(pin)}

    @cached_property
    def clocks(self):
        """The nets at the clocks of flip-flops."""
        return {self._net(name, CLOCKS) for name in self.flip_flops}

    def _clock(self, name):
        """The clock of a cell, None if it has none or several; of a block RAM with two all is one domain."""
        nets = {bit for pin, bits in self.cells[name]["connections"].items() for bit in bits
                if bit in self.clocks and CLOCK_PIN.fullmatch(pin)
                and self.cells[name]["port_directions"].get(pin) == "input"}
        return nets.pop() if len(nets) == 1 else None

    @cached_property
    def domains(self):
        """The clock of each cell that has one: flip-flops, memories, multipliers; PLLs are none of them."""
        found = {name: self._clock(name) for name, cell in self.cells.items() if cell["type"] not in PLLS}
        return {name: clock for name, clock in found.items() if clock is not None}

    def _is_asynchronous(self, name):
        return self.cells[name]["type"] in PLLS or any(
            bit in self._pads for bits in self.cells[name]["connections"].values() for bit in bits)

    def origins(self, bit):
        """What a net depends on: clocks of cells, `ASYNCHRONOUS`; found without recursion, as chains are long."""
        pending = [bit]
        while pending:
            net = pending[-1]
            inputs = self._sources(net) if net not in self._origins else ()
            missing = [source for source in inputs if source not in self._origins]
            if missing:
                # A loop of logic would never end; synthesis reports those.
                pending += missing
                continue
            pending.pop()
            if net not in self._origins:
                self._origins[net] = self._own(net).union(*(self._origins[source] for source in inputs))
        return self._origins[bit]

    def _own(self, bit):
        """What a net depends on if not through logic."""
        if bit in self._pads:
            return frozenset([ASYNCHRONOUS])
        name, _ = self.drivers.get(bit, (None, None))
        if name is None:
            return frozenset()
        if name in self.domains:
            return frozenset([self.domains[name]])
        return frozenset([ASYNCHRONOUS] if self._is_asynchronous(name) else [])

    def _sources(self, bit):
        """The nets that a net depends on through one cell of logic."""
        name, _ = self.drivers.get(bit, (None, None))
        if name is None or bit in self._pads or name in self.domains or self._is_asynchronous(name):
            return []
        cell = self.cells[name]
        return [each for pin, bits in cell["connections"].items() if cell["port_directions"].get(pin) != "output"
                for each in bits if isinstance(each, int)]

    @cached_property
    def crossings(self):
        """Flip-flops whose data comes from elsewhere; CrossingError if anything else does."""
        found = []
        for name, clock in self.domains.items():
            for pin, bits in self._inputs(name).items():
                if not set().union(*(self.origins(bit) for bit in bits), ()) - {clock}:
                    continue
                if name not in self.flip_flops or pin not in DATA:
                    raise CrossingError(f"another clock must reach {name} through a flip-flop, and reaches its pin "
                                        f"{pin}")
                found.append(name)
        return found

    def _source(self, name):
        """The cell whose output is wired to the data of a flip-flop, and whether it is a flip-flop."""
        bit = self._net(name, DATA)
        inputs = self._sources(bit)
        if self.origins(bit) == {ASYNCHRONOUS} and len(inputs) == 1:
            # An inverter: iCE40 has no flip-flops that start as ones. A single input makes no glitches.
            (bit,) = inputs
        driver, pin = self.drivers.get(bit, (None, None))
        if driver in self.flip_flops and pin == OUTPUT:
            return driver, True
        if bit in self._pads or (driver is not None and self._is_asynchronous(driver)):
            return driver, False
        raise CrossingError(f"the data of {name} must come straight from a flip-flop of the other clock, and comes "
                            f"through {driver}")

    @cached_property
    def synchronizers(self):
        """The second flip-flop of each synchronizer, by the first."""
        found = {}
        for name in self.crossings:
            loads = self.loads[self._net(name, [OUTPUT])]
            second, pin = loads[0] if len(loads) == 1 else (None, None)
            if (self._net(name, ENABLES + RESETS) is None and second in self.flip_flops and pin in DATA
                    and self.domains[second] == self.domains[name]):
                found[name] = second
        return found

    def _behind(self, bits):
        """The flip-flops that nets depend on through logic."""
        nets = self._logic(bit for bit in bits if bit is not None)
        return {self.drivers[net][0] for net in nets if net in self.drivers} & self.flip_flops

    def _near(self, *bits):
        """The second flip-flops of synchronizers that nets depend on, through one flip-flop at most."""
        near = self._behind(bits)
        return set(self.synchronizers.values()) & (near | self._behind(
            self._net(name, pins) for name in near for pins in (DATA, ENABLES)))

    def _cone(self, bit, clock):
        """All cells of a clock that a net depends on, through any number of cycles."""
        pending, nets, cells = [bit], set(), set()
        while pending:
            net = pending.pop()
            if net in nets:
                continue
            nets.add(net)
            driver, _ = self.drivers.get(net, (None, None))
            if self.domains.get(driver) != clock:
                pending += self._sources(net)
            elif driver not in cells:
                cells.add(driver)
                # Else the first flip-flop of a synchronizer, whose data is of another domain.
                pending += [bit for bits in self._inputs(driver).values() for bit in bits
                            if self.origins(bit) <= {clock}]
        return cells

    @cached_property
    def _asked(self):
        """The flip-flop of another clock that the second of each synchronizer follows; those of pins and PLLs aside."""
        sources = {second: self._source(first) for first, second in self.synchronizers.items()}
        return {second: source for second, (source, is_flip_flop) in sources.items() if is_flip_flop}

    @cached_property
    def handshakes(self):
        """Every `Handshake`; each loop is two, as either direction may carry the payload."""
        asked = self._asked
        near = {second: self._near(*(self._net(source, pins) for pins in (DATA, ENABLES)))
                for second, source in asked.items()}
        return [Handshake(there, back) for there in asked for back in asked if there in near[back]
                and back in near[there]]

    def _check_capture(self, name):
        """CrossingError unless a flip-flop is a capture register."""
        source, enable = self._source(name)[0], self._net(name, ENABLES)
        near = self._near(enable)
        if self.origins(enable) != {self.domains[name]} or not near:
            raise CrossingError(f"the enable of {name} must come from a synchronizer of its clock, and does not")
        clock = self.domains[source]
        found = [handshake for handshake in self.handshakes if handshake.request in near
                 and self.domains[self._asked[handshake.request]] == clock]
        if len(found) != 1:
            raise CrossingError(f"the enable of {name} must come from the request of one handshake with the clock of "
                                f"{source}, and comes from {len(found)}")
        loads = self._net(source, ENABLES)
        if loads is None or found[0].acknowledgment not in self._loaded_by(loads, source):
            raise CrossingError(f"{source} must have an enable that depends on the acknowledgment of what captures it, "
                                f"{name}, and has not")

    def _loaded_by(self, enable, source):
        """`_cone` of the enable of a flip-flop; many have the same."""
        if enable not in self._enables:
            self._enables[enable] = self._cone(enable, self.domains[source])
        return self._enables[enable]

    def _check_meetings(self):
        """CrossingError if what two synchronizers bring from one clock meets in one cell or in the logic before it."""
        carried = {self._net(second, [OUTPUT]): source for second, source in self._asked.items()}
        for name in self.domains:
            # What is delayed further by flip-flops in a row comes from the same synchronizer.
            met = {self._delayed(bit) for bits in self._inputs(name).values() for bit in self._logic(bits)}
            sources = [carried[bit] for bit in met if bit in carried]
            clocks = [self.domains[source] for source in sources]
            if len(clocks) > len(set(clocks)):
                raise CrossingError(f"signals from {' and '.join(sorted(sources))} must not meet in logic of another "
                                    f"clock, and meet at {name}")

    def _logic(self, bits):
        """These nets, and those that they depend on through logic."""
        seen, pending = set(), list(bits)
        while pending:
            net = pending.pop()
            if net not in seen:
                seen.add(net)
                pending += self._sources(net)
        return seen

    def _delayed(self, bit):
        """The net whose delayed copy a net is, through flip-flops that load each cycle."""
        synchronized = set(self.synchronizers.values())
        while True:
            driver, pin = self.drivers.get(bit, (None, None))
            if (driver not in self.flip_flops or pin != OUTPUT or driver in synchronized
                    or self._net(driver, ENABLES + RESETS) is not None or self._net(driver, DATA) is None):
                return bit
            bit = self._net(driver, DATA)

    def check(self):
        """See `check_crossings`."""
        captures = set(self.crossings) - set(self.synchronizers)
        for name in self.crossings:
            _, from_flip_flop = self._source(name)
            if name in captures and not (from_flip_flop and self._net(name, ENABLES)):
                raise CrossingError(f"{name} must load each cycle without a reset and be followed by one flip-flop of "
                                    "its clock and nothing else, or have an enable, and is not")
        for name in sorted(captures):
            self._check_capture(name)
        self._check_meetings()
        return {"clocks": len(self.clocks), "synchronizers": len(self.synchronizers), "captured_bits": len(captures)}
